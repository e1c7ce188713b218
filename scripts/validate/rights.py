"""RAM policies and ARNs: ROS hands them on as they are, and a wrong one shows only when it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scripts.validate.faults import Fault
from scripts.validate.reading import Resource, Variant
from scripts.validate.resolving import ACCOUNT, REGION

#: Each action, with the kinds of resources that it is checked on (RAM authorization tables of each product).
ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "slb:ModifyVServerGroupBackendServers": frozenset({"slb", "ecs"}),
    "slb:AddVServerGroupBackendServers": frozenset({"slb", "ecs"}),
    "slb:RemoveVServerGroupBackendServers": frozenset({"slb", "ecs"}),
    "slb:SetVServerGroupAttribute": frozenset({"slb"}),
    "slb:DescribeVServerGroups": frozenset({"slb"}),
    "slb:DescribeVServerGroupAttribute": frozenset({"slb"}),
    "slb:DescribeHealthStatus": frozenset({"slb"}),
    "slb:DescribeLoadBalancerListeners": frozenset({"slb"}),
    "slb:DescribeRules": frozenset({"slb"}),
    "ecs:DescribeInstances": frozenset({"ecs"}),
    "ess:DescribeScalingGroups": frozenset({"*"}),
    "ess:DescribeScalingInstances": frozenset({"*"}),
    "ess:DescribeLifecycleActions": frozenset({"*"}),
    "ess:CompleteLifecycleAction": frozenset({"ess"}),
    "ess:RecordLifecycleActionHeartbeat": frozenset({"ess"}),
    "fc:InvokeFunction": frozenset({"fc"}),
    "mns:SendMessage": frozenset({"mns"}),
    "log:PostLogStoreLogs": frozenset({"log"}),
}
#: What follows account and region in an ARN of each product.
_RELATIVE: Final[Mapping[str, str]] = {
    "slb": r"loadbalancer/lb-[\w-]+",
    "ecs": r"instance/\*",
    "ess": r"scalinggroup/asg-[\w-]+",
    "fc": r"(services/[\w-]+(\.[\w-]+)?/)?functions/[\w-]+(/\*)?",
    "mns": r"(/queues/[\w-]+(/messages)?|/topics/[\w-]+|topic/[\w-]+)",
    "log": r"project/[\w-]+/logstore/[\w-]+",
    "eventbridge": r"eventbus/[\w-]+",
}
_PRINCIPALS: Final = {"fc.aliyuncs.com", "mns.aliyuncs.com"}
_NETWORK: Final = "AliyunECSNetworkInterfaceManagementAccess"


def faults(variant: Variant) -> Iterator[Fault]:
    """Yield what is wrong with roles and with whatever looks like an ARN."""
    for resource in variant.resources.values():
        for where, text in _texts(resource.properties, f"Resources.{resource.name}"):
            if text.startswith("acs:") and not is_arn(text):
                yield Fault("arn", where, f"{text!r} is no ARN")
    for role in variant.of("RAM::Role"):
        yield from _role(role)
    in_vpc = any("VpcConfig" in one.properties for one in variant.resources.values())
    for role in variant.of("RAM::Role"):
        attached = (role.properties.get("PolicyAttachments") or {}).get("System") or []
        if in_vpc and _principals(role) == {"fc.aliyuncs.com"} and _NETWORK not in attached:
            yield Fault("vpc-without-rights", f"Resources.{role.name}", f"PolicyAttachments: {_NETWORK}")


def is_arn(text: str) -> bool:
    """Whether a text is an ARN of this account and region, as its product spells it."""
    parts = text.split(":", 4)
    if len(parts) != 5:
        return False
    _, product, region, account, relative = parts
    if product == "ram":
        return region == "" and account == ACCOUNT and bool(re.fullmatch(r"role/[\w-]+", relative))
    pattern = _RELATIVE.get(product)
    if pattern is None or (region, account) != (REGION, ACCOUNT):
        return False
    return bool(re.fullmatch(pattern, relative))


def statements(role: Resource) -> list[Mapping[str, Any]]:
    """The statements of a role's own policies."""
    found: list[Mapping[str, Any]] = []
    for policy in role.properties.get("Policies") or []:
        found += policy.get("PolicyDocument", {}).get("Statement") or []
    return found


def granted(role: Resource) -> set[tuple[str, str]]:
    """Each (action, resource) that a role grants."""
    return {
        (action, resource)
        for one in statements(role)
        if one.get("Effect") == "Allow"
        for action in one["Action"]
        for resource in one["Resource"]
    }


def _role(role: Resource) -> Iterator[Fault]:
    where = f"Resources.{role.name}"
    if not _principals(role) <= _PRINCIPALS or len(_principals(role)) != 1:
        yield Fault("principal", where, f"one of {', '.join(sorted(_PRINCIPALS))} assumes it")
    for at, statement in enumerate(statements(role)):
        yield from _statement(statement, f"{where} statement {at}")


def _principals(role: Resource) -> set[str]:
    document = role.properties.get("AssumeRolePolicyDocument") or {}
    return {
        service
        for one in document.get("Statement") or []
        for service in (one.get("Principal") or {}).get("Service") or []
    }


def _statement(statement: Mapping[str, Any], where: str) -> Iterator[Fault]:
    actions, resources = statement.get("Action"), statement.get("Resource")
    if not isinstance(actions, list) or not isinstance(resources, list):
        yield Fault("resource-list", where, "Action and Resource are lists")
        return
    kinds = {"*" if one == "*" else str(one).split(":")[1] for one in resources if one == "*" or ":" in one}
    for action in actions:
        if action not in ACTIONS:
            yield Fault("action-name", where, f"{action} is no action that the functions need")
        elif "*" in kinds and "*" not in ACTIONS[action]:
            yield Fault("wide-resource", where, f"{action} can be limited to a resource")
        elif not kinds <= ACTIONS[action]:
            yield Fault("wrong-resource", where, f"{action} is not checked on {', '.join(sorted(kinds))}")


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, where)
