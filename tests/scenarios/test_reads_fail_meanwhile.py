"""Reads that fail after the first write: throttled or refused, for a while or to the end of the run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import scaled_out
from tests.support.level_b import World

HEALTH = {"timeout_s": 60}
CODES = ["CheckedListenerNotFound", "Forbidden.RAM", "InvalidAccessKeyId.NotFound", "SomethingNew"]
OTHERS = ["DescribeInstances", "DescribeScalingInstances"]


def failing(world: World, action: str, error: str, **also: Any) -> World:
    """Let a read fail from the world's next write on."""
    status = {"status": 400} if error == "SomethingNew" else {}

    def before(called: str) -> None:
        if called.startswith(("Modify", "Add", "Set")) and not world.cloud.faults.faults:
            world.faults({"action": action, "error": error, **status, **also})

    world.on_call = before
    return world


def well_again(world: World) -> World:
    world.on_call = lambda action: None
    world.faults()
    world.clock.sleep(60)
    return world


@pytest.mark.parametrize("action", OTHERS)
@pytest.mark.parametrize("error", ["Throttling.User", "InternalError", "Forbidden.RAM"])
def test_a_failed_server_is_taken_back_though_auto_scaling_or_ecs_do_not_answer(
    action: str, error: str
) -> None:
    made = here("i-1 i-2 i-3 i-4", "i-1 i-2 i-3 i-4", fresh="i-9", sick="i-9", policy={"health": HEALTH})
    world = failing(made, action, error)
    asked = {"terminated": ["i-1"], "launched": ["i-9"], "force": ["still_in_service"]}
    told = world.request(asked)
    reason = {"Throttling.User": "throttled", "InternalError": "unknown"}.get(error, error)
    assert (told.outcome, told.reason) == ("raised", reason)
    assert world.servers() == ["i-1", "i-2", "i-3", "i-4"]
    told = well_again(world).request(asked)
    assert (told.outcome, world.servers()) == ("rolled_back", ["i-1", "i-2", "i-3", "i-4"])


def test_the_run_goes_on_once_they_answer() -> None:
    made = here("i-1 i-2 i-3 i-4", "i-1=leaving i-2=leaving i-3 i-4 i-8 i-9", policy={"health": HEALTH})
    world = failing(made, "DescribeScalingInstances", "Throttling.User", times=5)
    assert world.deliver(scaled_out("i-8 i-9")).outcome == "applied"
    assert world.servers() == ["i-3", "i-4", "i-8", "i-9"]


@pytest.mark.parametrize("error", CODES)
@pytest.mark.parametrize("action", ["DescribeHealthStatus", "DescribeVServerGroupAttribute"])
def test_a_read_that_is_refused_once_does_not_leave_things_half_done(action: str, error: str) -> None:
    made = here("i-1 i-2", fresh="i-9", sick="i-9", policy={"health": HEALTH})
    world = failing(made, action, error, times=1)
    told = world.request({"terminated": ["i-1"], "launched": ["i-9"]})
    assert (told.outcome, world.servers()) == ("rolled_back", ["i-1", "i-2"])


@pytest.mark.parametrize("error", CODES)
def test_a_read_that_is_refused_to_the_end_is_raised(error: str) -> None:
    world = failing(here("i-1 i-2", fresh="i-9"), "DescribeHealthStatus", error)
    told = world.request({"terminated": ["i-1"], "launched": ["i-9"]})
    assert (told.outcome, told.reason) == ("raised", error)
    assert world.clock.at - 1000 > 560
    late = [at for at, _ in world.timeline if at > 1060]
    assert len(late) <= 530
    told = well_again(world).request({"terminated": ["i-1"], "launched": ["i-9"]})
    assert (told.outcome, world.servers()) == ("unchanged", ["i-2", "i-9"])


def test_a_read_that_is_refused_before_the_first_write_ends_the_run() -> None:
    world = here("i-1 i-2", fresh="i-9")
    world.faults({"action": "DescribeHealthStatus", "error": "Forbidden.RAM"})
    told = world.request({"terminated": ["i-1"], "launched": ["i-9"]})
    assert (told.outcome, told.reason) == ("refused", "Forbidden.RAM")
    assert world.clock.at == 1000


def test_a_drain_goes_on_after_a_read_that_is_refused() -> None:
    made = here("i-1 i-2 i-3 i-4", "i-1=leaving i-2 i-3 i-4 i-9", policy={"drain_s": 30, "health": HEALTH})
    world = failing(made, "DescribeHealthStatus", "CheckedListenerNotFound", times=1)
    assert world.deliver(scaled_out("i-9")).outcome == "applied"
    assert world.servers() == ["i-2", "i-3", "i-4", "i-9"]


def test_the_listeners_are_read_again_after_health_was_refused() -> None:
    """The last health check was switched off meanwhile."""
    world = failing(here("i-1 i-2", fresh="i-9"), "DescribeHealthStatus", "CheckedListenerNotFound", times=1)
    told = world.request({"terminated": ["i-1"], "launched": ["i-9"]})
    assert told.outcome == "applied"
    at = [call["action"] for call in world.calls()].index("ModifyVServerGroupBackendServers")
    assert "DescribeLoadBalancerListeners" in [call["action"] for call in world.calls()[at:]]


@pytest.mark.parametrize(
    ("action", "error"),
    [("DescribeHealthStatus", "Forbidden.RAM"), ("DescribeScalingInstances", "Forbidden.RAM")],
)
def test_a_refused_read_is_named_in_the_result_and_in_the_log(action: str, error: str) -> None:
    world = here("i-1 i-2", "i-1 i-2")
    world.faults({"action": action, "error": error})
    told = world.deliver(scaled_out("i-2"))
    (refused,) = told.of()["refused"]
    assert (told.outcome, refused["reason"], refused["numbers"]) == ("refused", error, {"action": action})
    (line,) = lines(world, "swap.read_failed")
    assert (line["level"], line["action"], line["code"]) == ("warning", action, error)


def test_a_read_that_goes_on_failing_is_told_once() -> None:
    world = here("i-1 i-2", "i-1 i-2")
    world.faults(
        {"action": "DescribeVServerGroupAttribute", "error": "InvalidSecurityToken.Expired", "times": 4}
    )
    world.deliver(scaled_out("i-2"))
    (line,) = lines(world, "swap.read_failed")
    assert (line["action"], line["result"]) == ("DescribeVServerGroupAttribute", "unknown")


def lines(world: World, event: str) -> list[dict[str, Any]]:
    printed = map(json.loads, "".join(world.printed).splitlines())
    return [line for line in printed if line["event"] == event]
