"""Several records in one invocation: each is handled, one bad record does not lose the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import hooked, scaled_in, scaled_out
from tests.support.places import hook

ROW = 25


def all_handled(make: Make, *, texts: bool = False, **state: Any) -> None:
    world = make("i-1 i-2 i-3", "i-3 i-4 i-5", stopped="i-1 i-2", **state)
    bad = {**scaled_in("i-1"), "data": {"instanceIds": ["i-1"]}}
    records: list[Any] = [
        scaled_in("i-1"),
        scaled_out("i-4"),
        bad,
        scaled_in("i-2"),
        scaled_in("i-3", "elsewhere"),
        scaled_out("i-5"),
    ]
    if texts:
        records = [json.dumps(one) for one in records]
    told = world.deliver(records)
    assert sorted(told.pairs()) == [("i-1", "i-4"), ("i-2", "i-5")]
    assert told.outcome == "partial"  # done, and one rejected
    assert len(told.result["rejected"]) == 1
    assert world.servers() == ["i-3", "i-4", "i-5"]
    written = [one for one in world.calls("ModifyVServerGroupBackendServers") if one["status"] == 200]
    assert len(written) == 1  # one paired list, not one call each


@pytest.mark.parametrize("texts", [False, True], ids=["objects", "texts"])
def test_each_is_handled(texts: bool, readings: dict[str, Any]) -> None:
    all_handled(here, texts=texts, readings=readings)


def test_each_hook_is_completed(readings: dict[str, Any]) -> None:
    hooks = [hook("i-4", token="token-1"), hook("i-5", token="token-2")]
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3 i-4=pending i-5=pending", hooks=hooks, readings=readings)
    world.deliver([hooked("ScaleOut", "i-4", token="token-1"), hooked("ScaleOut", "i-5", token="token-2")])
    assert set(world.hooks().values()) == {("Completed", "CONTINUE")}
    assert world.servers() == ["i-1", "i-2", "i-3", "i-4", "i-5"]


def test_several_records_over_http(there: Make) -> None:
    all_handled(there)
