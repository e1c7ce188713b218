"""ECS 2014-05-26 as the wire carries it: the actions by name."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.ecs.model import Ecs
from localcloud.rpc.errors import ApiError
from localcloud.rpc.params import flag, number, optional
from localcloud.slb.rows import CREATED
from localcloud.state.world import REGION, Instance

Params = Mapping[str, str]
Answer = dict[str, Any]

MOST_IDS = 100  # "a JSON array that consists of up to 100 instance IDs" (DescribeInstances)
STATUSES = ("Pending", "Running", "Starting", "Stopping", "Stopped")
REASONS = ("financial", "security", "recycling", "dedicatedhostfinancial", "refunded")


def _describe_instances(ecs: Ecs, params: Params) -> Answer:
    """DescribeInstances: by ids, status and lock; in pages by number, or by token, which goes before."""
    status, reason = optional(params, "Status"), optional(params, "LockReason")
    if status is not None and status not in STATUSES:
        raise ApiError("InvalidStatus.NotFound")
    if reason is not None and reason.lower() not in REASONS:
        raise ApiError("InvalidLockReason.NotFound")
    ids = _ids(optional(params, "InstanceIds"))
    page, size = number(params, "PageNumber", 1, 1, 10**6), number(params, "PageSize", 10, 1, 100)
    most, start = number(params, "MaxResults", None, 1, 100), number(params, "NextToken", None, 0, 10**6)
    if flag(params, "DryRun"):
        raise ApiError("DryRunOperation")
    rows = [_row(instance) for instance in ecs.instances(ids, status, reason)]
    if most is None and start is None:
        shown = rows[(page - 1) * size : page * size]
        counts = {"TotalCount": len(rows), "PageNumber": page, "PageSize": size}
        return {"Instances": {"Instance": shown}, **counts}
    begin = start or 0
    end = begin + (most or 10)
    # "TotalCount is invalid" where there are tokens: nobody is to rely on it.
    return {"Instances": {"Instance": rows[begin:end]}, "NextToken": str(end) if end < len(rows) else ""}


def _ids(text: str | None) -> list[str] | None:
    """The ids of a JSON array, which may be empty; None where there is no such filter."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, list)
        or len(found) > MOST_IDS
        or not all(isinstance(one, str) and one for one in found)
    ):
        raise ApiError("InvalidInstanceIds.Malformed")
    return found


def _row(instance: Instance) -> Answer:
    locks = [{"LockReason": reason, "LockMsg": ""} for reason in instance.operation_locks]
    return {
        "InstanceId": instance.instance_id,
        "InstanceName": instance.instance_id,
        "Status": instance.status,
        "RegionId": REGION,
        "ZoneId": instance.zone_id,
        "CreationTime": CREATED,
        "InstanceNetworkType": "vpc",
        "OperationLocks": {"LockReason": locks},
    }


ACTIONS: dict[str, Callable[[Ecs, Params], Answer]] = {"DescribeInstances": _describe_instances}
