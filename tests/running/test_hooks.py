"""Lifecycle hooks: kept waiting while a run lasts, completed once after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from handler.core.deciding.hooks import Ending
from handler.core.model.steps import Finish
from handler.core.model.values import Hook
from handler.running.hooks import EVERY_S, FIRST_S, TRIES, Completed, Hooks
from localcloud.cloud import Cloud
from tests.support.builders import cloud, hook, view
from tests.support.level_a import Calls, FakeClock, means_of
from tests.support.tasks import alone

COMPLETE, BEAT, FIND = (
    "CompleteLifecycleAction",
    "RecordLifecycleActionHeartbeat",
    "DescribeLifecycleActions",
)
HOOK = hook("i-9", "scale_out")
LOST = hook("i-9", "scale_out", token=None)
IN, OUT = Ending(Finish("applied"), view("i-9")), Ending(Finish("refused"), view("i-1"))


def waiting(*actions: dict[str, Any], faults: Sequence[dict[str, Any]] = ()) -> Cloud:
    state = cloud("i-1", "i-1 i-9=pending", faults=faults).state()
    first = {"lifecycle_hook_id": "ash-1", "lifecycle_action_token": "t-1", "instance_ids": ["i-9"]}
    state["scaling_groups"][0]["lifecycle_actions"] = [
        {**first, "scaling_activity_id": "asa-1", **action} for action in actions or ({},)
    ]
    return Cloud(state)


class Keeper:
    """The hooks of one delivery over a local cloud, and the calls they make."""

    def __init__(self, over: Cloud, *hooks: Hook, left: float = 100.0) -> None:
        self.clock, self.calls = FakeClock(), Calls(over)
        self.hooks = Hooks(hooks, means_of(self.calls, self.clock, self.clock.now() + left))

    def completed(self, *endings: Ending | None) -> list[Completed]:
        """Complete every hook, given how the targets ended."""
        return [alone(self.hooks.complete(one, endings), self.clock, lambda: None) for one in self.hooks.all]

    def complete(self, *endings: Ending | None) -> list[tuple[str | None, str, bool]]:
        return [(one.result, one.code, one.failed) for one in self.completed(*endings)]


def test_a_hook_is_completed_once_however_often_it_is_named() -> None:
    keeper = Keeper(waiting(), HOOK, HOOK)
    assert [("CONTINUE", "", False)] == keeper.complete(IN)
    assert [COMPLETE] == keeper.calls.actions


@pytest.mark.parametrize("endings", [(), (OUT,), (None,)])
def test_a_hook_without_a_verdict_is_left_waiting(endings: tuple[Ending | None, ...]) -> None:
    keeper = Keeper(waiting(), HOOK)
    assert [(None, "", False)] == keeper.complete(*endings)
    assert [] == keeper.calls.actions


def test_a_token_that_was_completed_before_is_fine() -> None:
    keeper = Keeper(waiting({"status": "Completed"}), HOOK)
    ((result, code, failed),) = keeper.complete(IN)
    assert ("CONTINUE", "LifecycleHookIdAndLifecycleActionToken.Invalid", False) == (result, code, failed)


def test_a_lost_token_is_found_again_once() -> None:
    keeper = Keeper(waiting(), LOST)
    keeper.clock.sleep(FIRST_S)
    keeper.hooks.keep_alive()
    assert [("CONTINUE", "", False)] == keeper.complete(IN)
    assert [FIND, BEAT, COMPLETE] == keeper.calls.actions


@pytest.mark.parametrize(
    "others",
    [
        ({"instance_ids": ["i-8"]},),  # of other instances
        ({"lifecycle_hook_id": "ash-2"},),  # of another hook
        ({"status": "Completed"},),
    ],
)
def test_where_nothing_waits_any_more_there_is_nothing_to_complete(
    others: tuple[dict[str, Any], ...],
) -> None:
    keeper = Keeper(waiting(*others), LOST)
    keeper.clock.sleep(FIRST_S)
    keeper.hooks.keep_alive()
    assert [("CONTINUE", "no_pending_action", False)] == keeper.complete(IN)
    assert not {COMPLETE, BEAT} & set(keeper.calls.actions)


def test_a_hook_that_lost_its_id_too_is_found_by_its_instances() -> None:
    keeper = Keeper(waiting(), hook("i-9", "scale_out", id="", token=None))
    assert [("CONTINUE", "", False)] == keeper.complete(IN)


def test_a_hook_without_any_way_to_its_token_is_tried_as_it_is() -> None:
    keeper = Keeper(waiting(), hook("i-9", "scale_out", token=None, activity_id=None))
    keeper.hooks.keep_alive()
    (done,) = keeper.completed(IN)
    assert ("CONTINUE", True, False) == (done.result, done.failed, done.may_pass)


@pytest.mark.parametrize("action", [COMPLETE, FIND])
def test_what_may_pass_is_tried_again(action: str) -> None:
    keeper = Keeper(waiting(faults=[{"action": action, "error": "Throttling.User", "times": 2}]), LOST)
    assert [("CONTINUE", "", False)] == keeper.complete(IN)
    assert 3 == keeper.calls.actions.count(action)


def test_it_is_not_tried_for_ever() -> None:
    keeper = Keeper(waiting(faults=[{"action": COMPLETE, "error": "Throttling.User"}]), HOOK)
    assert [("CONTINUE", "Throttling.User", True)] == keeper.complete(IN)
    assert [COMPLETE] * TRIES == keeper.calls.actions


def test_it_is_not_tried_beyond_the_deadline() -> None:
    keeper = Keeper(waiting(faults=[{"action": COMPLETE, "error": "Throttling.User"}]), HOOK, left=0.01)
    assert [("CONTINUE", "Throttling.User", True)] == keeper.complete(IN)
    assert [COMPLETE] == keeper.calls.actions


def test_what_will_not_pass_is_not_tried_again() -> None:
    keeper = Keeper(waiting(faults=[{"action": COMPLETE, "error": "Forbidden.RAM"}]), HOOK)
    assert [("CONTINUE", "Forbidden.RAM", True)] == keeper.complete(IN)
    assert [COMPLETE] == keeper.calls.actions


def test_heartbeats_begin_before_a_hook_may_time_out_and_are_few() -> None:
    keeper = Keeper(waiting(), HOOK)
    beats = []
    for seconds in (0, FIRST_S - 1, 1, 1, EVERY_S - 2, 1):
        keeper.clock.sleep(seconds) if seconds else None
        keeper.hooks.keep_alive()
        beats.append(keeper.calls.actions.count(BEAT))
    assert [0, 0, 1, 1, 1, 2] == beats


def test_every_hook_that_waits_is_kept_alive() -> None:
    other = {"lifecycle_hook_id": "ash-2", "lifecycle_action_token": "t-2", "instance_ids": ["i-1"]}
    over = waiting({}, other)
    keeper = Keeper(over, HOOK, replace(HOOK, id="ash-2", token="t-2", instance_ids=("i-1",)))
    keeper.clock.sleep(FIRST_S)
    keeper.hooks.keep_alive()
    actions = over.state()["scaling_groups"][0]["lifecycle_actions"]
    assert [BEAT, BEAT] == keeper.calls.actions
    assert [1, 1] == [one["heartbeats"] for one in actions]


def test_without_hooks_there_is_no_heartbeat() -> None:
    keeper = Keeper(waiting())
    keeper.clock.sleep(FIRST_S)
    keeper.hooks.keep_alive()
    assert [] == keeper.calls.actions


@pytest.mark.parametrize("action", [FIND, BEAT])
def test_a_heartbeat_that_fails_stops_nothing(action: str) -> None:
    keeper = Keeper(waiting(faults=[{"action": action, "error": "Forbidden.RAM", "times": 1}]), LOST)
    keeper.clock.sleep(FIRST_S)
    keeper.hooks.keep_alive()
    assert [("CONTINUE", "", False)] == keeper.complete(IN)


def test_a_hook_that_was_completed_is_kept_alive_no_more() -> None:
    keeper = Keeper(waiting(), HOOK)
    keeper.complete(IN)
    keeper.clock.sleep(FIRST_S)
    keeper.hooks.keep_alive()
    assert [COMPLETE] == keeper.calls.actions


KEPT = hook("i-1", "scale_in")


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ((Ending(Finish("planned"), view("i-1"), acts=False), Ending(Finish("applied"), view("i-2"))), True),
        ((Ending(Finish("refused"), view("i-1")),), False),  # a target that acts says itself why it is there
        ((Ending(Finish("planned"), view("i-2"), acts=False), None), False),
    ],
)
def test_it_is_told_of_a_hook_that_only_a_target_keeps_which_may_not_change_anything(
    endings: tuple[Ending | None, ...], expected: bool
) -> None:
    keeper = Keeper(waiting(), KEPT)
    assert [(None, expected)] == [(one.result, one.kept_by_inactive) for one in keeper.completed(*endings)]
    assert [] == keeper.calls.actions
