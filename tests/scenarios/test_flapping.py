"""Flapping: a group that is as it should be gets no write call, however often it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import activity, deleted, scaled_in, scaled_out, timer

ROW = 30


def no_write(make: Make, name: str, **state: Any) -> None:
    world = make("i-1 i-2=30 i-3:9090", "i-1 i-2 i-3", name=name, **state)
    before = world.backends()
    events = [
        timer(name),
        scaled_out("i-1 i-2", name),
        scaled_in("i-9", name),
        activity("ScaleInError", "i-1", name),
        activity("ScaleOutError", "i-9", name),
        timer(name),
    ]
    for event in events:
        assert world.deliver(event).outcome == "unchanged"
    assert world.writes() == []
    assert world.backends() == before


@pytest.mark.parametrize("name", ["web", "surge", "exclusive", "drain"])
def test_nothing_is_written(name: str, readings: dict[str, Any]) -> None:
    no_write(here, name, readings=readings)


def test_a_target_added_and_removed_in_turn_is_written_once_each_time(readings: dict[str, Any]) -> None:
    """A person removes it, the timer puts it back: no more than one write for each."""
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3", readings=readings)
    for _ in range(4):
        world.edit(lambda state: state["load_balancers"][0]["vserver_groups"][0]["backends"].pop())
        world.forget_calls()
        assert world.deliver(timer()).outcome == "applied"
        assert len([one for one in world.writes() if one.startswith("Add")]) == 1
        world.forget_calls()
        assert world.deliver(timer()).outcome == "unchanged"
        assert world.writes() == []


def test_a_deleted_instance_of_nobody(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3", readings=readings)
    assert world.deliver(deleted("i-elsewhere")).outcome == "unchanged"
    assert world.writes() == []


def test_nothing_is_written_over_http(there: Make) -> None:
    no_write(there, "web")
