"""One bad pair poisons its batch: the batch is split, the pair isolated, the rest applied."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 10
COUNT = 20
#: Where ECS may be asked, one that does not run is refused without a try.
ECS_UNREAD = {"action": "DescribeInstances", "error": "Forbidden.RAM"}
OLD, NEW = [f"i-o{n}" for n in range(COUNT)], [f"i-n{n}" for n in range(COUNT)]


def isolated(make: Make, bad: int, **state: Any) -> int:
    """Returns the number of calls after the batch was tried whole."""
    world = make(" ".join(OLD), fresh=" ".join(NEW), stopped=NEW[bad], **state)
    world.faults(ECS_UNREAD)
    told = world.request(pairs=[list(pair) for pair in zip(OLD, NEW, strict=True)], gone=True)
    assert told.outcome == "partial"
    assert told.refused() == {NEW[bad]: "bad_backend"}
    wanted = {*NEW} - {NEW[bad]}
    assert set(world.servers()) - {OLD[bad]} == wanted
    assert len(told.pairs()) == COUNT - 1
    sizes = [
        len(json.loads(call["params"]["NewBackendServers"]))
        for call in world.calls("ModifyVServerGroupBackendServers")
        if "NewBackendServers" in call["params"]
    ]
    return sum(size < COUNT for size in sizes)


@pytest.mark.parametrize("bad", range(COUNT))
def test_it_is_isolated_in_about_log2_calls(bad: int) -> None:
    # Halving finds it in log2(n) refused calls; each half that is good is one applied call.
    assert isolated(here, bad) <= 2 * math.ceil(math.log2(COUNT)) + 1


def test_the_rest_is_applied(readings: dict[str, Any]) -> None:
    isolated(here, 7, readings=readings)


def test_several_bad_ones(readings: dict[str, Any]) -> None:
    world = here(" ".join(OLD), fresh=" ".join(NEW), stopped="i-n3 i-n4 i-n17", readings=readings)
    world.faults(ECS_UNREAD)
    told = world.request(pairs=[list(pair) for pair in zip(OLD, NEW, strict=True)], gone=True)
    assert told.outcome == "partial"
    assert set(told.refused()) == {"i-n3", "i-n4", "i-n17"}
    assert {*NEW} - {*told.refused()} <= {*world.servers()}


def test_a_fresh_instance_that_gives_it_for_a_while_is_no_bad_one(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-5", readings=readings)
    world.faults(
        {"action": "ModifyVServerGroupBackendServers", "error": "ObtainIpFail", "nth": 1, "times": 3}
    )
    told = world.request(pairs=[["i-1", "i-5"]])
    assert told.outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4", "i-5"]
    assert world.clock.at - 1000 < 60


def test_it_is_isolated_over_http(there: Make) -> None:
    isolated(there, 13)
