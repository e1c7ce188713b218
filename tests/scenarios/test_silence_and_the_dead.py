"""What ECS, Auto Scaling or a check leaves unsaid costs no server that serves; the dead are no capacity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import hooked, scaled_in, scaled_out, timer
from tests.support.level_b import World
from tests.support.places import hook

OLD, NEW = "i-1 i-2 i-3 i-4", "i-5 i-6 i-7 i-8"
Answers = Callable[[str, dict[str, Any]], dict[str, Any]]


def ecs_knows(*known: str, lists: bool = True) -> Answers:
    """ECS tells of these instances alone; Auto Scaling of none, unless it ``lists``."""

    def answer(action: str, said: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeInstances" and "Instances" in said:
            rows = said["Instances"]["Instance"]
            said["Instances"]["Instance"] = [row for row in rows if row["InstanceId"] in known]
        if action == "DescribeScalingInstances" and not lists:
            said |= {"ScalingInstances": {"ScalingInstance": []}, "TotalCount": 0}
        return said

    return answer


@pytest.mark.parametrize("event", [scaled_in(OLD), hooked("ScaleIn", OLD)], ids=["event", "hook"])
def test_events_do_not_empty_a_group_of_which_neither_ecs_nor_auto_scaling_tells(event: Any) -> None:
    world = here(OLD, OLD, health_check=False)
    world.on_answer = ecs_knows(lists=False)
    assert set(world.deliver(event).refused().values()) == {"source_incomplete"}
    assert world.writes() == []


def test_a_request_does_not_empty_a_group_of_which_ecs_knows_nobody() -> None:
    world = here(OLD, None, health_check=False)
    world.on_answer = ecs_knows()
    assert set(world.request(terminated=OLD.split()).refused().values()) == {"max_removed"}


@pytest.mark.parametrize("known", [(), ("i-4",)])
def test_what_a_scaling_group_still_lists_is_not_gone_whatever_ecs_leaves_out(known: tuple[str, ...]) -> None:
    world = here(OLD, "i-1=leaving i-2=leaving i-3=leaving i-4", health_check=False)
    world.on_answer = ecs_knows(*known)
    world.deliver(timer("web"))
    assert len(world.servers()) == 3


def test_a_forced_request_keeps_the_floor_though_ecs_tells_of_half() -> None:
    world = here(OLD, OLD, health_check=False)
    world.on_answer = ecs_knows("i-1", "i-4")
    told = world.request(terminated=["i-1", "i-2", "i-3"], force=["still_in_service", "max_removed"])
    assert set(told.refused().values()) == {"max_unavailable"}
    assert world.writes() == []


@pytest.mark.parametrize("way", ["request", "events"])
def test_stopped_new_servers_replace_nobody_though_nothing_checks_them(way: str) -> None:
    world = here(f"{OLD} {NEW}", "" if way == "request" else NEW, health_check=False, stopped=NEW)
    if way == "request":
        told = world.request(terminated=OLD.split(), launched=NEW.split())
    else:
        told = world.deliver([*map(scaled_out, NEW.split()), *map(scaled_in, OLD.split())])
    assert (told.outcome, told.reason) == ("raised", "not_healthy")
    assert world.writes() == []


@pytest.mark.parametrize("policy", [{}, {"min_backends": 2}])
def test_to_a_request_stopped_servers_are_no_capacity(policy: dict[str, int]) -> None:
    stopped = "i-2 i-3 i-4" if not policy else "i-3 i-4"
    world = here(OLD, None, health_check=False, stopped=stopped, policy=policy)
    assert world.request(terminated=["i-1"]).refused() == {"i-1": "min_backends"}


def test_one_late_answer_of_the_checks_drops_no_gate() -> None:
    world = here(OLD, f"{' '.join(f'{one}=leaving' for one in OLD.split())} {NEW}")

    def second_listener(state: dict[str, Any]) -> None:
        balancer = state["load_balancers"][0]
        balancer["listeners"].append({**balancer["listeners"][0], "port": 443})

    world.edit(second_listener)
    for server in NEW.split():
        world.change(server, health_by_listener={"80": "abnormal"})
    _first_answer_is_late(world)
    assert world.deliver(timer("web")).outcome == "rolled_back"
    assert world.servers() == OLD.split()


def _first_answer_is_late(world: World) -> None:
    answers: list[str] = []

    def late(action: str, said: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeHealthStatus" and not answers:
            answers.append(action)
            for row in said["BackendServers"]["BackendServer"]:
                if row["ListenerPort"] == 80:
                    row["ServerHealthStatus"] = "abnormal" if row["ServerId"] == "i-1" else "unavailable"
        return said

    world.on_answer = late


def test_a_hook_waits_at_the_floor_though_ecs_knows_nobody() -> None:
    listed = "i-1=leaving i-2=leaving i-3=leaving i-4"
    world = here(OLD, listed, health_check=False, hooks=[hook("i-1 i-2 i-3")])
    world.on_answer = ecs_knows()
    assert world.deliver(hooked("ScaleIn", "i-1 i-2 i-3")).raised == "web: floor"
    assert len(world.servers()) == 3
