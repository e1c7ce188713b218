"""What is late, or known by halves, costs no server that serves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support import deliveries
from tests.support.deliveries import hooked, scaled_in, scaled_out
from tests.support.level_b import World
from tests.support.places import hook, target


@pytest.mark.parametrize("groups", [["asg-web"], ["asg-web", "asg-gone"]])
def test_servers_that_serve_are_not_all_cut_off_by_a_late_scale_in(groups: list[str]) -> None:
    """They were detached, or attached by hand since: they run, and their check is normal."""
    world = World("i-1 i-2 i-3 i-4", "", targets=[{**target("web"), "scaling_group_ids": groups}])
    told = world.deliver(scaled_in("i-1 i-2 i-3 i-4"))
    assert set(told.refused().values()) <= {"max_removed", "max_unavailable", "min_backends"}
    assert len(world.servers()) >= 3


def test_servers_that_are_released_or_stopped_go_at_once_with_a_scale_in() -> None:
    world = here("i-1 i-2 i-3 i-4", "i-4", stopped="i-1 i-2 i-3")
    assert world.deliver(scaled_in("i-1 i-2 i-3")).outcome == "applied"
    assert world.servers() == ["i-4"]


def test_a_group_is_not_emptied_when_neither_ecs_nor_auto_scaling_knows_anybody() -> None:
    world = here("i-1#slb-swap/web i-2#slb-swap/web", "i-1 i-2", health_check=False)

    def silent(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        for list_, row in (("Instances", "Instance"), ("ScalingInstances", "ScalingInstance")):
            if action in {"DescribeInstances", "DescribeScalingInstances"} and list_ in answer:
                answer |= {list_: {row: []}, "TotalCount": 0}
        return answer

    world.on_answer = silent
    told = world.deliver(deliveries.timer())
    assert set(told.refused().values()) == {"source_incomplete"}
    assert world.servers() == ["i-1", "i-2"]


def test_the_mark_of_one_target_is_handed_on_to_nobody_by_another() -> None:
    other = {**target("web", scaling=False), "name": "deploy"}
    world = World("i-1#slb-swap/web i-2 i-3", "i-2 i-3", fresh="i-9", targets=[target("web"), other])
    world.request(target="deploy", terminated=["i-1"], launched=["i-9"])
    world.clock.at += 300
    world.deliver(deliveries.timer("web"))
    assert world.servers() == ["i-2", "i-3", "i-9"]


@pytest.mark.parametrize("group", ["i-1 i-2=0", "i-1 i-2:9090"])
def test_a_server_about_to_be_reclaimed_takes_no_place_for_being_in_the_group(group: str) -> None:
    world = here(group, fresh="i-9", reclaimed="i-2")
    told = world.request(terminated=["i-1"], launched=[{"server_id": "i-2", "port": 8080}])
    assert told.refused() == {"i-2": "being_reclaimed"}
    assert "i-1" in world.servers()


def test_a_server_about_to_be_reclaimed_gets_no_weight_by_its_event() -> None:
    world = here("i-1 i-2=0", "i-1 i-2", reclaimed="i-2")
    world.deliver(scaled_out("i-2"))
    assert world.writes() == []


@pytest.mark.parametrize("answers", [1, 2, 99])
def test_a_hook_is_not_abandoned_for_an_instance_that_ecs_does_not_know_yet(answers: int) -> None:
    world = here("i-1", "i-1 i-9=pending", hooks=[hook("i-9", token="token-1")])
    asked = []

    def late(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeInstances":
            asked.append(action)
            if len(asked) <= answers:
                found = [one for one in answer["Instances"]["Instance"] if one["InstanceId"] != "i-9"]
                answer["Instances"]["Instance"] = found
        return answer

    world.on_answer = late
    world.deliver(hooked("ScaleOut", "i-9", token="token-1"))
    ended = [(state, result) for state, result in world.hooks().values() if result]
    assert ("Completed", "ABANDON") not in ended
    assert (("Completed", "CONTINUE") in ended) == (answers < 99)


@pytest.mark.parametrize(
    "said", [{"terminated": ["eni-1"], "launched": ["eni-2"]}, {"pairs": [["eni-1", "eni-2"]]}]
)
def test_a_pair_without_an_address_costs_the_old_server_nothing(said: dict[str, Any]) -> None:
    world = here("eni-1@10.0.0.1 eni-1@10.0.0.2 i-3 i-4 i-5 i-6", fresh="eni-2")
    told = world.request(**said)
    assert told.refused()["eni-2"] == "server_ip_missing"
    assert world.writes() == []


@pytest.mark.parametrize("code", ["ObtainIpFail", "InvalidServerId.NotFound"])
def test_a_pair_whose_new_one_is_bad_costs_the_old_server_nothing(code: str) -> None:
    world = here("eni-1@10.0.0.1 eni-1@10.0.0.2 i-3 i-4 i-5 i-6 i-7 i-8", fresh="eni-2")
    calls = ("ModifyVServerGroupBackendServers", "AddVServerGroupBackendServers")
    world.faults(*({"action": call, "error": code, "nth": 1, "times": 1000} for call in calls))
    told = world.request(
        pairs=[["eni-1", "eni-2"]], launched=[{"server_id": "eni-2", "server_ip": "10.0.0.3"}]
    )
    assert "bad_backend" in told.refused().values()
    assert [b["server_id"] for b in world.backends()].count("eni-1") == 2


def test_what_a_refused_modify_has_taken_out_is_put_in_again() -> None:
    """No document says that a Modify is done whole or not at all."""
    world = here("i-1 i-2 i-3 i-4", fresh="i-9")
    world.faults(
        {"action": "ModifyVServerGroupBackendServers", "error": "Forbidden.RAM", "nth": 1, "times": 1000}
    )

    def half(action: str) -> None:
        if action.startswith("Modify"):
            (group,) = (g for lb in world.state()["load_balancers"] for g in lb["vserver_groups"])
            left = [b for b in group["backends"] if b["server_id"] != "i-1"]
            world.edit(lambda s: s["load_balancers"][0]["vserver_groups"][0].update(backends=left))

    world.on_call = half
    world.request(terminated=["i-1"], launched=["i-9"])
    assert len(world.servers()) == 4


def test_what_waits_at_weight_0_and_fails_is_taken_out_by_the_next_delivery() -> None:
    policy = {"strategy": "surge", "health": {"timeout_s": 20, "interval_s": 2}}
    world = here("i-1 i-2 i-9=0#slb-swap.web", sick="i-9", policy=policy)
    assert world.request(terminated=["i-1"], launched=["i-9"]).outcome == "rolled_back"
    assert world.servers() == ["i-1", "i-2"]
