"""The lifecycle hook is completed once, not early, not never; no ABANDON for what is not its fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import hooked
from tests.support.level_b import World
from tests.support.places import hook, place, target

ROW = 26
COMPLETE, HEARTBEAT = "CompleteLifecycleAction", "RecordLifecycleActionHeartbeat"


def comes_in(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3", "i-1 i-2 i-3 i-4=pending", hooks=[hook("i-4")], **state)
    assert world.deliver(hooked("ScaleOut", "i-4")).outcome == "applied"
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}
    assert world.servers() == ["i-1", "i-2", "i-3", "i-4"]
    made = [one["action"] for one in world.calls() if one["status"] == 200]
    assert made.count(COMPLETE) == 1
    # After the health that it waited for was read.
    assert made.index(COMPLETE) > max(n for n, action in enumerate(made) if action == "DescribeHealthStatus")


def goes_out(make: Make, name: str = "web", **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", "i-1=leaving i-2 i-3 i-4 i-5", name=name, hooks=[hook("i-1")], **state)
    assert world.deliver(hooked("ScaleIn", "i-1", name)).outcome == "applied"
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}
    assert world.servers() == ["i-2", "i-3", "i-4", "i-5"]
    made = [one["action"] for one in world.calls()]
    assert made.index(COMPLETE) > max(
        n for n, action in enumerate(made) if "Remove" in action or "Modify" in action
    )
    if name == "drain":
        assert (8080, 0) in world.ever("i-1")


def test_it_continues_after_the_swap_is_verified(readings: dict[str, Any]) -> None:
    comes_in(here, readings=readings)


@pytest.mark.parametrize("name", ["web", "drain", "surge"])
def test_it_continues_after_drain_and_removal(name: str, readings: dict[str, Any]) -> None:
    goes_out(here, name, readings=readings)


def test_a_heartbeat_while_it_is_waited_for() -> None:
    group = "i-1 i-2 i-3"
    world = here(group, f"{group} i-4=pending", hooks=[hook("i-4")], readings={"fresh_health": 15})
    assert world.deliver(hooked("ScaleOut", "i-4")).outcome == "applied"
    first = next(at for at, action in world.timeline if action == HEARTBEAT)
    assert first - 1000 < 30  # the shortest time a hook may have
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}


@pytest.mark.parametrize("trouble", ["quota", "busy", "throttled", "lost", "refused"])
def test_what_is_not_its_fault_never_abandons_it(trouble: str, readings: dict[str, Any]) -> None:
    quota = {"quota": 3} if trouble == "quota" else {}
    world = here(
        "i-1 i-2 i-3",
        "i-1 i-2 i-3 i-4=pending",
        hooks=[hook("i-4")],
        policy={"health": {"timeout_s": 10}},
        timeout_s=40,
        readings=readings,
        **quota,
    )
    faults = {
        "busy": {"error": "BackendServer.configuring"},
        "throttled": {"error": "Throttling.User"},
        "lost": {"effect": "reset"},
        "refused": {"error": "Forbidden.RAM"},
    }
    if trouble in faults:
        world.faults({"action": "AddVServerGroupBackendServers", **faults[trouble]})
    world.deliver(hooked("ScaleOut", "i-4"))
    assert world.calls(COMPLETE) == []
    assert world.hooks()["token-1"][0] == "Pending"


def test_an_instance_that_never_becomes_normal_is_abandoned(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3 i-4=pending", hooks=[hook("i-4")], sick="i-4", readings=readings)
    world.deliver(hooked("ScaleOut", "i-4"))
    assert world.hooks() == {"token-1": ("Completed", "ABANDON")}


def test_of_two_instances_one_sick_abandons_none(readings: dict[str, Any]) -> None:
    listed = "i-1 i-2 i-3 i-4=pending i-5=pending"
    world = here("i-1 i-2 i-3", listed, hooks=[hook("i-4 i-5")], sick="i-4", readings=readings)
    world.deliver(hooked("ScaleOut", "i-4 i-5"))
    assert world.hooks()["token-1"] != ("Completed", "ABANDON")


@pytest.mark.parametrize("listed", ["i-1=leaving i-2 i-3 i-4=pending", "i-1 i-2 i-3 i-4=pending"])
@pytest.mark.parametrize("late", ["no verdict yet", "abnormal on one listener of two"])
def test_an_instance_that_is_late_but_not_failed_everywhere_is_not_abandoned(late: str, listed: str) -> None:
    slow = {"fresh_health": 1000} if late == "no verdict yet" else {}
    world = here("i-1 i-2 i-3", listed, hooks=[hook("i-4")], readings=slow)

    def fails_one_check(state: dict[str, Any]) -> None:
        https = {"port": 443, "protocol": "https", "vserver_group_id": "rsp-web"}
        state["load_balancers"][0]["listeners"].append(https)
        launched = next(one for one in state["instances"] if one["instance_id"] == "i-4")
        launched["health_by_listener"] = {"443": "abnormal"}

    if not slow:
        world.edit(fails_one_check)
    world.deliver(hooked("ScaleOut", "i-4"))
    assert world.hooks()["token-1"][0] == "Pending"


def test_an_instance_that_stopped_is_not_continued_where_nothing_checks() -> None:
    world = here(
        "i-1 i-2 i-3 i-4#slb-swap/web",
        "i-1 i-2 i-3 i-4=pending",
        hooks=[hook("i-4")],
        health_check=False,
        stopped="i-4",
    )
    world.deliver(hooked("ScaleOut", "i-4"))
    assert world.hooks()["token-1"][0] == "Pending"


@pytest.mark.parametrize("more", [0, 8, 20])
def test_the_first_heartbeat_comes_in_time_however_many_targets_wait(more: int) -> None:
    names = [f"t{n}" for n in range(more)]
    world = here(
        "i-1 i-2 i-3",
        "i-1 i-2 i-3 i-4=pending",
        hooks=[hook("i-4")],
        sick="i-4",
        places=[place(name, "i-1 i-2 i-3") for name in names],
        targets=[{**target(name), "scaling_group_ids": ["asg-web"]} for name in ["web", *names]],
    )

    def takes_time(action: str) -> None:
        world.clock.at += 0.2

    world.on_call = takes_time
    world.deliver(hooked("ScaleOut", "i-4"))
    first = next(at for at, action in world.timeline if action == HEARTBEAT)
    assert first - 1000 < 30


def test_of_two_that_leave_the_floor_holds_one_and_the_other_is_continued() -> None:
    hooks = [hook("i-1", token="t-1"), hook("i-2", token="t-2")]
    world = here(
        "i-1 i-2",
        "i-1=leaving i-2=leaving",
        hooks=hooks,
        policy={"max_unavailable": 2},
        timeout_s=200,
    )
    world.deliver([hooked("ScaleIn", "i-1", token="t-1"), hooked("ScaleIn", "i-2", token="t-2")])
    assert world.servers() == ["i-2"]
    assert world.hooks()["t-1"] == ("Completed", "CONTINUE")
    assert world.hooks()["t-2"][0] == "Pending"


def _alone(**state: Any) -> World:
    return here("i-1", "i-1=leaving", hooks=[hook("i-1")], **state)


def test_the_floor_holds_it_until_a_replacement_is_in(readings: dict[str, Any]) -> None:
    world = _alone(readings=readings)
    looks: list[str] = []

    def launched_later(action: str) -> None:
        looks.append(action)
        if looks.count("DescribeScalingInstances") == 4 and "done" not in looks:
            looks.append("done")
            world.lists("i-1=leaving i-2")

    world.on_call = launched_later
    told = world.deliver(hooked("ScaleIn", "i-1"))
    assert told.outcome == "applied"
    assert world.servers() == ["i-2"]
    assert world.lowest() == 1
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}
    assert [one["status"] for one in world.calls(HEARTBEAT)][:1] == [200]


def test_with_no_replacement_it_is_raised_at_the_deadline(readings: dict[str, Any]) -> None:
    world = _alone(readings=readings, timeout_s=145)
    told = world.deliver(hooked("ScaleIn", "i-1"))
    assert (told.outcome, told.reason) == ("raised", "floor")
    assert world.calls(COMPLETE) == []
    assert world.writes() == []
    assert 1 <= len(world.calls(HEARTBEAT)) <= 5


def test_completing_that_fails_is_tried_again(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3 i-4=pending", hooks=[hook("i-4")], readings=readings)
    world.faults({"action": COMPLETE, "error": "Throttling.User", "nth": 1, "times": 2})
    assert world.deliver(hooked("ScaleOut", "i-4")).outcome == "applied"
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}


def test_completing_that_goes_on_failing_is_raised(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3 i-4=pending", hooks=[hook("i-4")], readings=readings)
    world.faults({"action": COMPLETE, "error": "Throttling.User"})
    told = world.deliver(hooked("ScaleOut", "i-4"))
    assert (told.outcome, told.reason) == ("raised", "hook_not_completed")
    world.faults()
    assert world.deliver(hooked("ScaleOut", "i-4")).outcome == "unchanged"
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}


def test_hooks_over_http(there: Make) -> None:
    comes_in(there)
    goes_out(there)
