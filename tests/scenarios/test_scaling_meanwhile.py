"""A scaling activity during a deployment: the next wave is planned from a fresh read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.state.world import Backend
from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in
from tests.support.level_b import World

ROW = 18
PAIRS = [["i-1", "i-5"], ["i-2", "i-6"], ["i-3", "i-7"], ["i-4", "i-8"]]


def after_the_first_wave(world: World, change: Callable[[], object]) -> None:
    """Do something once, when the first wave has been written and looked at."""
    seen: list[str] = []

    def other(action: str) -> None:
        seen.append(action)
        before = [one for one in seen[:-1] if one.startswith("Modify")]
        if before and action == "DescribeVServerGroupAttribute" and "done" not in seen:
            seen.append("done")
            change()

    world.on_call = other


def put(world: World, out: str = "", into: str = "") -> None:
    group = world.cloud.world.groups["rsp-web"]
    left = tuple(b for b in group.backends if b.server_id not in out.split())
    world.cloud.world.put_backends(group, (*left, *(Backend(one, 8080) for one in into.split())), "other")


def test_others_add_and_remove_between_two_waves(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-5 i-6 i-7 i-8 i-9", readings=readings)
    after_the_first_wave(world, lambda: put(world, out="i-3", into="i-9"))
    told = world.request(pairs=PAIRS)
    assert told.outcome == "applied"
    assert world.servers() == ["i-5", "i-6", "i-7", "i-8", "i-9"]
    assert world.ever("i-9") == [None, (8080, 100)]


def test_an_instance_is_launched_between_two_waves(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", "i-1=leaving i-2=leaving i-3=leaving i-5 i-6 i-7 i-4", readings=readings)
    after_the_first_wave(
        world, lambda: world.lists("i-1=leaving i-2=leaving i-3=leaving i-5 i-6 i-7 i-4 i-9")
    )
    told = world.deliver(scaled_in("i-1 i-2 i-3"))
    assert told.outcome == "applied"
    assert {"i-4", "i-5", "i-6", "i-7"} <= {*world.servers()}
    assert world.lowest() >= 3
    # It is taken in this run or by its own event, the next delivery.
    assert world.deliver(scaled_in("i-1 i-2 i-3")).outcome in {"applied", "unchanged"}
    assert world.servers() == ["i-4", "i-5", "i-6", "i-7", "i-9"]


@pytest.mark.parametrize("lost", ["i-5", "i-6"])
def test_a_new_one_is_taken_out_by_others(lost: str, readings: dict[str, Any]) -> None:
    """A person at the console removes what the run has put in, or will: the run ends, and holds the floor."""
    world = here("i-1 i-2 i-3 i-4", fresh="i-5 i-6 i-7 i-8", readings=readings)
    after_the_first_wave(world, lambda: put(world, out=lost))
    told = world.request(pairs=PAIRS)
    assert told.outcome == "applied"
    assert world.servers() == ["i-5", "i-6", "i-7", "i-8"]


def test_the_next_delivery_plans_afresh_over_http(there: Make) -> None:
    world = there("i-1 i-2 i-3 i-4", "i-1=leaving i-2=leaving i-3 i-4 i-5 i-6")
    assert world.deliver(scaled_in("i-1")).outcome == "applied"
    world.lists("i-3=leaving i-4 i-5 i-6 i-7")
    assert world.deliver(scaled_in("i-2")).outcome in {"applied", "unchanged"}
    assert world.servers() == ["i-4", "i-5", "i-6", "i-7"]
