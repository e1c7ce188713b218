"""8. Reads lag behind writes within one run: what was written is counted, and nothing is written twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 8
PAIRS = [["i-1", "i-5"], ["i-2", "i-6"], ["i-3", "i-7"], ["i-4", "i-8"]]


def wave_by_wave(make: Make, name: str, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", name=name, fresh="i-5 i-6 i-7 i-8", **state)
    told = world.request(pairs=PAIRS)
    assert told.outcome == "applied"
    assert world.shown() == "i-5 i-6 i-7 i-8"
    assert world.lowest() >= 3
    refused = [call for call in world.calls() if call["code"] and call["code"] != "MissingParameter"]
    assert all("onfiguring" in call["code"] or "Processing" in call["code"] for call in refused)
    written = [call for call in world.calls("ModifyVServerGroupBackendServers") if call["status"] == 200]
    if name == "web":
        assert len(written) == 4  # each pair once


@pytest.mark.parametrize("name", ["web", "surge", "drain"])
@pytest.mark.parametrize("lag", [0, 1, 2, 3, 4])
def test_each_wave_counts_what_was_written(name: str, lag: int) -> None:
    wave_by_wave(here, name, readings={"read_lag": lag})


def test_waves_under_every_reading(readings: dict[str, Any]) -> None:
    wave_by_wave(here, "web", readings={"read_lag": 2, **readings})


def test_waves_over_http(there: Make) -> None:
    wave_by_wave(there, "web", readings={"read_lag": 2})
