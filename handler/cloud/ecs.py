"""Elastic Compute Service: ``running.ports.Ecs`` over signed calls (2014-05-26).

The one request is an RpcRequest of the core SDK, as its CommonRequest becomes one too; aliyun-python-sdk-ecs
would add 2 MB for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aliyunsdkcore.request import RpcRequest

from handler.cloud import paging, parsing
from handler.cloud.client import Client
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.values import Instance, InstanceStatus

#: Ids that a call may name, and instances that a page holds, at most (DescribeInstances).
_IDS: Final = 100

_ACTION: Final = "DescribeInstances"

#: The answer to a dry run if the call is allowed (DescribeInstances, DryRun).
_ALLOWED: Final = "DryRunOperation"

#: DescribeInstances' Status, in our words.
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
        # No region shares another's endpoint (ECS, Endpoints, 2026).
        self.endpoint_map: dict[str, str] = {}


class CloudEcs:
    """The instances of ECS as one delivery sees them: every question is a call."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._allowed = False

    def instances(self, ids: tuple[str, ...]) -> Mapping[str, Instance]:
        """Read instances by id, 100 a call; those that ECS does not know are absent. Raises CallFailed.

        A caller without the right may get an empty list (DescribeInstances), as if every instance were
        released. So a dry run checks the right before any id is called unknown.
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
        # By tokens: page numbers are about to be withdrawn (DescribeInstances, PageNumber).
        params = {"InstanceIds": _as_json(ids), "MaxResults": str(_IDS)}
        found: dict[str, Instance] = {}
        with parsing.reading(_ACTION):
            for answer in paging.answers(self._read, params, "Instances", "Instance"):
                found.update(_instances(answer, ids))
                if len(found) == len(ids):
                    break
        return found

    def _read(self, params: Mapping[str, str]) -> Mapping[str, Any]:
        return self._client.call(DescribeInstancesRequest, params)

    def _dry_run(self, ids: tuple[str, ...]) -> None:
        """Check whether the call is allowed; raises CallFailed unless ECS says that it is."""
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


@parsing.reading(_ACTION)
def _instances(answer: Mapping[str, Any], ids: tuple[str, ...]) -> dict[str, Instance]:
    """Return the instances of an answer. Raises CallFailed, also if it answers another question.

    Otherwise instances could seem released.
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
        # A status that no document names counts as pending: such an instance is not put in too early, nor
        # given up or refused.
        status=_STATUSES.get(parsing.text(row, "Status"), "pending"),
        # The table of DescribeInstances spells the reason in small letters, other pages with a capital.
        reclaimed=any(parsing.text(lock, "LockReason").lower() == "recycling" for lock in locks),
    )
