"""How a VServer group is used: which listeners use it, directly or by a forwarding rule, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from aliyunsdkslb.request.v20140515.DescribeLoadBalancerListenersRequest import (
    DescribeLoadBalancerListenersRequest,
)
from aliyunsdkslb.request.v20140515.DescribeRulesRequest import DescribeRulesRequest
from aliyunsdkslb.request.v20140515.DescribeVServerGroupsRequest import DescribeVServerGroupsRequest
from msgspec import Struct
from msgspec.structs import replace

from handler.cloud import paging, parsing
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
    """One way in which a running listener sends requests: directly, or by a forwarding rule.

    ``is_ours`` is False if they go to another group, or nowhere.
    """

    at: Port
    checks: bool
    drains: bool
    scheduler: str
    is_ours: bool


def uses(read: Read, group: Group) -> tuple[Use, ...]:
    """Read how the listeners that use a group work. Raises CallFailed and parsing.Malformed.

    Their uses of other groups are among them: rows of health do not tell them apart.
    """
    ports, rules, others_have_rules = _associated(read, group)
    found: list[Use] = []
    for row in _listeners(read, group.load_balancer_id):
        if str(row.get("Status") or "").lower() in _AT_REST:
            continue
        at = _port(row, "ListenerPort", "ListenerProtocol")
        listener = _use(row, at, is_ours=at in ports or row.get("VServerGroupId") == group.id)
        each = [listener]
        # A listener that uses the group may also have rules that do, with checks of their own.
        if at.protocol in _WITH_RULES and (rules or (others_have_rules and listener.is_ours)):
            for rule in _rules(read, group, at):
                rules.discard(str(rule.get("RuleId")))
                each.append(_of_rule(rule, listener, is_ours=rule.get("VServerGroupId") == group.id))
        if any(use.is_ours for use in each):
            found += each
    return tuple(found)


def checking(found: Iterable[Use]) -> frozenset[Port]:
    """Return the listeners that check the group's servers."""
    return frozenset(use.at for use in found if use.is_ours and use.checks)


def partly_checking(found: Iterable[Use]) -> frozenset[Port]:
    """Return the listeners of which rows stay ``unavailable``, and that check no other group's servers."""
    found = tuple(found)
    others = {use.at for use in found if use.checks and not use.is_ours}
    return frozenset(use.at for use in found if not use.checks) - others


def summed_up(found: Iterable[Use]) -> Listeners:
    """Return what the listeners do with the group, taken together."""
    found = tuple(use for use in found if use.is_ours)
    return Listeners(
        checking=frozenset(at.name for at in checking(found)),
        unchecking=frozenset(use.at.name for use in found if not use.checks),
        drains=bool(found) and all(use.drains for use in found),
        ignores_weight=any(use.scheduler == "rr" for use in found),
    )


def _associated(read: Read, group: Group) -> tuple[frozenset[Port], set[str], bool]:
    """Return the listeners and the ids of the rules that use the group; and whether rules use any other."""
    answer = read(
        DescribeVServerGroupsRequest,
        {"LoadBalancerId": group.load_balancer_id, "IncludeListener": "true", "IncludeRule": "true"},
    )
    groups = parsing.rows(answer, "VServerGroups", "VServerGroup")
    rules = {
        str(row.get("VServerGroupId")): parsing.rows(row, "AssociatedObjects", "Rules", "Rule")
        for row in groups
    }
    ours = next((row for row in groups if row.get("VServerGroupId") == group.id), None)
    if ours is None:
        raise parsing.Malformed(f"VServerGroups does not hold {group.id}")
    listed = parsing.rows(ours, "AssociatedObjects", "Listeners", "Listener")
    ports = frozenset(_port(listener, "Port", "Protocol") for listener in listed)
    ids = {str(rule.get("RuleId")) for rule in rules.pop(group.id)}
    return ports, ids, any(rules.values())


def _listeners(read: Read, load_balancer_id: str) -> Iterator[Mapping[str, Any]]:
    params = {"LoadBalancerId.1": load_balancer_id, "MaxResults": _PAGE}
    path = ("Listeners", "Listener")
    for answer in paging.answers(partial(read, DescribeLoadBalancerListenersRequest), params, *path):
        yield from parsing.rows(answer, *path)


def _use(row: Mapping[str, Any], at: Port, *, is_ours: bool) -> Use:
    config = next(iter(parsing.rows(row, f"{at.protocol.upper()}ListenerConfig")), {})
    return Use(
        at,
        # A check counts as on unless it says off: the other mistake would take servers out unproven.
        checks=str(config.get("HealthCheck") or "on").lower() != "off",
        drains=str(config.get("ConnectionDrain") or "off").lower() == "on",
        scheduler=str(row.get("Scheduler") or "").lower(),
        is_ours=is_ours,
    )


def _rules(read: Read, group: Group, at: Port) -> Iterator[Mapping[str, Any]]:
    """Yield the forwarding rules of a listener that use a VServer group."""
    answer = read(
        DescribeRulesRequest,
        {
            "LoadBalancerId": group.load_balancer_id,
            "ListenerPort": str(at.port),
            "ListenerProtocol": at.protocol,
        },
    )
    for row in parsing.rows(answer, "Rules", "Rule"):
        if row.get("VServerGroupId"):
            yield row


def _of_rule(row: Mapping[str, Any], listener: Use, *, is_ours: bool) -> Use:
    """Return how a rule uses its group: like its listener, or in its own way if ListenerSync is off."""
    if str(row.get("ListenerSync") or "on").lower() == "on":
        return replace(listener, is_ours=is_ours)
    return Use(
        listener.at,
        checks=str(row.get("HealthCheck") or "on").lower() != "off",
        drains=listener.drains,
        scheduler=str(row.get("Scheduler") or listener.scheduler).lower(),
        is_ours=is_ours,
    )


def _port(row: Mapping[str, Any], port: str, protocol: str) -> Port:
    return Port(parsing.number(row, port, 1, 65535), parsing.text(row, protocol).lower())
