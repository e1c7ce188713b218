"""Killed at any call: the next delivery reads, and carries on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, Remote, here
from tests.support.deliveries import scaled_in
from tests.support.level_b import World

ROW = 15
PAIRS = [["i-1", "i-5"], ["i-2", "i-6"]]


def by_event(make: Make, **state: Any) -> tuple[World | Remote, Any]:
    world = make("i-1 i-2 i-3 i-4", "i-3 i-4 i-5 i-6", **state)
    return world, lambda: world.deliver(scaled_in("i-1 i-2"))


def by_request(make: Make, **state: Any) -> tuple[World | Remote, Any]:
    world = make("i-1 i-2 i-3 i-4", fresh="i-5 i-6", **state)
    return world, lambda: world.request(pairs=PAIRS)


def killed_at(begin: Any, make: Make, call: int, after: bool, **state: Any) -> bool:
    """Tell whether there was such a call to be killed at."""
    world, deliver = begin(make, **state)
    world.faults({"action": "*", "nth": call, "effect": "kill", "after": after})
    told = deliver()
    if told.outcome != "killed":
        assert told.outcome == "applied"
        return False
    again = deliver()
    assert again.outcome in {"applied", "unchanged"}, again.reason
    assert world.shown() == "i-3 i-4 i-5 i-6"
    assert world.lowest(gone="i-1 i-2" if begin is by_event else "") >= (2 if begin is by_event else 3)
    return True


@pytest.mark.parametrize("name", ["web", "surge", "drain"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_each_call_of_a_request(after: bool, name: str) -> None:
    call = 1
    while killed_at(by_request, here, call, after, name=name):
        call += 1
    assert call > 10


def test_killed_before_each_call_of_an_event() -> None:
    call = 1
    while killed_at(by_event, here, call, False):
        call += 1
    assert call > 8


def test_killed_after_each_call_of_an_event(readings: dict[str, Any]) -> None:
    call = 1
    while killed_at(by_event, here, call, True, readings=readings):
        call += 1
    assert call > 8


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_over_http(after: bool, there: Make) -> None:
    for call in (1, 8):
        assert killed_at(by_event, there, call, after)
