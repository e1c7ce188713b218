"""Rows of SLB answers."""

from typing import Any

from localcloud.state.world import REGION, Backend, Listener, LoadBalancer, Rule

CREATED = "2024-01-01T00:00Z"


def backend_rows(backends: tuple[Backend, ...]) -> list[dict[str, Any]]:
    """Backends of a VServer group; what was never set is not there (SDK structs)."""
    return [
        {
            "ServerId": b.server_id,
            "Port": b.port,
            "Weight": b.weight,
            "Type": b.type,
            **({"ServerIp": b.server_ip} if b.server_ip else {}),
            **({"Description": b.description} if b.description else {}),
        }
        for b in backends
    ]


def load_balancer_row(balancer: LoadBalancer) -> dict[str, Any]:
    """A load balancer as DescribeLoadBalancers lists it."""
    return {
        "LoadBalancerId": balancer.load_balancer_id,
        "LoadBalancerName": balancer.name,
        "LoadBalancerStatus": balancer.status,
        "Address": "127.0.0.1",
        "AddressType": "intranet",
        "AddressIPVersion": "ipv4",
        "NetworkType": "vpc",
        "RegionId": REGION,
        "RegionIdAlias": REGION,
        "MasterZoneId": REGION + "-h",
        "SlaveZoneId": REGION + "-i",
        "CreateTime": CREATED,
        "PayType": "PayOnDemand",
    }


#: What a listener has by default (SLB: CreateLoadBalancerHTTPListener). Health here comes from the state.
CHECK_INTERVAL_S, HEALTHY_THRESHOLD = 2, 3


def listener_row(load_balancer_id: str, listener: Listener) -> dict[str, Any]:
    """A listener as DescribeLoadBalancerListeners lists it: what is the protocol's own is in its own object.

    HTTP and HTTPS listeners have no connection drain (alibabacloud_slb20140515, response models).
    """
    config: dict[str, Any] = {"HealthCheck": "on" if listener.health_check else "off"}
    if listener.health_check:
        config |= {"HealthCheckInterval": CHECK_INTERVAL_S, "HealthyThreshold": HEALTHY_THRESHOLD}
    if listener.protocol in {"tcp", "udp"} or listener.connection_drain:
        config["ConnectionDrain"] = "on" if listener.connection_drain else "off"
        if listener.connection_drain:
            config["ConnectionDrainTimeout"] = listener.connection_drain_timeout
    return {
        "LoadBalancerId": load_balancer_id,
        "ListenerPort": listener.port,
        "ListenerProtocol": listener.protocol,
        "BackendServerPort": listener.backend_server_port,
        "Scheduler": listener.scheduler,
        "Status": listener.status,
        "Bandwidth": -1,
        **({"VServerGroupId": listener.vserver_group_id} if listener.vserver_group_id else {}),
        f"{listener.protocol.upper()}ListenerConfig": config,
        "Tags": [],
    }


def rule_row(listener: Listener, rule: Rule) -> dict[str, Any]:
    """A forwarding rule as DescribeRules lists it; one in sync shows its listener's check and scheduler."""
    own = listener if rule.listener_sync else rule
    return {
        "RuleId": rule.rule_id,
        "RuleName": rule.name,
        "Domain": rule.domain,
        "Url": rule.url,
        "ListenerSync": "on" if rule.listener_sync else "off",
        "Scheduler": own.scheduler,
        "HealthCheck": "on" if own.health_check else "off",
        **({"VServerGroupId": rule.vserver_group_id} if rule.vserver_group_id else {}),
    }
