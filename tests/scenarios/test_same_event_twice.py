"""1. The same event is delivered twice: the second run is `unchanged`, from a read of the group."""

from __future__ import annotations

from typing import Any

from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in

ROW = 1


def twice(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3", "i-2 i-3 i-4", **state)
    event = scaled_in("i-1")
    first = world.deliver(event)
    assert (first.outcome, first.pairs()) == ("applied", [("i-1", "i-4")])
    assert world.servers() == ["i-2", "i-3", "i-4"]
    world.forget_calls()
    second = world.deliver(event)
    assert (second.outcome, second.pairs(), second.added(), second.removed()) == ("unchanged", [], [], [])
    assert world.writes() == []
    assert len(world.calls("DescribeVServerGroupAttribute")) == 1
    assert world.servers() == ["i-2", "i-3", "i-4"]


def test_the_second_run_is_unchanged(readings: dict[str, Any]) -> None:
    twice(here, readings=readings)


def test_the_second_run_is_unchanged_over_http(there: Make) -> None:
    twice(there)
