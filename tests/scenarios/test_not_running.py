"""5. The launched instance is not running, or unknown: only its pair is refused, the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 5
OLD = " ".join(f"i-{n}" for n in range(1, 9))


def others_go_on(make: Make, bad: str, **state: Any) -> None:
    stopped = {"stopped": "i-13", "fresh": "i-11 i-12 i-13"} if bad == "i-13" else {"fresh": "i-11 i-12"}
    world = make(OLD, **stopped, **state)
    told = world.request(pairs=[["i-1", "i-11"], ["i-2", bad], ["i-3", "i-12"]])
    assert (told.outcome, told.status) == ("partial", 207)
    assert told.refused() == {bad: "not_running" if bad == "i-13" else "unknown_server"}
    assert bad not in str(world.calls("ModifyVServerGroupBackendServers")), "refused before the first write"
    assert world.shown() == "i-11 i-12 i-2 i-4 i-5 i-6 i-7 i-8"
    assert world.lowest() >= 6  # a quarter of eight may be missing


@pytest.mark.parametrize("bad", ["i-13", "i-ghost"])
def test_only_its_pair_is_refused(bad: str, readings: dict[str, Any]) -> None:
    others_go_on(here, bad, readings=readings)


@pytest.mark.parametrize("bad", ["i-13", "i-ghost"])
def test_only_its_pair_is_refused_over_http(bad: str, there: Make) -> None:
    others_go_on(there, bad)
