"""An instance is replaced again while pending: of old, new1, new2 only the live end is registered."""

from __future__ import annotations

from typing import Any

from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in, scaled_out

ROW = 32


def live_end(make: Make, **state: Any) -> None:
    """All of it in one delivery, after the fact."""
    world = make("i-1 i-2 i-3", "i-2 i-3 i-5", **state)
    told = world.deliver([scaled_in("i-1"), scaled_out("i-4"), scaled_in("i-4"), scaled_out("i-5")])
    assert told.outcome == "applied"
    assert world.ever("i-4") == [None]
    assert world.servers() == ["i-2", "i-3", "i-5"]


def test_only_the_live_end_by_events(readings: dict[str, Any]) -> None:
    live_end(here, readings=readings)


def test_only_the_live_end_by_request(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-6", fresh="i-4 i-5", readings=readings)
    told = world.request(pairs=[["i-1", "i-4"], ["i-4", "i-5"]])
    assert told.outcome == "applied"
    assert world.ever("i-4") == [None]
    assert world.servers() == ["i-2", "i-3", "i-5", "i-6"]


def test_replaced_again_while_it_is_waited_for(readings: dict[str, Any]) -> None:
    """new1 leaves its scaling group while the run waits for it: the next delivery ends with new2."""
    world = here("i-1 i-2 i-3", "i-2 i-3 i-4", sick="i-4", readings=readings)
    looks: list[str] = []

    def replaced(action: str) -> None:
        looks.append(action)
        if looks.count("DescribeHealthStatus") == 5 and "done" not in looks:
            looks.append("done")
            world.lists("i-2 i-3 i-5")

    world.on_call = replaced
    world.deliver(scaled_in("i-1"))
    world.deliver([scaled_in("i-4"), scaled_out("i-5")])
    assert world.servers() == ["i-2", "i-3", "i-5"]
    assert world.lowest(gone="i-1") == 2


def test_only_the_live_end_over_http(there: Make) -> None:
    live_end(there)
