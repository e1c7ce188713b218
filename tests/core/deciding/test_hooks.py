"""What a lifecycle hook is told, once the targets have been run."""

from __future__ import annotations

import pytest

from handler.core.deciding.hooks import Ending, verdict
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed
from handler.core.model.steps import Finish
from handler.core.model.values import Instance, Refusal
from tests.support.builders import hook, view

ENTERING, LEAVING = hook("i-9", "scale_out"), hook("i-1", "scale_in")
TWO = hook("i-8 i-9", "scale_out")


def ending(outcome: str, looked: Observed, reason: str | None = None, *refused: Refusal) -> Ending:
    finish = Finish(outcome, reason, refused)  # type: ignore[arg-type]
    return Ending(finish, looked, looked.listeners.checking)


def failed(subject: str, abnormal_gates: int = 1, gates: int = 1) -> Refusal:
    numbers = {"waited_s": 120, "gates": gates, "abnormal_gates": abnormal_gates}
    return Refusal(subject, "not_healthy", numbers=numbers)


def bad(subject: str, reason: str = "not_healthy") -> Ending:
    refusal = failed(subject) if reason == "not_healthy" else Refusal(subject, reason)
    return ending("rolled_back", view("i-1"), reason, refusal)


def taken_back(refusal: Refusal) -> Ending:
    return ending("rolled_back", view("i-1"), "not_healthy", refusal)


IN, OUT = ending("applied", view("i-9", checked=True)), ending("refused", view("i-1"))
UNCHECKED, PENDING = ending("applied", view("i-9")), ending("raised", view("i-9", pending="i-9"))
STOPPED = ending("raised", view("i-9", instances={"i-9": Instance("i-9", "stopped", False)}), "not_healthy")
WEIGHTLESS = ending("applied", view("i-9=0"))
ABNORMAL = ending("raised", view("i-9", abnormal="i-9"), "not_healthy")
ABNORMAL_FOR_NOW = ending("raised", view("i-9", abnormal="i-9"), "busy")


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ([IN], "CONTINUE"),
        ([UNCHECKED], "CONTINUE"),
        ([ending("applied", view("i-9=1"))], "CONTINUE"),
        ([IN, OUT], "CONTINUE"),  # any target that took it is enough
        ([OUT, IN], "CONTINUE"),
        ([PENDING], None),
        ([WEIGHTLESS], None),
        ([STOPPED], None),
        ([OUT], None),
        ([], None),
        ([bad("i-9")], "ABANDON"),
        ([bad("i-9", "bad_backend")], "ABANDON"),
        ([bad("i-9", "over_quota")], None),  # which is not its fault
        ([bad("i-9"), OUT], None),  # it failed in one target only
        ([bad("i-9"), bad("i-9")], "ABANDON"),
        ([taken_back(failed("i-9", 0))], None),  # late, but no check failed
        ([taken_back(failed("i-9", 1, 2))], None),  # one check of two
        ([taken_back(failed("i-9", 0, 0))], None),  # nothing checks
        ([ABNORMAL], "ABANDON"),
        ([ABNORMAL_FOR_NOW], None),
    ],
)
def test_a_scale_out(endings: list[Ending], expected: str | None) -> None:
    assert expected == verdict(ENTERING, endings)


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ([ending("applied", view("i-8 i-9"))], "CONTINUE"),
        ([ending("applied", view("i-8")), ending("applied", view("i-9"))], None),  # neither has all of them
        ([taken_back(failed("i-9"))], None),
        (
            [
                ending(
                    "rolled_back",
                    view(""),
                    None,
                    failed("i-8"),
                    Refusal("i-9", "bad_backend"),
                )
            ],
            "ABANDON",
        ),
    ],
)
def test_a_scale_out_of_two(endings: list[Ending], expected: str | None) -> None:
    assert expected == verdict(TWO, endings)


@pytest.mark.parametrize(
    ("endings", "expected"),
    [
        ([ending("applied", view("i-2"))], "CONTINUE"),
        ([ending("unchanged", view("i-2"))], "CONTINUE"),
        ([ending("applied", view("i-2")), ending("refused", view("i-1"))], None),
        ([ending("applied", view("i-2")), None], None),  # of a run that broke nothing is known
        ([ending("raised", view("i-2"))], None),
        ([ending("raised", view("i-2"), "busy")], None),  # it may yet be put back
        ([ending("raised", view("i-2 i-9", abnormal="i-9"), "not_healthy")], "CONTINUE"),
        ([ending("raised", view("i-2"), "not_in_service_yet")], "CONTINUE"),
        ([ending("raised", view("i-2"), "floor")], "CONTINUE"),  # which holds another server
        ([ending("raised", view("i-1 i-9", abnormal="i-9"), "not_healthy")], None),
        ([], None),
    ],
)
def test_a_scale_in(endings: list[Ending | None], expected: str | None) -> None:
    assert expected == verdict(LEAVING, endings)


@pytest.mark.parametrize(("result", "expected"), [(Result.PERMANENT, None), (Result.GONE, "CONTINUE")])
def test_a_scale_in_where_the_group_could_not_be_read(result: Result, expected: str | None) -> None:
    unread = ending("refused", view("", problem=Answer(result, "Forbidden.RAM")))
    assert expected == verdict(LEAVING, [unread])


@pytest.mark.parametrize("transition", ["scale_out", "scale_in"])
def test_a_hook_of_nobody_is_left(transition: str) -> None:
    assert verdict(hook("", transition), [IN]) is None
