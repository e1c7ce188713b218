"""The SLB actions that only read, as the wire carries them."""

from collections.abc import Mapping
from typing import Any

from localcloud.rpc.errors import ApiError
from localcloud.rpc.params import flag, indexed, number, optional, required
from localcloud.slb import tags as slb_tags
from localcloud.slb.model import Slb
from localcloud.slb.rows import backend_rows, listener_row, load_balancer_row, rule_row
from localcloud.state.world import Group, Listener, LoadBalancer, Rule

Params = Mapping[str, str]
Answer = dict[str, Any]


def describe_vserver_group_attribute(slb: Slb, params: Params) -> Answer:
    """DescribeVServerGroupAttribute: all backends, no pages (its page)."""
    group = slb.describe(required(params, "VServerGroupId"))
    return {
        "VServerGroupId": group.vserver_group_id,
        "VServerGroupName": group.name,
        "LoadBalancerId": group.load_balancer_id,
        "BackendServers": {"BackendServer": backend_rows(group.backends)},
    }


def describe_vserver_groups(slb: Slb, params: Params) -> Answer:
    """DescribeVServerGroups: without backends; listeners and rules where asked for (its page)."""
    balancer_id = required(params, "LoadBalancerId")
    groups = slb.groups_of(balancer_id)
    listeners = slb.balancer(balancer_id).listeners
    with_listener, with_rule = flag(params, "IncludeListener"), flag(params, "IncludeRule")
    return {
        "VServerGroups": {
            "VServerGroup": [_group_row(g, listeners, with_listener, with_rule) for g in groups]
        }
    }


def _group_row(group: Group, listeners: tuple[Listener, ...], with_listener: bool, with_rule: bool) -> Answer:
    group_id = group.vserver_group_id
    using = [x for x in listeners if with_listener and x.vserver_group_id == group_id]
    rules = [r for x in listeners for r in x.rules if with_rule and r.vserver_group_id == group_id]
    return {
        "VServerGroupId": group_id,
        "VServerGroupName": group.name,
        "ServerCount": len(group.backends),
        "AssociatedObjects": {
            "Listeners": {"Listener": [{"Port": x.port, "Protocol": x.protocol} for x in using]},
            "Rules": {"Rule": [_short(rule) for rule in rules]},
        },
    }


def _short(rule: Rule) -> Answer:
    return {"RuleId": rule.rule_id, "RuleName": rule.name, "Domain": rule.domain, "Url": rule.url}


def describe_health_status(slb: Slb, params: Params) -> Answer:
    """DescribeHealthStatus: a row for each listener and backend, and no VServerGroupId (its page)."""
    port = number(params, "ListenerPort", None, 1, 65535)
    rows = slb.health(required(params, "LoadBalancerId"), port, optional(params, "ListenerProtocol"))
    return {
        "BackendServers": {
            "BackendServer": [
                {
                    "ListenerPort": row.listener_port,
                    "Protocol": row.protocol,
                    "ServerId": row.backend.server_id,
                    "Port": row.backend.port,
                    "Type": row.backend.type,
                    **({"ServerIp": row.backend.server_ip} if row.backend.server_ip else {}),
                    "ServerHealthStatus": row.status,
                }
                for row in rows
            ]
        }
    }


def describe_load_balancers(slb: Slb, params: Params) -> Answer:
    """DescribeLoadBalancers: by ids (comma-separated), name, status and tags, in pages of 50, at most 100."""
    page, size = number(params, "PageNumber", 1, 1, 10**6), number(params, "PageSize", 50, 1, 100)
    ids = (optional(params, "LoadBalancerId") or "").replace(" ", "").split(",")
    name, status = optional(params, "LoadBalancerName"), optional(params, "LoadBalancerStatus")
    tags = slb_tags.wanted(params)
    chosen = [
        balancer
        for balancer in slb.world.load_balancers.values()
        if (ids == [""] or balancer.load_balancer_id in ids)
        and name in {None, balancer.name}
        and status in {None, balancer.status}
        and slb_tags.has(balancer, tags)
    ]
    rows = [
        {**load_balancer_row(balancer), "Tags": {"Tag": slb_tags.rows(balancer)}}
        for balancer in chosen[(page - 1) * size : page * size]
    ]
    return {
        "LoadBalancers": {"LoadBalancer": rows},
        "PageNumber": page,
        "PageSize": size,
        "TotalCount": len(chosen),
    }


def describe_load_balancer_attribute(slb: Slb, params: Params) -> Answer:
    """DescribeLoadBalancerAttribute: BackendServers is the default group alone; a twin key is misspelt."""
    balancer = slb.balancer(required(params, "LoadBalancerId"))
    listeners = balancer.listeners
    pairs = [{"ListenerPort": x.port, "ListenerProtocol": x.protocol} for x in listeners]
    return {
        **load_balancer_row(balancer),
        "ListenerPorts": {"ListenerPort": [x.port for x in listeners]},
        "ListenerPortsAndProtocal": {
            "ListenerPortAndProtocal": [
                {"ListenerPort": x.port, "ListenerProtocal": x.protocol} for x in listeners
            ]
        },
        "ListenerPortsAndProtocol": {"ListenerPortAndProtocol": pairs},
        "BackendServers": {
            "BackendServer": [
                {"ServerId": b.server_id, "Weight": b.weight, "Type": b.type}
                for b in balancer.backend_servers
            ]
        },
    }


def describe_load_balancer_listeners(slb: Slb, params: Params) -> Answer:
    """DescribeLoadBalancerListeners: checks, scheduler and drain of each listener, in pages of 20."""
    size = number(params, "MaxResults", 20, 1, 100)
    start = number(params, "NextToken", 0, 0, 10**6)
    ids, protocol = indexed(params, "LoadBalancerId"), optional(params, "ListenerProtocol")
    port = number(params, "ListenerPort", None, 1, 65535)
    balancers: list[LoadBalancer] = [slb.balancer(i) for i in ids] or list(slb.world.load_balancers.values())
    rows = [
        listener_row(balancer.load_balancer_id, listener)
        for balancer in balancers
        for listener in balancer.listeners
        if protocol in {None, listener.protocol} and port in {None, listener.port}
    ]
    end = start + size
    answer: Answer = {"Listeners": rows[start:end], "MaxResults": size, "TotalCount": len(rows)}
    return {**answer, "NextToken": str(end)} if end < len(rows) else answer


def describe_rules(slb: Slb, params: Params) -> Answer:
    """DescribeRules: the forwarding rules of a listener (its page)."""
    balancer = slb.balancer(required(params, "LoadBalancerId"))
    required(params, "ListenerPort")
    port = number(params, "ListenerPort", None, 1, 65535)
    protocol = optional(params, "ListenerProtocol")
    for listener in balancer.listeners:
        if listener.port == port and protocol in {None, listener.protocol}:
            return {"Rules": {"Rule": [rule_row(listener, rule) for rule in listener.rules]}}
    raise ApiError("ListenerNotFound")
