"""The response is lost after the server applied the change: it is read before anything is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 16
LOST = ["drop_response", "garbage", "reset"]


def lost_at(make: Make, call: int, effect: str, **state: Any) -> bool:
    """Tell whether there was such a call; the run that lost its answer finishes by itself."""
    world = make("i-1 i-2 i-3 i-4", fresh="i-5 i-6", **state)
    world.faults({"action": "*", "nth": call, "effect": effect})
    told = world.request(pairs=[["i-1", "i-5"], ["i-2", "i-6"]])
    assert told.outcome == "applied", told.reason
    assert world.shown() == "i-3 i-4 i-5 i-6"
    assert world.lowest() >= 3
    struck = [one for one in world.calls() if "fault" in one]
    told_in_time = state.get("readings", {}).get("read_lag", 0) < 3 and not state.get("readings", {}).get(
        "busy_for"
    )
    if struck and not struck[0]["action"].startswith("Describe") and effect != "reset" and told_in_time:
        same = [one for one in world.calls(struck[0]["action"]) if one["params"] == struck[0]["params"]]
        # It was applied, so it is never sent again: not where three looks show it, and nothing was busy.
        assert len(same) == 1
    return bool(struck)


@pytest.mark.parametrize("name", ["web", "surge", "drain"])
@pytest.mark.parametrize("effect", LOST)
def test_lost_at_each_call(effect: str, name: str) -> None:
    call = 1
    while lost_at(here, call, effect, name=name):
        call += 1
    assert call > 10


def test_lost_under_every_reading(readings: dict[str, Any]) -> None:
    # A gateway that does not read bodies is first met by a call that does nothing: no lost change.
    readings = {**readings, "body_params": "accepted"}
    call = 1
    while lost_at(here, call, "drop_response", readings=readings):
        call += 1


def test_lost_over_http(there: Make) -> None:
    for effect in LOST:
        assert lost_at(there, 5, effect)
