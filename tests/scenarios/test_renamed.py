"""A target with another name than before: what its marks say still holds."""

from __future__ import annotations

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import timer
from tests.support.level_b import World
from tests.support.places import target


def described(world: World) -> dict[str, str]:
    return {one["server_id"]: one["description"] for one in world.backends()}


@pytest.mark.parametrize(
    ("before", "after"), [("swap_30/old", "swap_/web"), ("swap-30/old", "slb-swap/web"), ("", "")]
)
def test_what_was_draining_gets_its_weight_back(before: str, after: str) -> None:
    world = here(f"i-1=0#{before} i-2 i-3", "i-1 i-2 i-3")
    world.deliver(timer())
    assert world.shown() == ("i-1=30 i-2 i-3" if before else "i-1=0 i-2 i-3")
    assert described(world)["i-1"] == after


def test_what_waited_gets_its_weight() -> None:
    world = here("i-1 i-2=0#slb-swap.old i-3", "i-1 i-2 i-3")
    world.deliver(timer())
    assert (world.shown(), described(world)["i-2"]) == ("i-1 i-2 i-3", "slb-swap/web")


def test_what_waited_goes_where_no_scaling_group_wants_it() -> None:
    world = here("i-1 i-2=0#slb-swap.old i-3")
    world.request(terminated=["i-1"], launched=["i-2"])
    assert world.shown() == "i-2 i-3"
    world = here("i-1 i-2=0#slb-swap.old i-3")
    world.request(launched=["i-3"])
    assert world.shown() == "i-1 i-3"


def test_what_was_put_in_goes_once_it_is_stale() -> None:
    world = here("i-1 i-2 i-3 i-4#slb-swap/old", "i-1 i-2 i-3")
    world.deliver(timer())
    assert world.shown() == "i-1 i-2 i-3"


def test_marks_of_nobody_are_left_alone_where_targets_share_the_group() -> None:
    also = {"vserver_group_id": "rsp-web", "scaling_group_ids": []}
    targets = [target("web"), target("api") | also]
    state = "i-1 i-2=0#swap_30/old i-3 i-4#slb-swap/old i-5=0#slb-swap.old"
    world = World(state, "i-1 i-2 i-3", targets=targets)
    world.deliver(timer())
    assert world.shown() == "i-1 i-2=0 i-3 i-4 i-5=0"
