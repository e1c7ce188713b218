"""Requests of one delivery are done in turn, a circle is refused, and no hook goes on while it is in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import hooked, http_event, signed
from tests.support.places import hook, place, target


def asked(**body: Any) -> dict[str, Any]:
    raw = json.dumps({"target": "web", **body}).encode()
    return http_event(raw, signed(raw))


def test_a_deployment_and_its_undoing_in_one_delivery_are_done_one_after_the_other() -> None:
    world = here("i-1 i-2 i-3", fresh="n-1")
    told = world.deliver(
        [asked(terminated=["i-1"], launched=["n-1"]), asked(terminated=["n-1"], launched=["i-1"])]
    )
    assert (told.outcome, world.servers()) == ("applied", ["i-1", "i-2", "i-3"])
    assert [one["outcome"] for one in told.result["targets"]] == ["applied", "applied"]
    assert len(world.writes()) <= 4
    assert world.ever("n-1")[1:2], "it was in between"


@pytest.mark.parametrize(
    "pairs", [[["i-1", "i-2"], ["i-2", "i-1"]], [["i-1", "a"], ["a", "b"], ["b", "a"]], [["i-1", "i-1"]]]
)
def test_a_circle_is_refused_by_name(pairs: list[list[str]]) -> None:
    world = here("i-1 i-2 i-3", fresh="a b")
    told = world.request(pairs=pairs)
    assert told.outcome in {"rejected", "refused"}
    assert (world.servers(), world.writes()) == (["i-1", "i-2", "i-3"], [])


def test_pairs_of_several_requests_make_no_circle_together() -> None:
    world = here("i-1 i-2 i-3", fresh="a b")
    told = world.deliver([asked(pairs=[["i-1", "a"], ["a", "b"]]), asked(pairs=[["b", "a"]])])
    assert (told.outcome, world.servers()) == ("applied", ["a", "i-2", "i-3"])


@pytest.mark.parametrize("mode", ["plan", "off"])
def test_a_scale_in_hook_is_left_where_another_target_keeps_the_instance(mode: str) -> None:
    quiet = {**target("b"), "scaling_group_ids": ["asg-web"], "mode": mode}
    world = here(
        "i-1 i-2 i-3",
        "i-1=leaving i-2 i-3",
        hooks=[hook("i-1")],
        places=[place("b", "i-1 i-2 i-3")],
        targets=[target("web"), quiet],
    )
    world.deliver(hooked("ScaleIn", "i-1"))
    assert (world.servers(), world.servers("b")) == (["i-2", "i-3"], ["i-1", "i-2", "i-3"])
    assert world.calls("CompleteLifecycleAction") == []
    assert world.logs("hook.left")


def test_targets_of_one_delivery_have_all_the_time_there_is_and_go_side_by_side() -> None:
    names = ["web", "b", "c", "d", "e", "f"]
    world = here(
        "i-1 i-2 i-3 i-4",
        "i-1=leaving i-2 i-3 i-4 i-new",
        sick="i-new",
        places=[
            place(one, f"{one}-1 {one}-2 {one}-3 {one}-4", f"{one}-2 {one}-3 {one}-4 {one}-9")
            for one in names[1:]
        ],
        targets=[target(one) for one in names],
    )
    from tests.support.deliveries import timer

    told = world.deliver(timer())
    assert told.of("web")["outcome"] == "rolled_back"
    assert world.shown("web") == "i-1 i-2 i-3 i-4"
    first = {action: at for at, action in reversed(world.timeline)}
    assert world.clock.at - 1000 < 250
    for one in names[1:]:
        assert f"{one}-9" in world.servers(one)
    assert first["ModifyVServerGroupBackendServers"] < 1010
