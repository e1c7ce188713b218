"""How a VServer group is used: which listeners use it, directly or by a forwarding rule, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from aliyunsdkslb.request.v20140515.DescribeLoadBalancerListenersRequest import (
    DescribeLoadBalancerListenersRequest,
)
from aliyunsdkslb.request.v20140515.DescribeRulesRequest import DescribeRulesRequest
from aliyunsdkslb.request.v20140515.DescribeVServerGroupsRequest import DescribeVServerGroupsRequest
from msgspec import Struct

from handler.cloud import parsing
from handler.cloud.health_rows import Port
from handler.core.model.values import Group, Listeners

#: Listeners that a page of DescribeLoadBalancerListeners may hold.
_PAGE: Final = "100"

#: The protocols whose listeners can have forwarding rules.
_WITH_RULES: Final = frozenset({"http", "https"})

Read = Callable[[type[Any], Mapping[str, str]], Mapping[str, Any]]


#: Statuses of a listener that takes no requests (DescribeLoadBalancerListeners, Status).
_AT_REST: Final = frozenset({"stopped", "stopping"})


class Use(Struct, frozen=True):
    """One way in which a running listener sends requests to the group: directly, or by a forwarding rule.

    ``listener_checks`` tells of a rule whether its listener checks the servers that it uses itself.
    """

    at: Port
    checks: bool
    drains: bool
    scheduler: str
    listener_checks: bool = True


def uses(read: Read, group: Group) -> tuple[Use, ...]:
    """Read which listeners of its load balancer use the group. Raises CallFailed and parsing.Malformed."""
    ports, rules = _associated(read, group)
    found: list[Use] = []
    for row in _listeners(read, group.load_balancer_id):
        if str(row.get("Status") or "").lower() in _AT_REST:
            continue
        use = _use(row)
        if use.at in ports or row.get("VServerGroupId") == group.id:
            found.append(use)
        # A listener that uses the group may also have rules that do, with checks of their own.
        if rules and use.at.protocol in _WITH_RULES:
            for rule in _rules(read, group, use.at):
                rules.discard(str(rule.get("RuleId")))
                found.append(_of_rule(rule, use))
    return tuple(found)


def summed_up(found: Iterable[Use]) -> Listeners:
    """Return what the listeners do, taken together."""
    found = tuple(found)
    checking = frozenset(use.at.name for use in found if use.checks)
    return Listeners(
        checking=checking,
        unchecking=frozenset(use.at.name for use in found) - checking,
        drains=bool(found) and all(use.drains for use in found),
        ignores_weight=any(use.scheduler == "rr" for use in found),
    )


def _associated(read: Read, group: Group) -> tuple[frozenset[Port], set[str]]:
    """Return the listeners that DescribeVServerGroups names for the group, and the ids of the rules."""
    answer = read(
        DescribeVServerGroupsRequest,
        {"LoadBalancerId": group.load_balancer_id, "IncludeListener": "true", "IncludeRule": "true"},
    )
    for row in parsing.rows(answer, "VServerGroups", "VServerGroup"):
        if row.get("VServerGroupId") == group.id:
            listed = parsing.rows(row, "AssociatedObjects", "Listeners", "Listener")
            ports = frozenset(_port(listener, "Port", "Protocol") for listener in listed)
            return ports, {
                str(rule.get("RuleId")) for rule in parsing.rows(row, "AssociatedObjects", "Rules", "Rule")
            }
    raise parsing.Malformed(f"VServerGroups does not hold {group.id}")


def _listeners(read: Read, load_balancer_id: str) -> Iterator[Mapping[str, Any]]:
    params = {"LoadBalancerId.1": load_balancer_id, "MaxResults": _PAGE}
    while True:
        answer = read(DescribeLoadBalancerListenersRequest, params)
        yield from parsing.rows(answer, "Listeners", "Listener")
        token = answer.get("NextToken")
        if not token or token == params.get("NextToken"):
            return
        params["NextToken"] = str(token)


def _use(row: Mapping[str, Any]) -> Use:
    at = _port(row, "ListenerPort", "ListenerProtocol")
    config = next(iter(parsing.rows(row, f"{at.protocol.upper()}ListenerConfig")), {})
    return Use(
        at,
        # A check counts as on unless it says off: the other mistake would take servers out unproven.
        checks=str(config.get("HealthCheck") or "on").lower() != "off",
        drains=str(config.get("ConnectionDrain") or "off").lower() == "on",
        scheduler=str(row.get("Scheduler") or "").lower(),
    )


def _rules(read: Read, group: Group, at: Port) -> Iterator[Mapping[str, Any]]:
    """Yield the forwarding rules of a listener that use the group."""
    answer = read(
        DescribeRulesRequest,
        {
            "LoadBalancerId": group.load_balancer_id,
            "ListenerPort": str(at.port),
            "ListenerProtocol": at.protocol,
        },
    )
    for row in parsing.rows(answer, "Rules", "Rule"):
        if row.get("VServerGroupId") == group.id:
            yield row


def _of_rule(row: Mapping[str, Any], listener: Use) -> Use:
    """Return how a rule uses the group: like its listener, or in its own way if ListenerSync is off."""
    if str(row.get("ListenerSync") or "on").lower() == "on":
        return listener
    return Use(
        listener.at,
        checks=str(row.get("HealthCheck") or "on").lower() != "off",
        drains=listener.drains,
        scheduler=str(row.get("Scheduler") or listener.scheduler).lower(),
        listener_checks=listener.checks,
    )


def _port(row: Mapping[str, Any], port: str, protocol: str) -> Port:
    return Port(parsing.number(row, port, 1, 65535), parsing.text(row, protocol).lower())
