"""One scaling group feeds several VServer groups, and one fails: a result for each, healthy in all."""

from __future__ import annotations

from typing import Any

from tests.scenarios.world import POLICIES, TARGETS, Make, Remote, here
from tests.support.deliveries import hooked, scaled_in, timer
from tests.support.level_b import World
from tests.support.places import hook, place

ROW = 23
BOTH = [one for one in TARGETS if one["name"] in {"blue", "green"}]
assert POLICIES["green"]


def two(make: Make, blue: str = "i-1 i-2 i-3", green: str = "i-1 i-2 i-3", **state: Any) -> World | Remote:
    also: dict[str, Any] = {} if make is not here else {"targets": BOTH}
    listed = state.pop("listed", "i-2 i-3 i-4")
    return make(blue, listed, name="blue", places=[place("green", green)], **also, **state)


def one_fails(make: Make, **state: Any) -> None:
    world = two(make, **state)
    fault = {"action": "ModifyVServerGroupBackendServers", "error": "Forbidden.RAM"}
    world.faults({**fault, "match": {"VServerGroupId": "rsp-green"}})
    told = world.deliver(scaled_in("i-1", "blue"))
    assert told.of("blue")["outcome"] == "applied"
    assert (told.of("green")["outcome"], told.of("green")["reason"]) == ("refused", "Forbidden.RAM")
    assert told.outcome == "partial"
    assert world.servers("blue") == ["i-2", "i-3", "i-4"]
    assert world.servers("green") == ["i-1", "i-2", "i-3"]


def one_is_busy(make: Make, **state: Any) -> None:
    """What may pass is raised, with the other one's work done; the rerun finishes both."""
    world = two(make, **state)
    if isinstance(world, World):
        world.timeout_s = 145
    fault = {"action": "ModifyVServerGroupBackendServers", "error": "BackendServer.configuring"}
    world.faults({**fault, "match": {"VServerGroupId": "rsp-blue"}})
    told = world.deliver(scaled_in("i-1", "blue"))
    assert (told.outcome, told.of("green")["outcome"]) == ("raised", "applied")
    assert world.servers("green") == ["i-2", "i-3", "i-4"]
    world.faults()
    again = world.deliver(scaled_in("i-1", "blue"))
    assert (again.outcome, again.of("green")["outcome"]) == ("applied", "unchanged")
    assert world.servers("blue") == ["i-2", "i-3", "i-4"]


def test_one_is_refused(readings: dict[str, Any]) -> None:
    if readings.get("body_params") == "ignored":
        readings = {**readings, "body_params": "accepted"}  # the group's id is in the body, by which it fails
    one_fails(here, readings=readings)


def test_one_is_busy(readings: dict[str, Any]) -> None:
    readings = {**readings, "body_params": "accepted"}
    one_is_busy(here, readings=readings)


def test_one_group_is_not_there(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-2 i-3 i-4", name="blue", targets=BOTH, readings=readings)
    told = world.deliver(timer())
    assert told.of("blue")["outcome"] == "applied"
    assert told.of("green")["outcome"] == "refused"
    assert told.outcome == "partial"


def told_to_the_hook(**state: Any) -> tuple[str, str]:
    world = two(here, listed="i-1 i-2 i-3 i-4=pending", hooks=[hook("i-4")], **state)
    world.deliver(hooked("ScaleOut", "i-4", "blue"))
    return world.hooks("blue")["token-1"]


def test_a_hook_is_continued_for_all(readings: dict[str, Any]) -> None:
    assert told_to_the_hook(readings=readings) == ("Completed", "CONTINUE")


def test_a_hook_is_abandoned_by_all() -> None:
    assert told_to_the_hook(sick="i-4") == ("Completed", "ABANDON")


def test_several_groups_over_http(there: Make) -> None:
    one_fails(there)
    one_is_busy(there)
