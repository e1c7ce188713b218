"""3. An event is lost: the timer adds what was launched, removes what is stale and ours, reports the rest."""

from __future__ import annotations

from typing import Any

from tests.scenarios.world import Make, here
from tests.support.deliveries import timer

ROW = 3


def reconciled(make: Make, **state: Any) -> None:
    """i-4 was launched; i-1 is ours and stale, i-9 somebody else's."""
    world = make("i-1#slb-swap/web i-2 i-3 i-9", "i-2 i-3 i-4", **state)
    told = world.deliver(timer("web"))
    assert (told.outcome, told.pairs()) == ("applied", [("i-1", "i-4")])
    assert told.of()["unmanaged"] == ["i-9"]
    assert world.servers() == ["i-2", "i-3", "i-4", "i-9"]
    assert world.deliver(timer("web")).outcome == "unchanged"


def all_stale(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-9", "i-2 i-3 i-4", name="exclusive", **state)
    told = world.deliver(timer("exclusive"))
    assert told.outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4"]
    assert told.of("exclusive")["unmanaged"] == []
    assert world.lowest() >= 3


def test_what_was_launched_is_added_and_what_is_ours_removed(readings: dict[str, Any]) -> None:
    reconciled(here, readings=readings)


def test_an_exclusive_target_has_nobody_else(readings: dict[str, Any]) -> None:
    all_stale(here, readings=readings)


def test_a_released_one_is_made_up_for(readings: dict[str, Any]) -> None:
    world = here("i-1#slb-swap/web i-2 i-3", "i-2 i-3 i-4", readings=readings)
    world.release("i-1")
    assert world.deliver(timer()).outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4"]


def test_the_timer_reconciles_over_http(there: Make) -> None:
    reconciled(there)
    all_stale(there)
