"""4. The launched instance is not healthy yet: nothing that serves is spared for it beyond the floor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 4
PAIRS = [["i-1", "i-5"], ["i-2", "i-6"], ["i-3", "i-7"], ["i-4", "i-8"]]


def becomes_normal(make: Make, name: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", name=name, fresh="i-5 i-6 i-7 i-8", **state)
    told = world.request(pairs=PAIRS)
    assert (told.outcome, told.status) == ("applied", 200)
    assert world.shown() == "i-5 i-6 i-7 i-8"
    assert world.lowest() >= (4 if name == "surge" else 3)


def is_taken_back(make: Make, name: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", name=name, fresh="i-5 i-6 i-7 i-8", sick="i-5 i-6 i-7 i-8", **state)
    told = world.request(pairs=PAIRS)
    assert (told.outcome, told.reason, told.status) == ("rolled_back", "not_healthy", 502)
    assert world.shown() == "i-1 i-2 i-3 i-4"
    assert world.lowest() >= (4 if name == "surge" else 3)
    tried = [server for server in ("i-5", "i-6", "i-7", "i-8") if world.ever(server) != [None]]
    if name == "web":
        assert tried == ["i-5"]  # no further wave


@pytest.mark.parametrize("name", ["web", "surge"])
def test_it_is_waited_for(name: str, readings: dict[str, Any]) -> None:
    becomes_normal(here, name, readings=readings)


@pytest.mark.parametrize("name", ["web", "surge"])
def test_it_is_taken_back_when_its_time_is_over(name: str, readings: dict[str, Any]) -> None:
    is_taken_back(here, name, readings=readings)


def test_a_group_of_one_is_surged(readings: dict[str, Any]) -> None:
    world = here("i-1", fresh="i-5", readings=readings)
    assert world.request(pairs=[["i-1", "i-5"]]).outcome == "applied"
    assert world.shown() == "i-5"
    assert world.lowest() == 1


@pytest.mark.parametrize("name", ["web", "surge"])
def test_not_healthy_over_http(name: str, there: Make) -> None:
    becomes_normal(there, name, readings={"fresh_health": 3})
    is_taken_back(there, name)
