"""Without the right to ask ECS, all goes on as it did before ECS was asked, whatever the cloud answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.deliveries import scaled_in
from tests.support.level_b import World

DENIED = ("ecs:DescribeInstances",)


@pytest.fixture(params=["refused", "empty_list"])
def readings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"ecs_denied": request.param}


def test_a_request_is_done(readings: dict[str, Any]) -> None:
    world = World("i-1 i-2 i-3", fresh="i-4 i-5", readings=readings, denied=DENIED)
    told = world.request(pairs=[["i-1", "i-4"], ["i-2", "i-5"]])
    assert (told.outcome, world.shown()) == ("applied", "i-3 i-4 i-5")
    asked = world.calls("DescribeInstances")
    assert {call["code"] for call in asked} <= {None, "Forbidden.RAM"}
    assert asked


def test_an_event_is_followed(readings: dict[str, Any]) -> None:
    world = World("i-1 i-2 i-3 i-4", "i-2 i-3 i-4 i-5", readings=readings, denied=DENIED)
    told = world.deliver(scaled_in("i-1"))
    assert (told.outcome, world.shown()) == ("applied", "i-2 i-3 i-4 i-5")


def test_nobody_is_taken_for_released(readings: dict[str, Any]) -> None:
    world = World("i-1 i-2 i-3", "i-1 i-2 i-3", readings=readings, denied=DENIED, policy={"exclusive": True})
    world.deliver(scaled_in("i-9"))
    assert (world.shown(), world.writes()) == ("i-1 i-2 i-3", [])
