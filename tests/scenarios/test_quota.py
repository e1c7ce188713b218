"""The load balancer is at its quota: Modify in place needs none; add-first falls back to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 20


def in_place(make: Make, name: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", name=name, fresh="i-5", quota=4, **state)
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome == "applied"
    assert world.shown() == "i-2 i-3 i-4 i-5"
    assert world.lowest() >= 3


def no_room(make: Make, **state: Any) -> None:
    """A group of one can neither spare it nor add to it."""
    world = make("i-1", fresh="i-5", quota=1, **state)
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome == "refused"
    assert told.refused() == {"i-5": "over_quota"}
    assert world.ever("i-1") == [(8080, 100)]


@pytest.mark.parametrize("name", ["web", "surge"])
def test_it_is_done_in_place(name: str, readings: dict[str, Any]) -> None:
    in_place(here, name, readings=readings)


def test_with_no_room_at_all_it_is_refused(readings: dict[str, Any]) -> None:
    no_room(here, readings=readings)


def test_what_is_gone_makes_room(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", "i-2 i-3 i-4 i-5", quota=4, readings=readings)
    from tests.support.deliveries import scaled_in

    assert world.deliver(scaled_in("i-1")).outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4", "i-5"]


def test_more_than_there_is_room_for(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-5 i-6 i-7", quota=5, readings=readings)
    told = world.request(launched=["i-5", "i-6", "i-7"])
    assert told.outcome in {"partial", "refused"}
    assert set(told.refused().values()) == {"over_quota"}
    assert len(world.servers()) == 5
    assert {"i-1", "i-2", "i-3", "i-4"} < {*world.servers()}


def test_quota_over_http(there: Make) -> None:
    in_place(there, "surge")
    no_room(there)
