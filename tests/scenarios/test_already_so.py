"""The old backend is already gone, or the new one already there: satisfied, not an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 12
CASES = {
    "the old one is gone": ("i-2 i-3 i-4", ["i-1", "i-5"], "applied", "i-2 i-3 i-4 i-5"),
    "the new one is there": ("i-1 i-2 i-3 i-4 i-5", ["i-1", "i-5"], "applied", "i-2 i-3 i-4 i-5"),
    "both": ("i-2 i-3 i-4 i-5", ["i-1", "i-5"], "unchanged", "i-2 i-3 i-4 i-5"),
}


def satisfied(make: Make, case: str, **state: Any) -> None:
    group, pair, outcome, end = CASES[case]
    world = make(group, fresh="i-5", **state)
    told = world.request(pairs=[pair])
    assert (told.outcome, told.refused()) == (outcome, {})
    assert world.shown() == end
    if outcome == "unchanged":
        assert world.writes() == []


@pytest.mark.parametrize("case", CASES)
def test_it_is_satisfied(case: str, readings: dict[str, Any]) -> None:
    satisfied(here, case, readings=readings)


@pytest.mark.parametrize("meanwhile", ["the old one leaves", "the new one comes", "both"])
def test_somebody_else_is_faster(meanwhile: str, readings: dict[str, Any]) -> None:
    """Between our look and our write the group becomes what we were about to make of it."""
    world = here("i-1 i-2 i-3 i-4", fresh="i-5", readings=readings)
    done: list[str] = []

    def other(action: str) -> None:
        if action == "ModifyVServerGroupBackendServers" and not done:
            done.append(action)
            group = world.cloud.world.groups["rsp-web"]
            left = tuple(
                b for b in group.backends if b.server_id != "i-1" or meanwhile == "the new one comes"
            )
            new = () if meanwhile == "the old one leaves" else (type(left[0])("i-5", 8080),)
            world.cloud.world.put_backends(group, (*left, *new), "other")

    world.on_call = other
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome in {"applied", "unchanged"}
    assert told.refused() == {}
    assert world.shown() == "i-2 i-3 i-4 i-5"
    assert world.clock.at - 1000 < 60


@pytest.mark.parametrize("case", CASES)
def test_it_is_satisfied_over_http(case: str, there: Make) -> None:
    satisfied(there, case)
