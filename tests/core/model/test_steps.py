"""What a step does to a group, and what undoes it."""

from __future__ import annotations

import pytest

from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.steps import (
    Add,
    Modify,
    Remove,
    SetWeight,
    Step,
    after,
    described,
    new_side,
    old_side,
    same,
    whole_units,
)
from handler.core.model.values import Pair
from tests.support.builders import backend, backends, group, shown_backends, shown_group

STEPS = [
    (Modify((Pair(backend("i-1"), backend("i-9")),)), "i-1", "i-9", "i-2 i-9"),
    (Add(backends("i-9")), "", "i-9", "i-1 i-2 i-9"),
    (Remove(backends("i-1")), "i-1", "", "i-2"),
    (SetWeight(backends("i-1"), backends("i-1=0")), "i-1", "i-1=0", "i-1=0 i-2"),
]


@pytest.mark.parametrize(("step", "old", "new", "left"), STEPS)
def test_what_a_step_takes_out_and_puts_in(step: Step, old: str, new: str, left: str) -> None:
    assert (old, new) == (shown_backends(old_side(step)), shown_backends(new_side(step)))
    assert left == shown_group(after(group("i-1 i-2"), step))


def test_the_order_of_a_group_does_not_matter() -> None:
    assert same(group("i-1 i-2"), group("i-2 i-1"))
    assert not same(group("i-1"), group("i-1=50"))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (STEPS[0][0], "Modify i-1:8080 (100) -> i-9:8080 (100)"),
        (STEPS[1][0], "Add i-9:8080 (100)"),
        (STEPS[2][0], "Remove i-1:8080 (100)"),
        (Remove(backends("i-1:80 i-1:81=0")), "Remove i-1:80 (100), i-1:81 (0)"),
        (STEPS[3][0], "SetWeight i-1:8080 (100) -> i-1:8080 (0)"),
    ],
)
def test_a_step_is_told_in_a_line(step: Step, expected: str) -> None:
    assert expected == described(step)


@pytest.mark.parametrize("result", list(Result))
def test_what_may_pass_by_waiting_alone(result: Result) -> None:
    assert (result in {Result.BUSY, Result.THROTTLED, Result.UNKNOWN}) == Answer(result).may_pass


def test_a_read_that_failed_says_what_came_instead() -> None:
    failed = CallFailed(Answer(Result.BUSY, "OperationBusy", "wait"))
    assert ("busy: OperationBusy wait", Result.BUSY) == (str(failed), failed.answer.result)


def test_a_unit_that_is_more_than_a_call_carries_is_cut() -> None:
    three = backends("i-1:80 i-1:81 i-1:82 i-2:80")
    assert [2, 2] == [len(part) for part in whole_units(three, 2)]
