"""Every run ends, and what it took comes back: from full balancers, drains cut off, refused writes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import interrupted, timer
from tests.support.level_a import Killed
from tests.support.level_b import World

ALL = "i-1 i-2 i-3 i-4"
WRITES = (
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
    "SetVServerGroupAttribute",
)
CODES = (
    "InstanceBackendServerNumberOverLimit",
    "ObtainIpFail",
    "Forbidden.RAM",
    "BackendServer.configuring",
    "InvalidLoadBalancerId.NotFound",
    "TooManyBackendServers",
)


@pytest.mark.parametrize("strategy", ["swap", "surge"])
@pytest.mark.parametrize("by_request", [True, False])
def test_on_a_full_load_balancer_a_bad_new_one_is_taken_back_the_other_way_round(
    by_request: bool, strategy: str
) -> None:
    listed = ALL if by_request else f"{ALL} n-1"
    world = here(
        ALL,
        listed,
        fresh="n-1",
        sick="n-1",
        quota=4,
        policy={"strategy": strategy},
        **({} if by_request else {"reclaimed": "i-1"}),
    )
    if by_request:
        told = world.request(terminated=["i-1"], launched=["n-1"], force=["still_in_service"])
    else:
        told = world.deliver(interrupted("i-1"))
    assert len(world.writes()) <= 16
    assert told.outcome in {"rolled_back", "raised", "partial", "refused"}
    if by_request:
        assert world.servers() == ALL.split()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("action", WRITES)
def test_whichever_write_is_refused_for_ever_every_run_ends_and_leaves_nothing_drained(
    action: str, code: str
) -> None:
    for strategy in ("swap", "surge"):
        for drain_s in (0, 5):
            for sick in ("", "n-1"):
                how = {
                    "strategy": strategy,
                    "drain_s": drain_s,
                    "health": {"timeout_s": 20, "interval_s": 2},
                }
                world = here("i-1 i-2 i-3 i-4=60", ALL, fresh="n-1 n-2", sick=sick, policy=how)
                world.faults({"action": action, "error": code})
                told = world.request(
                    terminated=["i-1", "i-4"], launched=["n-1", "n-2"], force=["still_in_service"]
                )
                tried = [one for one in world.writes() if one != action]
                assert len(tried) <= 60, (strategy, drain_s, sick)
                assert world.clock.at - 1000 <= 600
                if told.outcome != "raised":
                    idle = [b["server_id"] for b in world.backends() if b["weight"] == 0]
                    idle = [one for one in idle if one.startswith("i-")]
                    # Weights that are refused themselves can be put back by nobody; a sick new one may stay.
                    assert idle == [] or action == "SetVServerGroupAttribute", (strategy, drain_s, sick)


@pytest.mark.parametrize("description", ["", "slb-swap/web"])
@pytest.mark.parametrize("strategy", ["swap", "surge"])
def test_killed_at_each_call_of_a_drain_no_weight_is_lost_whatever_comes_next(
    strategy: str, description: str
) -> None:
    of = f"i-1=30#{description} i-2 i-3 i-4"
    for by_timer in (False, True):
        call, killed = 1, True
        while killed:
            world = here(of, ALL, fresh="i-9", policy={"drain_s": 20, "strategy": strategy})
            left = [call]

            def dies(action: str, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed

            world.on_call = dies
            wish: dict[str, Any] = {"terminated": ["i-1"], "launched": ["i-9"], "force": ["still_in_service"]}
            killed = world.request(**wish).outcome == "killed"
            for _ in range(2):
                world.clock.at += 300
                again = world.deliver(timer()) if by_timer else world.request(**wish)
            weights = {one["server_id"]: one["weight"] for one in world.backends()}
            assert 0 not in weights.values(), (call, by_timer, again.reason)
            assert weights.get("i-1", 30) == 30, (call, by_timer)
            if "i-9" in weights and "i-1" not in weights:
                assert weights["i-9"] == 30, (call, by_timer)
            call += 1
        assert call > 10


def slow_to_begin(world: World) -> None:
    """Let the first reading of a group take ten seconds of each run's time."""

    def reads(action: str) -> None:
        if action == "DescribeVServerGroups":
            world.clock.at += 10

    world.on_call = reads


