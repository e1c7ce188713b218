"""Throttling: backed off, with few reads and no hot loop."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in

ROW = 14
CODES = ["Throttling", "Throttling.User", "Throttling.Api", "Rejected.Throttling"]
ACTIONS = [
    "DescribeVServerGroupAttribute",
    "DescribeVServerGroups",
    "DescribeLoadBalancerListeners",
    "DescribeHealthStatus",
    "DescribeScalingGroups",
    "DescribeScalingInstances",
    "ModifyVServerGroupBackendServers",
]


def backed_off(make: Make, action: str, code: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3", "i-2 i-3 i-4", **state)
    world.faults({"action": action, "error": code, "nth": 1, "times": 3})
    assert world.deliver(scaled_in("i-1")).outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("action", ACTIONS)
def test_it_is_backed_off(action: str, code: str) -> None:
    backed_off(here, action, code)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_hot_loop(action: str) -> None:
    goes_on(action)


def test_no_hot_loop_under_every_reading(readings: dict[str, Any]) -> None:
    goes_on("*", readings=readings)


def goes_on(action: str, **state: Any) -> None:
    world = here("i-1 i-2 i-3", "i-2 i-3 i-4", **state)
    world.faults({"action": action, "error": "Throttling.User"})
    told = world.deliver(scaled_in("i-1"))
    assert (told.outcome, told.reason) == ("raised", "throttled")
    assert world.clock.at - 1000 <= 590
    # By the clock: after the first minute, not more than a call a second, and whole looks far apart.
    late = [at for at, _ in world.timeline if at > 1060]
    assert len(late) <= 530
    struck = [at for at, name in world.timeline if action in {name, "*"}]
    assert len(struck) <= 150
    assert all(one - struck[n] > 10 for n, one in enumerate(struck[10:]))  # ten in ten seconds at most


def test_throttled_over_http(there: Make) -> None:
    backed_off(there, "ModifyVServerGroupBackendServers", "Throttling.User")
