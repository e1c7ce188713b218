"""Whether a target waits as long for its new servers as the listeners' checks take to find them normal."""

from __future__ import annotations

from collections.abc import Iterator

from aliyunsdkslb.request.v20140515.DescribeLoadBalancerListenersRequest import (
    DescribeLoadBalancerListenersRequest,
)

from handler.cloud import parsing
from handler.cloud.client import Client
from handler.cloud.health_rows import Port
from handler.core.model.answers import CallFailed
from handler.core.model.policy import Target
from handler.core.model.values import Group, Listeners
from swapctl.findings import Finding, look

#: The listeners of a load balancer that are looked at: it may have 50 (CLB, Quotas).
_MOST_LISTENERS = "100"


def of_checks(client: Client, group: Group, found: Listeners, target: Target) -> Iterator[Finding]:
    """Yield the listeners whose check takes longer than ``health.timeout_s``: each new server would go again.

    Only what is told is judged: a listener that tells no interval, or cannot be read, is passed over.
    """
    timeout_s = target.policy.health_timeout_s
    params = {"LoadBalancerId.1": group.load_balancer_id, "MaxResults": _MOST_LISTENERS}
    try:
        answer = client.call(DescribeLoadBalancerListenersRequest, params)
        for row in parsing.rows(answer, "Listeners", "Listener"):
            protocol = parsing.text(row, "ListenerProtocol").lower()
            at = Port(parsing.number(row, "ListenerPort", 1, 65535), protocol)
            (config,) = parsing.rows(row, f"{protocol.upper()}ListenerConfig")[:1] or [{}]
            interval_s = parsing.number(config, "HealthCheckInterval", 0, 86_400, 0)
            threshold = parsing.number(config, "HealthyThreshold", 0, 1_000, 0)
            if at.name in found.checking and timeout_s <= interval_s * threshold:
                yield look(
                    f"{target.name}: health.timeout_s",
                    f"{timeout_s:g} s, and {at.name} takes {threshold} checks, {interval_s} s apart, to find "
                    "a server normal: new ones are rolled back",
                    "docs/operating.md, Function timeout and health timeout",
                )
    except (CallFailed, parsing.Malformed):
        return
