"""A failure is never reported as success: what may pass is raised, so that the platform tries again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in
from tests.support.level_b import World

ROW = 28
READ, WRITE = "DescribeVServerGroupAttribute", "ModifyVServerGroupBackendServers"
MAY_PASS = [
    {"error": "BackendServer.configuring"},
    {"error": "Throttling.User"},
    {"error": "InternalError"},
    {"error": "ServiceUnavailable", "status": 503},
    {"error": "Whatever.NobodyKnows", "status": 502},
    {"effect": "reset"},
    {"effect": "garbage"},
]
FOR_GOOD = [
    {"error": "Forbidden.RAM"},
    {"error": "InvalidParameter", "status": 404},
    {"error": "ActionNotAllowed"},
    {"error": "Whatever.NobodyKnows", "status": 400},
]


def _id(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


def raised(make: Make, action: str, fault: dict[str, Any], **state: Any) -> None:
    world = make("i-1 i-2 i-3", "i-2 i-3 i-4", **state)
    if isinstance(world, World):
        world.timeout_s = 145
    world.faults({"action": action, **fault})
    told = world.deliver(scaled_in("i-1"))
    if action == WRITE and fault == {"effect": "garbage"}:
        assert told.outcome == "applied"  # it was applied each time, and is seen to be
        return
    assert told.outcome == "raised"
    assert told.raised.startswith("web: ")
    assert world.logs("swap.unfinished")[-1]["outcome"] == "raised"
    answered = world.request(pairs=[["i-1", "i-4"]], gone=True)
    headers = {name.lower(): value for name, value in answered.headers.items()}
    assert (answered.status, headers["retry-after"]) == (503, "30")


def returned(make: Make, action: str, fault: dict[str, Any], **state: Any) -> None:
    world = make("i-1 i-2 i-3", "i-2 i-3 i-4", **state)
    world.faults({"action": action, **fault})
    told = world.deliver(scaled_in("i-1"))
    assert (told.outcome, told.raised) == ("refused", "")
    assert told.reason
    assert world.request(pairs=[["i-1", "i-4"]], gone=True).status == 409


@pytest.mark.parametrize("fault", MAY_PASS, ids=_id)
@pytest.mark.parametrize("action", [READ, WRITE, "DescribeScalingInstances"])
def test_what_may_pass_is_raised(action: str, fault: dict[str, Any]) -> None:
    raised(here, action, fault)


@pytest.mark.parametrize("fault", FOR_GOOD, ids=_id)
@pytest.mark.parametrize("action", [READ, WRITE])
def test_what_will_not_get_better_is_returned(action: str, fault: dict[str, Any]) -> None:
    returned(here, action, fault)


def test_raised_and_returned_under_every_reading(readings: dict[str, Any]) -> None:
    raised(here, WRITE, MAY_PASS[0], readings=readings)
    returned(here, WRITE, FOR_GOOD[0], readings=readings)


def test_raised_over_http(there: Make) -> None:
    raised(there, WRITE, MAY_PASS[1])
    returned(there, WRITE, FOR_GOOD[0])
