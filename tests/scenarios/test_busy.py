"""The load balancer is busy: backoff with jitter, inside the deadline."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 13
CODES = [
    "BackendServer.configuring",
    "VServerGroupProcessing",
    "ServiceIsConfiguring",
    "OperationBusy",
    "ServiceIsStopping",
    "SystemBusy",
    "OperationFailed.ServiceGroupProcessing",
    "BackendServerProcessing",
    "VpcSystemBusy",
    "ProcessingSameRequest",
]


def passes(make: Make, code: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", fresh="i-5", **state)
    world.faults({"action": "ModifyVServerGroupBackendServers", "error": code, "nth": 1, "times": 4})
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome == "applied"
    assert world.shown() == "i-2 i-3 i-4 i-5"
    assert len(world.calls("ModifyVServerGroupBackendServers")) == 5


def stays_busy(make: Make, code: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", fresh="i-5", **state)
    world.faults({"action": "ModifyVServerGroupBackendServers", "error": code})
    told = world.request(pairs=[["i-1", "i-5"]])
    # Once the time left would not see a replacement through, none is tried any more.
    assert (told.outcome, told.reason, told.status) == ("raised", "busy", 503)
    assert world.shown() == "i-1 i-2 i-3 i-4"


@pytest.mark.parametrize("code", CODES)
def test_each_busy_code_is_waited_out(code: str) -> None:
    passes(here, code)


@pytest.mark.parametrize("code", CODES)
def test_what_stays_busy_is_raised_within_the_deadline(code: str) -> None:
    how = {"health": {"timeout_s": 10}}
    world = here("i-1 i-2 i-3 i-4", timeout_s=60, policy=how)
    world.faults({"action": "RemoveVServerGroupBackendServers", "error": code})
    told = world.request(terminated=["i-1"])
    assert (told.outcome, told.reason, told.status) == ("raised", "busy", 503)
    assert world.shown() == "i-1 i-2 i-3 i-4"
    assert world.clock.at - 1000 <= 50  # ten seconds are kept for the end


@pytest.mark.parametrize("name", ["web", "surge", "drain"])
def test_busy_after_each_write(name: str, readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", name=name, fresh="i-5 i-6", readings={"busy_for": 2, **readings})
    assert world.request(pairs=[["i-1", "i-5"], ["i-2", "i-6"]]).outcome == "applied"
    assert world.shown() == "i-3 i-4 i-5 i-6"
    assert world.lowest() >= 3


def test_tries_are_spread_and_further_apart_each_time() -> None:
    times = []
    for seed in range(20):
        world = here("i-1 i-2 i-3 i-4", fresh="i-5", seed=seed)
        world.faults(
            {"action": "ModifyVServerGroupBackendServers", "error": "SystemBusy", "nth": 1, "times": 6}
        )
        assert world.request(pairs=[["i-1", "i-5"]]).outcome == "applied"
        tries = [at for at, action in world.timeline if action.startswith("Modify")]
        times.append([after - before for before, after in pairwise(tries)])
    assert len({tuple(one) for one in times}) == 20
    averages = [sum(one[n] for one in times) / len(times) for n in range(6)]
    assert averages[5] > 3 * averages[0]


@pytest.mark.parametrize("code", ["BackendServer.configuring", "VServerGroupProcessing"])
def test_busy_over_http(code: str, there: Make) -> None:
    passes(there, code)
    stays_busy(there, code)
