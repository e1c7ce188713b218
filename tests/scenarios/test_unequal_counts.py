"""Unequal counts: pairs as far as they go, the rest is added, or removed within the floor."""

from __future__ import annotations

import json
from typing import Any

from tests.scenarios.world import Make, here
from tests.support.deliveries import activity

ROW = 11


def more_out(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4 i-5", "i-4 i-5 i-6", stopped="i-1 i-2 i-3", **state)
    told = world.deliver(activity("ScaleInPartialSuccess", "i-1 i-2 i-3"))
    assert told.outcome == "applied"
    assert len(told.pairs()) == 1
    assert sorted([*told.removed(), told.pairs()[0][0]]) == ["i-1", "i-2", "i-3"]
    assert world.servers() == ["i-4", "i-5", "i-6"]
    _equal_lists(world)


def more_in(make: Make, **state: Any) -> None:
    world = make("i-1 i-2", "i-2 i-3 i-4 i-5", **state)
    told = world.deliver(
        [activity("ScaleInSuccess", "i-1"), activity("ScaleOutPartialSuccess", "i-3 i-4 i-5")]
    )
    assert (told.outcome, len(told.pairs()), len(told.added())) == ("applied", 1, 2)
    assert world.servers() == ["i-2", "i-3", "i-4", "i-5"]
    _equal_lists(world)


def _equal_lists(world: Any) -> None:
    for call in world.calls("ModifyVServerGroupBackendServers"):
        said = call["params"]
        old, new = (json.loads(said.get(f"{side}BackendServers", "[]")) for side in ("Old", "New"))
        assert len(old) == len(new)


def test_more_leave_than_come(readings: dict[str, Any]) -> None:
    more_out(here, readings=readings)


def test_more_come_than_leave(readings: dict[str, Any]) -> None:
    more_in(here, readings=readings)


def test_the_rest_is_removed_within_the_floor_only(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-5", readings=readings)
    told = world.request(terminated=["i-1", "i-2", "i-3"], launched=["i-5"])
    assert told.outcome in {"refused", "partial"}
    assert set(told.refused().values()) <= {"max_unavailable", "max_removed"}
    assert world.lowest() >= 3


def test_unequal_counts_over_http(there: Make) -> None:
    more_out(there)
    more_in(there)
