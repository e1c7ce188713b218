"""What ECS says of instances: deleted, about to be reclaimed, not running, or unknown to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import deleted, hooked, interrupted, scaled_in, scaled_out, timer
from tests.support.level_b import World
from tests.support.places import hook

ALL = "i-1 i-2 i-3 i-4"
STRICT = {"min_backends": 3, "max_unavailable": 1, "max_removed": 1}


def test_said_to_be_deleted_but_listed_in_service_and_normal_stays_and_is_looked_at_again() -> None:
    world = here(ALL, ALL, policy=STRICT)
    told = world.deliver([deleted(one) for one in ALL.split()])
    assert (told.outcome, told.reason, bool(told.raised)) == ("raised", "not_deleted_yet", True)
    assert (world.servers(), world.writes()) == (ALL.split(), [])


@pytest.mark.parametrize("listed", [None, "i-2 i-3 i-4"])
def test_deleted_and_known_to_nobody_any_more_is_taken_out(listed: str | None) -> None:
    world = here(ALL, "i-2 i-3 i-4", policy=STRICT)
    world.release("i-1")
    told = world.deliver(deleted("i-1"))
    assert told.outcome in {"applied", "unchanged"}
    assert world.servers() == ["i-2", "i-3", "i-4"]


@pytest.mark.parametrize("name", ["web", "surge", "exclusive", "drain"])
@pytest.mark.parametrize(
    "event", [timer, lambda name: scaled_out("i-9", name), lambda name: interrupted("i-1")]
)
def test_about_to_be_reclaimed_is_replaced_by_whatever_event_brings_a_replacement(
    name: str, event: Any
) -> None:
    world = here(ALL, f"{ALL} i-9", name=name, reclaimed="i-1")
    told = world.deliver(event(name))
    assert told.outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4", "i-9"]
    assert world.lowest() >= 3


@pytest.mark.parametrize("name", ["web", "exclusive"])
def test_without_a_replacement_it_stays_and_no_timer_raises_an_alarm(name: str) -> None:
    world = here(ALL, ALL, name=name, reclaimed="i-1")
    for _ in range(2):
        told = world.deliver(timer(name))
        assert (told.outcome, told.reason, told.raised) == ("unchanged", "waiting_for_replacement", "")
    assert told.refused(name) == {"i-1": "waiting_for_replacement"}
    assert world.writes() == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [({"stopped": "i-9"}, "not_running"), ({"reclaimed": "i-9"}, "being_reclaimed"), ({}, "unknown_server")],
)
def test_what_cannot_serve_is_refused_to_a_request_by_name_before_the_first_write(
    state: dict[str, Any], reason: str
) -> None:
    fresh = "i-8 i-9" if state else "i-8"
    for dry_run in (True, False):
        world = here(ALL, fresh=fresh, **state)
        told = world.request(pairs=[["i-1", "i-8"], ["i-2", "i-9"]], dry_run=dry_run)
        assert told.refused() == {"i-9": reason}
        assert "i-2" in world.servers()
        assert "i-9" not in str([call["params"] for call in world.calls() if "Modify" in call["action"]])
    assert (told.outcome, world.servers()) == ("partial", ["i-2", "i-3", "i-4", "i-8"])


@pytest.mark.parametrize("state", [{"stopped": "i-9"}, {"reclaimed": "i-9"}])
def test_what_is_only_listed_and_cannot_serve_is_left_out_and_said(state: dict[str, Any]) -> None:
    world = here(ALL, f"{ALL} i-9", **state)
    told = world.deliver(timer())
    assert (told.outcome, world.writes()) == ("unchanged", [])
    assert set(told.refused()) == {"i-9"}


def test_a_hook_of_an_instance_that_cannot_run_is_abandoned() -> None:
    world = here(ALL, f"{ALL} i-9=pending", hooks=[hook("i-9")], stopped="i-9")
    world.deliver(hooked("ScaleOut", "i-9"))
    assert [result for _, result in world.hooks().values()] == ["ABANDON"]


def test_where_ecs_may_not_be_read_the_run_goes_on_and_says_so() -> None:
    world = here(ALL, "i-2 i-3 i-4 i-9")
    world.faults({"action": "DescribeInstances", "error": "Forbidden.RAM"})
    told = world.deliver(scaled_in("i-1"))
    assert (told.outcome, world.servers()) == ("applied", ["i-2", "i-3", "i-4", "i-9"])
    assert "instances_unread" in told.of()["reason"]


def test_a_failure_of_ecs_that_may_pass_is_retried() -> None:
    world = here(ALL, "i-2 i-3 i-4 i-9")
    world.faults({"action": "DescribeInstances", "error": "Throttling.User", "nth": 1, "times": 3})
    assert world.deliver(scaled_in("i-1")).outcome == "applied"


def test_a_scaling_group_that_is_gone_is_named_and_the_others_go_on() -> None:
    world = here(
        "i-1 i-2 i-3#slb-swap/web", "i-1 i-2 i-9", policy={"scaling_group_ids": ["asg-web", "asg-gone"]}
    )
    told = world.deliver(timer())
    assert world.servers() == ["i-1", "i-2", "i-3", "i-9"]
    assert "scaling_group_missing: asg-gone" in str(told.of()["reason"]) or told.refused() == {
        "i-3": "source_incomplete"
    }


def test_blue_at_zero_beside_a_full_green_holds_nothing_up() -> None:
    from tests.support.places import place

    world = here(
        "i-1 i-2 i-3",
        "i-1 i-2",
        policy={"scaling_group_ids": ["asg-web", "asg-green"], "exclusive": True},
        places=[place("green", "", "")],
    )
    told = world.deliver(timer())
    assert (told.outcome, world.servers()) == ("applied", ["i-1", "i-2"])


def later(world: World, seconds: float, happens: Callable[[], None]) -> None:
    """Let something happen so many seconds after the run began."""
    left = [happens]

    def passes(action: str) -> None:
        if left and world.clock.at >= 1000 + seconds:
            left.pop()()

    world.on_call = passes


@pytest.mark.parametrize("how", ["timer", "request"])
def test_a_new_server_that_is_reclaimed_before_its_wave_is_not_put_in(how: str) -> None:
    olds = "i-1#slb-swap/web i-2#slb-swap/web i-3#slb-swap/web i-4#slb-swap/web"
    world = here(
        olds,
        "i-1=leaving i-2=leaving i-3=leaving i-4=leaving i-5 i-6 i-7 i-8",
        readings={"fresh_health": 10},
        policy={"max_unavailable": 1},
    )
    later(world, 5, lambda: world.reclaim("i-8"))
    if how == "timer":
        world.deliver(timer())
    else:
        world.request(pairs=[[f"i-{n}", f"i-{n + 4}"] for n in (1, 2, 3, 4)])
    assert "i-8" not in world.servers()


def test_an_old_server_that_is_reclaimed_during_the_run_is_not_put_back() -> None:
    world = here(ALL, fresh="i-9", sick="i-9")
    later(world, 10, lambda: world.reclaim("i-1"))
    world.request(terminated=["i-1"], launched=["i-9"])
    assert "i-1" not in world.servers()


def test_no_old_server_goes_for_a_new_one_that_stops_while_it_drains() -> None:
    world = here("i-1", fresh="i-9", name="drain", health_check=False)
    later(world, 10, lambda: world.change("i-9", status="Stopped"))
    world.request(terminated=["i-1"], launched=["i-9"])
    assert world.servers() == ["i-1", "i-9"]
