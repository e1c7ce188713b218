"""Backends of another owner in the group: never touched."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.state.world import Backend
from tests.scenarios.world import Make, here
from tests.support.deliveries import deleted, hooked, scaled_in, scaled_out, timer
from tests.support.places import hook

ROW = 21
FOREIGN = "i-f1:8080=37#kubernetes i-f2:9090=0 eni-f3@10.0.0.9=5 i-f4:8080=100#slb-swap.of.another"


def untouched(make: Make, name: str, **state: Any) -> None:
    world = make(f"i-1 i-2 i-3 {FOREIGN}", "i-2 i-3 i-4", name=name, **state)
    for event in (scaled_in("i-1", name), scaled_out("i-4", name), timer(name), deleted("i-1")):
        world.deliver(event)
    assert [one for one in world.servers() if not one.startswith(("i-f", "eni"))] == ["i-2", "i-3", "i-4"]
    for server, at in {
        "i-f1": (8080, 37),
        "i-f2": (9090, 0),
        "eni-f3": (8080, 5),
        "i-f4": (8080, 100),
    }.items():
        assert world.ever(server) == [at]
    assert {one["description"] for one in world.backends()} >= {"kubernetes", "slb-swap.of.another"}


@pytest.mark.parametrize("name", ["web", "surge", "drain"])
def test_they_are_never_touched(name: str, readings: dict[str, Any]) -> None:
    untouched(here, name, readings=readings)


def test_another_port_of_a_server_that_a_request_names_by_port(readings: dict[str, Any]) -> None:
    world = here("i-1:8080 i-1:9090=20 i-2 i-3 i-4", fresh="i-5", readings=readings)
    told = world.request(
        terminated=[{"server_id": "i-1", "port": 8080}], launched=[{"server_id": "i-5", "port": 8080}]
    )
    assert told.outcome == "applied"
    assert world.shown() == "i-1:9090=20 i-2 i-3 i-4 i-5"


def test_they_stay_when_a_wave_is_taken_back(readings: dict[str, Any]) -> None:
    world = here(f"i-1 i-2 i-3 {FOREIGN}", fresh="i-4", sick="i-4", readings=readings)
    assert world.request(pairs=[["i-1", "i-4"]]).outcome == "rolled_back"
    assert world.ever("i-f1") == [(8080, 37)]
    assert world.ever("i-f2") == [(9090, 0)]


def test_a_server_that_was_given_up_stays_once_somebody_else_puts_it_in() -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-8 i-9", readings={"fresh_health": 40})
    world.change("i-9", status="Starting")
    given_up: list[str] = []

    def by_hand(action: str) -> None:
        if world.clock.at > 1045 and not given_up:
            given_up.append("i-9")
            world.change("i-9", status="Running")
            world.cloud.slb.add("rsp-web", [Backend("i-9", 8080, 100, "ecs", None, "by-hand")])

    world.on_call = by_hand
    told = world.request(launched=["i-8", "i-9"])
    assert (told.outcome, told.reason, given_up) == ("partial", "bad_backend", ["i-9"])
    assert world.shown() == "i-1 i-2 i-3 i-4 i-8 i-9"
    assert world.backends()[-1]["description"] == "by-hand"


def test_a_weight_that_others_set_to_0_during_a_run_is_not_given_back() -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-9", sick="i-9", policy={"strategy": "surge"})

    def by_hand(action: str) -> None:
        if len(world.servers()) == 5 and "i-1=0" not in world.shown():
            world.edit(lambda state: _lower(state, "i-1"))

    world.on_call = by_hand
    assert world.request(terminated=["i-1"], launched=["i-9"]).outcome == "rolled_back"
    assert world.shown() == "i-1=0 i-2 i-3 i-4"


def _lower(state: dict[str, Any], server: str) -> None:
    (group,) = state["load_balancers"][0]["vserver_groups"]
    for backend in group["backends"]:
        backend["weight"] = 0 if backend["server_id"] == server else backend["weight"]


def test_they_stay_when_a_hook_is_completed(readings: dict[str, Any]) -> None:
    listed = "i-2 i-3 i-4=pending"
    world = here(f"i-1 i-2 i-3 {FOREIGN}", listed, hooks=[hook("i-4")], readings=readings)
    world.deliver(hooked("ScaleOut", "i-4"))
    assert world.ever("i-f1") == [(8080, 37)]


def test_they_are_never_touched_over_http(there: Make) -> None:
    untouched(there, "web")
