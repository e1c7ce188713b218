"""Requests in flight: weight 0, wait, then out; or the listener drains; what is done is logged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 19
OUT = {"RemoveVServerGroupBackendServers", "ModifyVServerGroupBackendServers"}
FORCE = ["max_removed"]


def drained(make: Make, **state: Any) -> Any:
    world = make("i-1 i-2 i-3 i-4", name="drain", fresh="i-5", **state)
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4", "i-5"]
    assert world.ever("i-1")[:3] == [(8080, 100), (8080, 0), None]
    assert world.lowest() >= 3
    return world


def test_weight_0_for_a_while_before_it_is_taken_out(readings: dict[str, Any]) -> None:
    world = drained(here, readings=readings)
    begun = next(at for at, action in world.timeline if action == "SetVServerGroupAttribute")
    out = max(at for at, action in world.timeline if action in OUT)
    assert out - begun >= 30


def test_a_removal_is_drained_too(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", name="drain", readings=readings)
    assert world.request(terminated=["i-1"]).outcome == "applied"
    assert world.ever("i-1") == [(8080, 100), (8080, 0), None]


def test_what_is_gone_is_not_drained(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", name="drain", fresh="i-5", readings=readings)
    assert world.request(pairs=[["i-1", "i-5"]], gone=True).outcome == "applied"
    assert world.ever("i-1") == [(8080, 100), None]


@pytest.mark.parametrize(
    ("listener", "note"),
    [({"connection_drain": True}, "drained_by_listener"), ({"scheduler": "rr"}, "drain_ineffective")],
    ids=["connection-drain", "rr"],
)
def test_nothing_is_drained_in_vain(listener: dict[str, Any], note: str, readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", name="drain", fresh="i-5", readings=readings, **listener)
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome == "applied"
    assert world.ever("i-1") == [(8080, 100), None]
    assert note in (told.reason or "")
    assert note in world.logs("swap.completed")[-1]["reason"]


def test_requests_in_flight_over_http(there: Make) -> None:
    drained(there)
