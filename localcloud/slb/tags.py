"""Tags of load balancers: DescribeLoadBalancers by tags, and ListTagResources."""

import json
from collections.abc import Mapping
from typing import Any

from localcloud.rpc.errors import ApiError
from localcloud.rpc.params import indexed, number, optional, required
from localcloud.slb.model import Slb
from localcloud.state.world import LoadBalancer

Params = Mapping[str, str]
Wanted = list[tuple[str, str | None]]

#: "The type of the resource" (ListTagResources); what is not `instance` has no tags here.
TYPES = ("instance", "certificate", "acl", "listener", "vservergroup", "masterslaveservergroup")
MOST_RESOURCES, MOST_TAGS, PAGE = 20, 20, 50


def wanted(params: Params) -> Wanted:
    """The tags that a request names, in `Tag.N.Key` and `Tag.N.Value` or as JSON in `Tags`; no value: any."""
    found: Wanted = []
    for n in range(1, MOST_TAGS + 1):
        key, value = optional(params, f"Tag.{n}.Key"), optional(params, f"Tag.{n}.Value")
        if key is not None:
            found.append((key, value))
        elif value is not None:
            raise ApiError("MissingParameter", f'The input parameter "Tag.{n}.Key" is not supplied.')
    return found + _listed(optional(params, "Tags"))


def _listed(text: str | None) -> Wanted:
    """The tags of a JSON list, whose keys callers spell with a small or a capital letter."""
    if text is None:
        return []
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ApiError("InvalidParameter", "The specified parameter Tags is not valid.", 400)
    found: Wanted = []
    for row in rows:
        fields = {str(name).lower(): value for name, value in row.items()}
        key, value = fields.get("tagkey"), fields.get("tagvalue")
        if not isinstance(key, str) or not isinstance(value, str | None):
            raise ApiError("InvalidParameter", "The specified parameter Tags is not valid.", 400)
        found.append((key, value))
    return found


def has(balancer: LoadBalancer, tags: Wanted) -> bool:
    """Whether a load balancer has all of these tags."""
    return all(key in balancer.tags and value in {None, balancer.tags[key]} for key, value in tags)


def rows(balancer: LoadBalancer) -> list[dict[str, str]]:
    """The tags of a load balancer as DescribeLoadBalancers shows them."""
    return [{"TagKey": key, "TagValue": value} for key, value in balancer.tags.items()]


def list_tag_resources(slb: Slb, params: Params) -> dict[str, Any]:
    """ListTagResources: by ids, which must have all the tags, or by tags; a row for each tag (its page)."""
    kind, ids, tags = required(params, "ResourceType"), indexed(params, "ResourceId"), wanted(params)
    if kind not in TYPES or len(ids) > MOST_RESOURCES:
        raise ApiError("InvalidParameter", "The specified parameter is not valid.", 400)
    if not ids and not tags:
        required({}, "ResourceId.1")
    start = number(params, "NextToken", 0, 0, 10**6)
    keys = {key for key, _ in tags}
    found = [
        {"ResourceType": kind, "ResourceId": balancer.load_balancer_id, **row}
        for balancer in slb.world.load_balancers.values()
        if kind == "instance" and (not ids or balancer.load_balancer_id in ids) and has(balancer, tags)
        for row in rows(balancer)
        if not keys or row["TagKey"] in keys
    ]
    end = start + PAGE
    answer: dict[str, Any] = {"TagResources": {"TagResource": found[start:end]}}
    return {**answer, "NextToken": str(end) if end < len(found) else ""}
