"""How a run ends, by what is left undone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.deciding.decide import decide
from handler.core.deciding.run_state import begin
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.steps import Finish, Remove
from handler.core.model.values import Cause, Instance, Intent, Verdict
from tests.support.builders import Play, backends, event, policy, request, shown, shown_refused, view

LATER = 10.0


def ended(looked: Observed, intent: Intent, how: Policy | None = None, *, done: bool = False) -> Finish:
    """The end that a first look leads to, all waits for lagging listings being over."""
    state = begin(replace(looked, now=looked.now - LATER))
    if done:
        state = replace(state, done=(Remove(backends("i-7")),))
    found = decide(looked, intent, how or policy(), state)
    assert isinstance(found, Finish), found
    return found


DELETED = event("i-1", cause=Cause.DELETED)
KNOWN = {"i-1": Instance("i-1", "running", reclaimed=False)}


@pytest.mark.parametrize(
    ("looked", "intent", "expected"),
    [
        (view("i-1", "i-1", source=Source.SHORT), event(), "raised source_incomplete"),
        (view("i-1", "", source=Source.EMPTY), event("", "i-9"), "raised source_incomplete"),
        (view("i-1", "i-1 i-9=pending"), event("", "i-9"), "raised not_in_service_yet"),
        (view("i-1", "i-1"), DELETED, "raised not_deleted_yet"),
        (view("i-1", "", asked=frozenset({"i-1"}), instances=KNOWN), DELETED, "raised not_deleted_yet"),
        (view("i-1 i-2", "i-1 i-2"), event("i-1"), "refused still_in_service"),
        (view("i-1", ""), event(), "unchanged"),
    ],
)
def test_how_a_run_ends_that_has_nothing_to_do(looked: Observed, intent: Intent, expected: str) -> None:
    assert expected == shown(ended(looked, intent))


@pytest.mark.parametrize(("done", "expected"), [(False, "refused"), (True, "partial")])
def test_refused_is_partial_once_something_was_done(done: bool, expected: str) -> None:
    assert expected == ended(view("i-1"), request("i-1"), done=done).outcome


def test_what_only_waits_for_a_replacement_is_a_note_and_no_refusal_to_see_to() -> None:
    doomed = {"i-1": Instance("i-1", "running", reclaimed=True)}
    looked = view(
        "i-1 i-2", "i-1 i-2", asked=frozenset({"i-1", "i-2"}), instances=doomed | {"i-2": KNOWN["i-1"]}
    )
    finish = ended(looked, event())
    assert ("unchanged waiting_for_replacement", "i-1:waiting_for_replacement") == (
        shown(finish),
        shown_refused(finish.refused),
    )


@pytest.mark.parametrize("left", [9.0, 100.0])
def test_without_time_a_replacement_is_raised_and_nothing_else_is_said_of_it(left: float) -> None:
    finish = ended(view("i-1 i-2", checked=True, left=left), request("i-1", "i-9"))
    assert ("raised deadline", ()) == (shown(finish), finish.refused)


def test_a_drain_without_time_is_raised() -> None:
    how = policy(drain_s=60, max_unavailable="100%", min_backends=0)
    finish = ended(view("i-1 i-2", left=60), request("i-1"), how)
    assert "raised deadline" == shown(finish)


def test_what_a_request_terminates_and_is_there_in_the_end_is_raised() -> None:
    play = Play(view("i-1 i-2 i-3"), request("i-1"))
    play.next()
    back = replace(play.view, group=view("i-1 i-2 i-3").group)
    again = replace(play.state, refused={}, first=replace(play.state.first, group=view("i-2 i-3").group))
    finish = decide(back, play.intent, play.policy, again)
    assert "raised not_removed" == shown(finish)


def test_what_an_address_or_a_port_says_is_left_of_a_server_is_not_still_there() -> None:
    of = "eni-1@10.0.0.1 eni-1@10.0.0.2 i-2 i-3"
    assert "applied" == Play(view(of, checked=True), request("eni-1@10.0.0.1")).to_end()[-1]
    assert "applied" == Play(view("i-1:80 i-1:81 i-2:80", checked=True), request("i-1:81")).to_end()[-1]


def test_a_run_that_writes_and_writes_is_raised() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", gone=True))
    play.state = replace(play.state, writes=play.state.most_writes(1))
    assert "raised too_many_writes" == play.end


@pytest.mark.parametrize("result", [Result.BUSY, Result.THROTTLED])
def test_busy_and_throttled_writes_do_not_count(result: Result) -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", gone=True))
    for _ in range(100):
        while play.next(answer=Answer(result)).startswith("wait"):
            pass
    assert "applied" == play.to_end()[-1]


def test_new_ones_that_replace_nothing_and_fail_are_raised_with_what_else_is_refused() -> None:
    play = Play(view("i-1 i-2", checked=True), request("", "i-9"), policy(health_timeout_s=2))
    assert "raised not_healthy" == play.to_end(Verdict.ABNORMAL)[-1]


def test_an_old_one_that_is_out_for_a_new_one_that_finds_no_room_is_raised() -> None:
    full = Answer(Result.OVER_QUOTA, "InstanceBackendServerNumberOverLimit")
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"), policy())
    assert ["modify i-1>i-9", "remove i-1"] == [play.next(answer=full), play.next()]
    play.next(answer=full)
    assert ("raised over_quota", "i-9:over_quota") == (play.end, shown_refused(play.decision.refused))


def test_after_a_rollback_what_is_not_removed_is_refused_for_it() -> None:
    how = policy(health_timeout_s=2, max_unavailable=2)
    play = Play(view("i-1 i-2 i-3 i-4", checked=True), request("i-1 i-2", "i-9"), how)
    assert "rolled_back not_healthy" == play.to_end(Verdict.PENDING)[-1]
    assert "i-2:after_rollback" in shown_refused(play.decision.refused)


def test_what_will_never_be_written_still_waits_for_the_new_ones_that_are_in() -> None:
    play = Play(
        view("i-1 i-2 i-3 i-4", checked=True), request("i-1 i-2", "i-8 i-9"), policy(max_unavailable=1)
    )
    play.next(Verdict.PENDING)
    play.state = replace(play.state, fatal=Answer(Result.PERMANENT, "Forbidden.RAM"))
    assert "wait 2 health" == play.next()


def test_what_is_put_back_though_it_can_be_spared_is_not_said_to_be_held_by_the_floor() -> None:
    play = Play(view("i-1 i-2 i-3 i-4"), request("i-1"), policy(drain_s=5))
    assert ["weigh i-1=0", "wait 5 drain"] == [play.next(), play.next()]
    play.view = replace(play.view, group=view("i-1 i-2 i-3 i-4").group)
    play.state = replace(play.state, lifted=frozenset({backends("i-1")[0].key}))
    assert ("partial not_removed", "i-1:not_removed") == (play.end, shown_refused(play.decision.refused))


def test_what_waits_for_new_ones_that_fail_is_refused_for_them_while_the_floor_has_room() -> None:
    looked = view("i-1 i-2 i-3 i-4 i-8", checked=True, abnormal="i-8")
    play = Play(looked, request("i-1 i-2", "i-8", "i-1>i-8"), policy(health_timeout_s=2))
    assert "raised not_healthy" == play.to_end()[-1]
    assert "i-2:after_rollback" == shown_refused(play.decision.refused)
