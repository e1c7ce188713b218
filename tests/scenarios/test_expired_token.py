"""Completing an expired or already completed token: done, and logged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import hooked
from tests.support.places import hook

ROW = 27


def completed_before(make: Make, status: str, **state: Any) -> None:
    hooks = [hook("i-4", status=status)] if status else []
    world = make("i-1 i-2 i-3", "i-1 i-2 i-3 i-4", hooks=hooks, **state)
    told = world.deliver(hooked("ScaleOut", "i-4"))
    assert (told.outcome, told.raised) == ("applied", "")
    (said,) = world.logs("hook.completed")
    assert said["code"] == "LifecycleHookIdAndLifecycleActionToken.Invalid"
    assert len(world.calls("CompleteLifecycleAction")) == 1


@pytest.mark.parametrize("status", ["Completed", "Timeout", ""], ids=["completed", "expired", "unknown"])
def test_it_is_done_and_logged(status: str, readings: dict[str, Any]) -> None:
    completed_before(here, status, readings=readings)


def test_the_same_hook_twice(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3 i-4=pending", hooks=[hook("i-4")], readings=readings)
    assert world.deliver(hooked("ScaleOut", "i-4")).outcome == "applied"
    assert world.deliver(hooked("ScaleOut", "i-4")).outcome == "unchanged"
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}


@pytest.mark.parametrize("transition", ["ScaleOut", "ScaleIn"])
def test_a_token_that_got_lost_is_found_again(transition: str, readings: dict[str, Any]) -> None:
    listed = "i-1 i-2 i-3 i-4=pending" if transition == "ScaleOut" else "i-1=leaving i-2 i-3 i-4"
    server = "i-4" if transition == "ScaleOut" else "i-1"
    world = here("i-1 i-2 i-3", listed, hooks=[hook(server)], readings=readings)
    assert world.deliver(hooked(transition, server, token=None)).outcome == "applied"
    assert world.hooks() == {"token-1": ("Completed", "CONTINUE")}


def test_expired_over_http(there: Make) -> None:
    completed_before(there, "Timeout")
