"""6. The swap would leave the group empty or under its floor: refused, with the reason and the override."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 6


def refused(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", **state)
    told = world.request(terminated=["i-1", "i-2"])
    assert (told.outcome, told.status, told.reason) == ("refused", 409, "max_unavailable")
    for one in told.of()["refused"]:
        assert one["override"] == "max_unavailable"
        assert one["numbers"] == {"in_service": 4, "removed": 2, "floor": 3}
    assert world.writes() == []
    forced = world.request(terminated=["i-1", "i-2"], force=["max_unavailable"])
    assert forced.outcome == "applied"
    assert world.servers() == ["i-3", "i-4"]


def test_it_is_refused_and_may_be_forced(readings: dict[str, Any]) -> None:
    refused(here, readings=readings)


@pytest.mark.parametrize(
    ("group", "removed", "reasons", "force"),
    [
        ("i-1", "i-1", ["min_backends"], ["min_backends", "max_unavailable"]),
        ("i-1 i-2", "i-1 i-2", ["max_removed"], ["max_removed", "min_backends", "max_unavailable"]),
        ("i-1 i-2=0", "i-1", ["min_backends"], ["min_backends", "max_unavailable"]),
    ],
)
def test_a_group_is_not_emptied(
    group: str, removed: str, reasons: list[str], force: list[str], readings: dict[str, Any]
) -> None:
    world = here(group, readings=readings)
    told = world.request(terminated=removed.split())
    assert told.outcome == "refused"
    assert sorted(set(told.refused().values())) == reasons
    assert world.writes() == []
    assert world.request(terminated=removed.split(), force=force).outcome == "applied"


def test_it_is_refused_over_http(there: Make) -> None:
    refused(there)


@pytest.mark.parametrize("policy", [{"min_backends": 4}, {"max_unavailable": 0}, {"strategy": "surge"}])
def test_a_forced_removal_leaves_the_room_to_what_is_replaced(policy: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-9", policy=policy)
    every = ["min_backends", "max_unavailable", "max_removed"]
    told = world.request(pairs=[["i-1", "i-9"]], launched=[{"server_id": "i-2", "weight": 0}], force=every)
    assert (told.outcome, world.servers()) == ("applied", ["i-2", "i-3", "i-4", "i-9"])
    assert [one["server_id"] for one in world.backends() if not one["weight"]] == ["i-2"]
