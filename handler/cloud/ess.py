"""Auto Scaling: ``running.ports.Ess`` over signed calls (2014-08-28).

Its request classes are imported at the first call: a target without a scaling group never needs them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from handler.cloud import paging, parsing
from handler.cloud.client import Client
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.observed import Listing
from handler.core.model.values import Hook, Server, ServerState

#: Instances that a page holds, and ids that a call may name, at most (DescribeScalingInstances).
_PAGE: Final = 50
_IDS: Final = 20

#: DescribeScalingInstances' LifecycleState, in our words. An instance in any other state is left alone.
_STATES: Final[Mapping[str, ServerState]] = {
    "InService": "in_service",
    "Protected": "in_service",
    "Pending": "pending",
    "Pending:Wait": "pending",
    "Removing": "leaving",
    "Removing:Wait": "leaving",
    "Stopped": "leaving",
    "Standby": "standby",
}


class _Group(NamedTuple):
    """What a scaling group says of itself."""

    attached: frozenset[str]
    counted: int | None


class CloudEss:
    """Auto Scaling as one delivery sees it: a scaling group itself is read once, its instances each time.

    If a listing is empty, the scaling group is read again: it is empty only if its count is 0 too.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._groups: dict[str, _Group] = {}

    def listing(self, scaling_group_id: str) -> Listing:
        """Read all instances, every page, without a filter; raises CallFailed, GONE without such a group."""
        known = scaling_group_id in self._groups
        group = self._groups[scaling_group_id] if known else self._group(scaling_group_id)
        servers: dict[str, Server] = {}
        total, page = 0, 1
        while True:
            answer = self._read(
                "DescribeScalingInstances",
                {"ScalingGroupId": scaling_group_id, "PageNumber": str(page), "PageSize": str(_PAGE)},
            )
            before = len(servers)
            servers.update((server.id, server) for server in _servers(answer))
            total = _number(answer, "TotalCount")
            if len(servers) >= total or len(servers) == before:
                break
            page += 1
        if known and not servers:
            group = self._group(scaling_group_id)
        return Listing(tuple(servers.values()), len(servers) == total, group.attached, group.counted)

    def named(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> Listing:
        """Read some instances by id, and the scaling group itself; raises CallFailed like ``listing``."""
        group = self._groups.get(scaling_group_id) or self._group(scaling_group_id)
        return Listing(self.listed(scaling_group_id, instance_ids), True, group.attached, group.counted)

    def listed(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> tuple[Server, ...]:
        """Read some instances by id; those not in the scaling group are left out. Raises CallFailed."""
        found: list[Server] = []
        for start in range(0, len(instance_ids), _IDS):
            params = {"ScalingGroupId": scaling_group_id, "PageNumber": "1", "PageSize": str(_PAGE)}
            for place, instance_id in enumerate(instance_ids[start : start + _IDS], 1):
                params[f"InstanceId.{place}"] = instance_id
            found.extend(_servers(self._read("DescribeScalingInstances", params)))
        return tuple(found)

    def pending_hooks(self, activity_id: str) -> tuple[Hook, ...]:
        """Read the lifecycle actions of a scaling activity that still wait; raises CallFailed.

        The API gives neither their scaling group nor their transition: these stay empty and ``scale_out``,
        and the caller has to know them.
        """
        params = {
            "ScalingActivityId": activity_id,
            "LifecycleActionStatus": "Pending",
            "MaxResults": str(_PAGE),
        }
        action = "DescribeLifecycleActions"
        try:
            pages = paging.answers(partial(self._read, action), params, "LifecycleActions", "LifecycleAction")
            return tuple(hook for answer in pages for hook in _hooks(answer, activity_id))
        except parsing.Malformed as why:
            raise parsing.unreadable(action, why) from None

    def complete(self, hook: Hook, result: Literal["CONTINUE", "ABANDON"]) -> Answer:
        """Complete a lifecycle action; GONE if its token has expired or was used before."""
        return self._tell(
            "CompleteLifecycleAction",
            hook,
            {
                "LifecycleHookId": hook.id,
                "LifecycleActionToken": hook.token or "",
                "LifecycleActionResult": result,
            },
        )

    def heartbeat(self, hook: Hook) -> Answer:
        """Ask for 600 more seconds; PERMANENT after six hours or twenty heartbeats."""
        return self._tell(
            "RecordLifecycleActionHeartbeat",
            hook,
            # Only this action spells its parameters like this.
            {"lifecycleHookId": hook.id, "lifecycleActionToken": hook.token or ""},
        )

    def _tell(self, action: str, hook: Hook, params: Mapping[str, str]) -> Answer:
        if hook.token is None:
            return Answer(Result.PERMANENT, "MissingToken", f"The token of {hook.id} is not known.")
        try:
            answer = self._read(action, params)
        except CallFailed as failed:
            return failed.answer
        return Answer(Result.APPLIED, request_id=str(answer.get("RequestId") or ""))

    def _group(self, scaling_group_id: str) -> _Group:
        action = "DescribeScalingGroups"
        answer = self._read(action, {"ScalingGroupId.1": scaling_group_id})
        try:
            group = self._groups[scaling_group_id] = _of_group(answer, scaling_group_id)
        except parsing.Malformed as why:
            raise parsing.unreadable(action, why) from None
        return group

    def _read(self, action: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        module = importlib.import_module(f"aliyunsdkess.request.v20140828.{action}Request")
        return self._client.call(getattr(module, f"{action}Request"), params)


def _of_group(answer: Mapping[str, Any], scaling_group_id: str) -> _Group:
    """Return which VServer groups Auto Scaling itself keeps for a scaling group, and its count."""
    for row in parsing.rows(answer, "ScalingGroups", "ScalingGroup"):
        if row.get("ScalingGroupId") == scaling_group_id:
            attached = frozenset(
                parsing.text(attribute, "VServerGroupId")
                for balancer in parsing.rows(row, "VServerGroups", "VServerGroup")
                for attribute in parsing.rows(balancer, "VServerGroupAttributes", "VServerGroupAttribute")
            )
            return _Group(attached, _counted(row))
    raise CallFailed(
        Answer(
            Result.GONE,
            "InvalidScalingGroupId.NotFound",
            f"The scaling group {scaling_group_id} is not there.",
        )
    )


def _counted(row: Mapping[str, Any]) -> int | None:
    """Return how many instances a scaling group counts, None if it does not say. Raises parsing.Malformed."""
    # If instance types have weights, TotalCapacity is a sum of weights; without instances it is still 0.
    for name in ("TotalInstanceCount", "TotalCapacity"):
        if name in row:
            return parsing.number(row, name, 0, 1_000_000)
    return None


def _servers(answer: Mapping[str, Any]) -> list[Server]:
    try:
        return [
            Server(
                id=parsing.text(row, "InstanceId"),
                state=_STATES.get(parsing.text(row, "LifecycleState"), "standby"),
                healthy=row.get("HealthStatus") != "Unhealthy",
            )
            for row in parsing.rows(answer, "ScalingInstances", "ScalingInstance")
        ]
    except parsing.Malformed as why:
        raise parsing.unreadable("DescribeScalingInstances", why) from None


def _hooks(answer: Mapping[str, Any], activity_id: str) -> list[Hook]:
    """Return the lifecycle actions of a page. Raises parsing.Malformed."""
    return [
        Hook(
            id=parsing.text(row, "LifecycleHookId"),
            token=parsing.text(row, "LifecycleActionToken"),
            activity_id=activity_id,
            scaling_group_id="",
            transition="scale_out",
            instance_ids=tuple(parsing.texts(row, "InstanceIds", "InstanceId")),
        )
        for row in parsing.rows(answer, "LifecycleActions", "LifecycleAction")
    ]


def _number(answer: Mapping[str, Any], name: str) -> int:
    try:
        return parsing.number(answer, name, 0, 1_000_000)
    except parsing.Malformed as why:
        raise parsing.unreadable("DescribeScalingInstances", why) from None
