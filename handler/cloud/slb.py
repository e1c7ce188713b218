"""The load balancer: ``running.ports.Slb`` over signed calls to Classic Load Balancer (2014-05-15)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aliyunsdkslb.request.v20140515.AddVServerGroupBackendServersRequest import (
    AddVServerGroupBackendServersRequest,
)
from aliyunsdkslb.request.v20140515.DescribeHealthStatusRequest import DescribeHealthStatusRequest
from aliyunsdkslb.request.v20140515.DescribeVServerGroupAttributeRequest import (
    DescribeVServerGroupAttributeRequest,
)
from aliyunsdkslb.request.v20140515.ModifyVServerGroupBackendServersRequest import (
    ModifyVServerGroupBackendServersRequest,
)
from aliyunsdkslb.request.v20140515.RemoveVServerGroupBackendServersRequest import (
    RemoveVServerGroupBackendServersRequest,
)
from aliyunsdkslb.request.v20140515.SetVServerGroupAttributeRequest import SetVServerGroupAttributeRequest

from handler.cloud import health_rows, parsing, usage
from handler.cloud.client import Client
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.steps import Add, Modify, Remove, Step
from handler.core.model.values import Backend, Group, Key, Listeners, Verdict
from handler.sharing import Reader

#: Seconds for which other targets of the delivery may use a reading of a load balancer: of its listeners, and
#: of its backends' health.
_LISTENERS_S: Final = 15.0
_HEALTH_S: Final = 1.0


class CloudSlb:
    """The load balancer as one run sees it: how a group is used is read once, the rest each time.

    Through ``reader`` it shares with the delivery's other runs what it reads of the load balancer as a whole;
    health only until the next write.
    """

    def __init__(self, client: Client, reader: Reader | None = None) -> None:
        self._client = client
        self._reader = reader or Reader(time.monotonic, {})
        self._uses: dict[str, tuple[usage.Use, ...]] = {}
        self._spelt: dict[str, str] = {}

    def group(self, vserver_group_id: str) -> Group:
        """Read the group; raises CallFailed, GONE if there is none with that id."""
        answer = self._client.call(DescribeVServerGroupAttributeRequest, {"VServerGroupId": vserver_group_id})
        with parsing.reading("DescribeVServerGroupAttribute"):
            self._spelt |= parsing.spellings(answer)
            return parsing.group(answer, vserver_group_id)

    def listeners(self, group: Group) -> Listeners:
        """Return what the listeners that use the group do with its backends; raises CallFailed."""
        return usage.summed_up(self._used(group))

    def health(self, group: Group) -> Mapping[Key, Mapping[str, Verdict]]:
        """Read what each listener that checks, by its name, says of every backend; raises CallFailed."""
        uses = self._used(group)
        checking, partly = usage.checking(uses), usage.partly_checking(uses)
        if not checking:
            return health_rows.verdicts(group.backends, (), checking)
        balancer = group.load_balancer_id
        answer = self._reader.read(
            balancer,
            ("health", balancer),
            _HEALTH_S,
            lambda: self._asked_for_health(group),
        )
        with parsing.reading("DescribeHealthStatus"):
            return health_rows.verdicts(group.backends, health_rows.read(answer), checking, partly)

    def _asked_for_health(self, group: Group) -> Mapping[str, Any]:
        try:
            return self._client.call(DescribeHealthStatusRequest, {"LoadBalancerId": group.load_balancer_id})
        except CallFailed as failed:
            if not failed.answer.may_pass:  # perhaps the listeners have changed
                self._uses.pop(group.id, None)
            raise

    def do(self, group: Group, step: Step) -> Answer:
        """Do one step, once, and return its result; never raises CallFailed."""
        request_class, lists = _request(step, self._spelt)
        # The group's id goes with the lists: a gateway that does not read them there misses it, and says so.
        body = {"VServerGroupId": group.id, **{name: _as_json(entries) for name, entries in lists.items()}}
        try:
            answer = self._client.call(request_class, {}, body)
        except CallFailed as failed:
            return failed.answer
        finally:
            self._reader.spoil(group.load_balancer_id)
        return Answer(
            Result.APPLIED, request_id=str(answer.get("RequestId") or ""), group=_listed(group, answer)
        )

    def _used(self, group: Group) -> tuple[usage.Use, ...]:
        if group.id not in self._uses:
            with parsing.reading("The listeners"):
                self._uses[group.id] = usage.uses(self._read, group)
        return self._uses[group.id]

    def _read(self, request_class: type[Any], params: Mapping[str, str]) -> Mapping[str, Any]:
        question = (request_class.__name__, *params.items())
        return self._reader.read("", question, _LISTENERS_S, lambda: self._client.call(request_class, params))


def _request(step: Step, spelt: Mapping[str, str]) -> tuple[type[Any], dict[str, list[dict[str, Any]]]]:
    """Return a step's request, and its lists of backends by parameter. ``spelt`` has the API's spellings."""
    match step:
        case Modify(pairs):
            return ModifyVServerGroupBackendServersRequest, {
                "OldBackendServers": [_named(pair.old, spelt) for pair in pairs],
                "NewBackendServers": [_whole(pair.new, spelt) for pair in pairs],
            }
        case Add(backends):
            return AddVServerGroupBackendServersRequest, {
                "BackendServers": [_whole(b, spelt) for b in backends]
            }
        case Remove(backends):
            return RemoveVServerGroupBackendServersRequest, {
                "BackendServers": [_named(b, spelt) for b in backends]
            }
    return SetVServerGroupAttributeRequest, {"BackendServers": [_whole(b, spelt) for b in step.after]}


def _named(backend: Backend, spelt: Mapping[str, str]) -> dict[str, Any]:
    """Return what names a backend, with its address if it has one."""
    entry: dict[str, Any] = {
        "ServerId": backend.key.server_id,
        "Port": backend.key.port,
        "Type": backend.type,
    }
    if backend.key.server_ip is not None:
        entry["ServerIp"] = spelt.get(backend.key.server_ip, backend.key.server_ip)
    return entry


def _whole(backend: Backend, spelt: Mapping[str, str]) -> dict[str, Any]:
    """Return a backend with its attributes. The API takes no empty description, so that is left out."""
    entry = {**_named(backend, spelt), "Weight": backend.weight}
    if backend.description:
        entry["Description"] = backend.description
    return entry


def _as_json(entries: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(entries), ensure_ascii=False, separators=(",", ":"))


def _listed(group: Group, answer: Mapping[str, Any]) -> Group | None:
    """Return the group that a write's answer lists; None if it lists none, another one or a part of one."""
    if not answer.get("BackendServers") or answer.get("VServerGroupId") not in (None, group.id):
        return None
    try:
        found = parsing.backends(answer)
    except parsing.Malformed:
        return None
    # An answer without a list looks the same as an empty list: it does not show an empty group.
    return Group(group.id, group.load_balancer_id, found) if found else None