def test_a_drain_that_there_is_no_time_for_is_not_begun() -> None:
    world = here(ALL, fresh="i-8 i-9", policy={"drain_s": 60}, timeout_s=205)
    slow_to_begin(world)
    told = world.request(terminated=["i-1"], launched=["i-9"])
    assert (told.outcome, told.reason, world.writes()) == ("raised", "deadline", [])
    assert world.shown() == ALL


def test_a_wave_is_begun_only_with_the_time_to_take_it_back() -> None:
    world = here(ALL, fresh="i-9", sick="i-9", timeout_s=145)
    slow_to_begin(world)
    for _ in range(3):
        told = world.request(terminated=["i-1"], launched=["i-9"])
        assert (told.outcome, told.reason) == ("raised", "deadline")
        world.clock.at += 30
    assert (world.shown(), world.writes()) == (ALL, [])
    world = here(ALL, fresh="i-9", sick="i-9")
    assert world.request(terminated=["i-1"], launched=["i-9"]).outcome == "rolled_back"
    assert world.shown() == ALL


@pytest.mark.parametrize("code", ["Forbidden.RAM", "ObtainIpFail"])
def test_what_was_drained_for_a_write_that_is_refused_has_its_weight_again(code: str) -> None:
    world = here("i-1=40 i-2 i-3 i-4", fresh="i-9", policy={"drain_s": 10})
    world.faults({"action": "ModifyVServerGroupBackendServers", "error": code})
    told = world.request(terminated=["i-1"], launched=["i-9"])
    assert told.outcome in {"refused", "partial"}
    assert world.shown() == "i-1=40 i-2 i-3 i-4"


@pytest.mark.parametrize("launched", [["i-9"], []])
def test_abnormal_on_one_port_and_at_weight_0_on_another_is_waited_for_exactly_as_long_as_it_drains(
    launched: list[str],
) -> None:
    of = "i-1:80 i-1:81=0 i-2:80 i-2:81 i-3:80 i-3:81 i-4:80 i-4:81"
    world = here(of, fresh="i-9", sick="i-1", policy={"drain_s": 30})
    told = world.request(terminated=["i-1"], launched=launched)
    assert (told.outcome, "i-1" in world.servers()) == ("applied", False)
    assert 30 <= world.clock.at - 1000 < 60


def test_a_request_whose_last_look_still_shows_what_it_terminated_is_raised() -> None:
    world = here("i-1 i-2 i-3")

    def stays(action: str, answer: Any) -> Any:
        if action == "DescribeVServerGroupAttribute":
            inner = answer.get(f"{action}Response", answer)
            rows = inner["BackendServers"]["BackendServer"]
            if not any(row["ServerId"] == "i-1" for row in rows):
                inner["BackendServers"]["BackendServer"] = [{**rows[0], "ServerId": "i-1"}, *rows]
        return answer

    world.on_answer = stays
    told = world.request(terminated=["i-1"])
    assert told.outcome == "raised"
    assert told.status == 503


def takes_time(world: World) -> None:
    def passes(action: str) -> None:
        world.clock.at += 0.1

    world.on_call = passes


@pytest.mark.parametrize("interval_s", [7, 50, 60])
def test_a_wave_that_fails_is_taken_back_in_time_however_rarely_health_is_read(interval_s: int) -> None:
    health = {"health": {"timeout_s": 60, "interval_s": interval_s}}
    world = here(ALL, fresh="i-9", sick="i-9", timeout_s=90, policy=health)
    takes_time(world)
    assert world.request(terminated=["i-1"], launched=["i-9"]).outcome == "rolled_back"
    assert world.shown() == ALL


def test_a_surge_that_fails_is_taken_back_in_time_though_weight_0_is_not_checked() -> None:
    world = here(
        ALL, fresh="i-9", sick="i-9", name="surge", timeout_s=180, readings={"weight0_checked": False}
    )
    takes_time(world)
    assert world.request(terminated=["i-1"], launched=["i-9"]).outcome == "rolled_back"
    assert world.shown() == ALL


@pytest.mark.parametrize("timeout_s", [145, None])
def test_a_wave_begins_in_the_shortest_time_that_is_accepted(timeout_s: int | None) -> None:
    world = here(ALL, fresh="i-9", timeout_s=timeout_s)
    takes_time(world)
    assert world.request(terminated=["i-1"], launched=["i-9"]).outcome == "applied"
