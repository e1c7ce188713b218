"""2. Events out of order: what the group and the scaling group say now counts, never the event alone."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in, scaled_out

ROW = 2


def any_order(make: Make, order: tuple[str, ...], **state: Any) -> None:
    """i-1 was replaced by i-4, and i-5 was launched and is gone again already."""
    world = make("i-1 i-2 i-3", "i-2 i-3 i-4", **state)
    world.release("i-1")
    events = {
        "in": scaled_in("i-1"),
        "out": scaled_out("i-4"),
        "late": scaled_out("i-5"),
        "gone": scaled_in("i-5"),
    }
    for name in order:
        assert world.deliver(events[name]).outcome in {"applied", "unchanged"}
    assert world.servers() == ["i-2", "i-3", "i-4"]
    assert world.ever("i-5") == [None]
    assert world.lowest(gone="i-1") == 2  # never less than were serving


@pytest.mark.parametrize("order", [("in", "out"), ("out", "in")])
def test_terminate_and_launch_in_either_order(order: tuple[str, ...], readings: dict[str, Any]) -> None:
    any_order(here, order, readings=readings)


@pytest.mark.parametrize("order", list(permutations(("in", "out", "late", "gone"))), ids="-".join)
def test_any_order_ends_the_same(order: tuple[str, ...]) -> None:
    any_order(here, order)


@pytest.mark.parametrize("state", ["pending", "standby", "leaving", "sick"])
def test_a_launched_instance_that_does_not_serve_is_never_registered(
    state: str, readings: dict[str, Any]
) -> None:
    world = here("i-1 i-2", f"i-1 i-2 i-4={state}", readings=readings)
    told = world.deliver(scaled_out("i-4"))
    # One that is on its way in comes again; of the others, the next event will tell.
    assert told.outcome == ("raised" if state == "pending" else "unchanged")
    assert world.ever("i-4") == [None]
    assert world.writes() == []


def test_any_order_over_http(there: Make) -> None:
    any_order(there, ("out", "late", "in"))
