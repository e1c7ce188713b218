"""Elastic Compute Service: ``running.ports.Ecs`` over signed calls (2014-05-26).

The one request is made of the core SDK's own RpcRequest, which is what its CommonRequest turns into as well;
aliyun-python-sdk-ecs would ship 2 MB more for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aliyunsdkcore.request import RpcRequest

from handler.cloud import parsing
from handler.cloud.client import Client
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.values import Instance, InstanceStatus

#: The most ids that a question may name, and the most instances that a page holds (DescribeInstances).
_IDS: Final = 100

_ACTION: Final = "DescribeInstances"

#: What a dry run answers a caller who may make the call (DescribeInstances, DryRun).
_ALLOWED: Final = "DryRunOperation"

#: What DescribeInstances calls Status, in our words.
_STATUSES: Final[Mapping[str, InstanceStatus]] = {
    "Pending": "pending",
    "Starting": "starting",
    "Running": "running",
    "Stopping": "stopping",
    "Stopped": "stopped",
}


class DescribeInstancesRequest(RpcRequest):  # type: ignore[misc]
    """The request class that aliyun-python-sdk-ecs would have."""

    def __init__(self) -> None:
        super().__init__("Ecs", "2014-05-26", _ACTION, "ecs")
        self.set_method("POST")
        # No region shares the endpoint of another (ECS, Endpoints, 2026).
        self.endpoint_map: dict[str, str] = {}


class CloudEcs:
    """The instances of ECS as one run sees them: each question is asked anew."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._allowed = False

    def instances(self, ids: tuple[str, ...]) -> Mapping[str, Instance]:
        """Read instances by id, 100 a call; those that ECS does not know are absent. Raises CallFailed.

        A caller without the right may be answered with an empty list (DescribeInstances), which looks as if
        every instance were released: that is told apart by a dry run before any id is called unknown.
        """
        asked = tuple(dict.fromkeys(ids))
        found: dict[str, Instance] = {}
        for start in range(0, len(asked), _IDS):
            some = asked[start : start + _IDS]
            found.update(self._described(some))
            self._allowed = self._allowed or bool(found)
            if not self._allowed:
                self._dry_run(some)
        return found

    def _described(self, ids: tuple[str, ...]) -> dict[str, Instance]:
        # By tokens: pages by number are about to go (DescribeInstances, PageNumber).
        params = {"InstanceIds": _as_json(ids), "MaxResults": str(_IDS)}
        found: dict[str, Instance] = {}
        while True:
            answer = self._client.call(DescribeInstancesRequest, params)
            try:
                page = _instances(answer, ids)
            except parsing.Malformed as why:
                raise parsing.unreadable(_ACTION, why) from None
            found.update(page)
            token = str(answer.get("NextToken") or "")
            if not token or not page or len(found) == len(ids):
                return found
            params["NextToken"] = token

    def _dry_run(self, ids: tuple[str, ...]) -> None:
        """Ask whether the call is allowed; raises CallFailed unless ECS says that it is."""
        try:
            self._client.call(DescribeInstancesRequest, {"InstanceIds": _as_json(ids), "DryRun": "true"})
        except CallFailed as failed:
            if failed.answer.code != _ALLOWED:
                raise
            self._allowed = True
            return
        raise CallFailed(
            Answer(Result.PERMANENT, "DryRunIgnored", "ECS does not say whether instances may be read.")
        )


def _as_json(ids: tuple[str, ...]) -> str:
    return json.dumps(ids, separators=(",", ":"))


def _instances(answer: Mapping[str, Any], ids: tuple[str, ...]) -> dict[str, Instance]:
    """Return the instances of an answer. Raises parsing.Malformed, also where it answers something else.

    That must not pass for instances that were released.
    """
    if "Instances" not in answer:
        raise parsing.Malformed("Instances is not there")
    rows = parsing.rows(answer, "Instances", "Instance")
    found = {instance.id: instance for instance in map(_instance, rows)}
    if len(found) != len(rows) or not found.keys() <= set(ids):
        raise parsing.Malformed("Instances holds others than were asked for, or one twice")
    return found


def _instance(row: Mapping[str, Any]) -> Instance:
    locks = parsing.rows(row, "OperationLocks", "LockReason")
    return Instance(
        id=parsing.text(row, "InstanceId"),
        # A status that the documents do not name is waited for: neither is such an instance put in before its
        # time, nor given up or refused as one that cannot run.
        status=_STATUSES.get(parsing.text(row, "Status"), "pending"),
        # The reason is spelt in small letters by the table of DescribeInstances, with a capital elsewhere.
        reclaimed=any(parsing.text(lock, "LockReason").lower() == "recycling" for lock in locks),
    )
