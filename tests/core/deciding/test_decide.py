"""What to do next, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from handler.core.deciding.decide import cut_short, decide
from handler.core.deciding.run_state import RunState, begin
from handler.core.deciding.writes import Isolation
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.steps import Do, Finish, Remove, SetWeight
from handler.core.model.values import Intent, Verdict
from tests.support.builders import (
    APPLIED,
    Play,
    backends,
    event,
    hook,
    listeners,
    policy,
    request,
    shown,
    shown_refused,
    view,
)

BUSY, FORBIDDEN = Answer(Result.BUSY, "OperationBusy"), Answer(Result.PERMANENT, "Forbidden.RAM")
UNKNOWN = Answer(Result.UNKNOWN, "SDK.HttpError")


def decided(
    looked: Observed, intent: Intent, how: Policy | None = None, progress: RunState | None = None
) -> Any:
    return decide(looked, intent, how or policy(), progress or begin(looked))


@pytest.mark.parametrize(
    ("looked", "intent", "how", "expected"),
    [
        (view("i-1", "i-1", attached=True), event(), {}, "refused attached_natively"),
        (view("i-1", "i-1"), event("i-1"), {}, "wait 2 listing_lags"),
        (view("i-1", "", source=Source.SHORT), event(), {}, "wait 2 listing_lags"),
        (view("i-1 i-2"), request("i-1", "i-9", gone=True), {}, "modify i-1>i-9"),
        (view("i-1 i-2"), request("", "i-9"), {}, "add i-9"),
        (view("i-1 i-2=0"), request("", "i-2"), {}, "weigh i-2=100"),
        (view("i-1 i-2=0", pending="i-2"), request("", "i-2"), {}, "weigh i-2=100"),
        (view("i-1 i-9"), request("i-1", "i-9"), {}, "remove i-1"),
        (view("i-1 i-2 i-9", pending="i-9"), request("i-1", "i-9"), {}, "wait 2 health"),
        (view("i-1 i-2"), request("i-1", "i-9"), {}, "modify i-1>i-9"),
        (view("i-1"), request("i-1", "i-9"), {}, "add i-9=0"),
        (view("i-1 i-2"), request("i-1", "i-9"), {"strategy": "surge"}, "add i-9=0"),
        (view("i-1 i-2"), request("i-1"), {}, "remove i-1"),
        (view("i-1 i-2"), request("i-1"), {"drain_s": 9}, "weigh i-1=0"),
        (view("i-1=0 i-2"), request("i-1"), {"drain_s": 9}, "wait 9 drain"),
        (view("i-1"), request("i-9"), {}, "unchanged not_in_group: i-9"),
        (view("i-1"), request("i-1"), {}, "refused min_backends"),
        (view("i-1", ""), event(), {}, "unchanged"),
    ],
)
def test_what_a_first_look_leads_to(
    looked: Observed, intent: Intent, how: dict[str, Any], expected: str
) -> None:
    assert expected == shown(decided(looked, intent, policy(**how)))


def test_two_controllers_would_fight_so_it_says_how_to_be_one() -> None:
    finish = decided(view("i-1", "i-1", attached=True), event())
    assert "rsp-web:attached_natively" == shown_refused(finish.refused)
    assert {"detach_with": "DetachVServerGroups"} == finish.refused[0].numbers


def test_a_look_that_failed_is_waited_for() -> None:
    looked = view("i-1", problem=BUSY)
    progress = begin(looked).failed(Result.BUSY, looked.now, 1.0)
    assert "wait 0.5 busy" == shown(decided(looked, request("i-1"), progress=progress))
    later = replace(looked, now=looked.now + 9)
    assert "wait 0 busy" == shown(decided(later, request("i-1"), progress=progress))


@pytest.mark.parametrize(
    ("problem", "expected"), [(FORBIDDEN, "Forbidden.RAM"), (Answer(Result.GONE), "gone")]
)
def test_a_look_that_will_not_succeed_ends_a_run_that_has_done_nothing(
    problem: Answer, expected: str
) -> None:
    looked = view("i-1", problem=problem)
    finish = decided(looked, request("i-1"))
    assert (f"refused {expected}", f"rsp-web:{expected}") == (shown(finish), shown_refused(finish.refused))


def test_a_group_that_is_gone_ends_any_run() -> None:
    looked = view("i-1", problem=Answer(Result.GONE))
    done = replace(begin(looked), done=(Remove(backends("i-2")),), writes=1)
    assert "partial gone" == shown(decided(looked, request("i-1"), progress=done))


@pytest.mark.parametrize("answer", [APPLIED, UNKNOWN])
def test_once_a_write_was_sent_a_look_that_is_refused_is_tried_again(answer: Answer) -> None:
    looked = view("i-1 i-2")
    step = Do(Remove(backends("i-2")), "retire")
    sent = begin(looked).after_write(step, answer, looked.now, 1.0)
    again = sent.after_failed_look(FORBIDDEN, looked.now + 1, 1.0)
    failed = replace(looked, problem=FORBIDDEN, now=looked.now + 1)
    assert f"wait {0.5 if answer is APPLIED else 1} Forbidden.RAM" == shown(
        decided(failed, request("i-1"), progress=again)
    )
    assert 0 == begin(looked).after_failed_look(FORBIDDEN, looked.now, 1.0).retry.attempts


UNREAD = Answer(Result.THROTTLED, "Throttling.User")


def unread(play: Play, answer: Answer = UNREAD) -> Play:
    """Let Auto Scaling or ECS not answer from now on."""
    play.view = replace(play.view, others_unread=answer)
    play.state = play.state.after_others(answer, play.view.now, 1.0)
    return play


@pytest.mark.parametrize(
    ("looked", "intent", "how"),
    [
        (view("i-1 i-2"), request("i-1", "i-9"), {}),
        (view("i-1 i-2"), request("i-1", "i-9", gone=True), {}),
        (view("i-1 i-2"), request("", "i-9"), {}),
        (view("i-1 i-2"), request("i-1", "i-9"), {"strategy": "surge"}),
        (view("i-1 i-9"), request("i-1", "i-9"), {}),
        (view("i-1 i-2"), request("i-1"), {}),
        (view("i-1 i-2"), request("i-1"), {"drain_s": 9}),
        (view("i-1 i-2"), request("", "i-1=0"), {}),
        (view("i-1 i-2"), request("i-7"), {}),
    ],
)
def test_nobody_comes_or_goes_and_nothing_ends_while_auto_scaling_or_ecs_do_not_answer(
    looked: Observed, intent: Intent, how: dict[str, Any]
) -> None:
    play = unread(Play(looked, intent, policy(**how)))
    assert "wait 0.5 throttled" == shown(play.decision)
    refused = unread(Play(looked, intent, policy(**how)), FORBIDDEN)
    assert "wait 0.5 Forbidden.RAM" == shown(refused.decision)


def test_a_failed_server_is_taken_back_while_ecs_does_not_answer() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"), policy(health_timeout_s=9))
    assert "modify i-1>i-9" == play.next(Verdict.ABNORMAL)
    unread(play)
    said = [play.next() for _ in range(9)]
    assert ["add i-1", "remove i-9"] == [one for one in said if not one.startswith("wait")]
    assert "wait 0.01 throttled" == play.next()
    play.view = replace(play.view, others_unread=None)
    play.next()
    assert "rolled_back not_healthy" == play.end


def test_a_new_server_that_is_normal_gets_its_weight_while_ecs_does_not_answer() -> None:
    play = Play(view("i-1", checked=True), request("i-1", "i-9"))
    assert "add i-9=0" == play.next()
    unread(play)
    said = [play.next() for _ in range(4)]
    assert ["weigh i-9=100"] == [one for one in said if not one.startswith("wait")]


def test_a_drain_goes_on_while_ecs_does_not_answer_and_is_given_back_at_the_end() -> None:
    play = Play(view("i-1 i-2", left=40), request("i-1"), policy(drain_s=9))
    assert "weigh i-1=0" == play.next()
    unread(play)
    said = [play.next() for _ in range(3)]
    assert ["wait 9 drain", "wait 0.01 throttled"] == [one for one in said if not one.endswith("look")][:2]
    play.view = replace(play.view, now=play.view.deadline - 10)
    assert "weigh i-1=100" == play.next()
    play.next()
    assert "wait 0.01 throttled" == play.next()


def test_a_write_refused_for_good_ends_nothing_by_an_old_answer() -> None:
    play = Play(view("i-9"), request("i-1", "i-9"))
    play.state = replace(play.state, fatal=FORBIDDEN)
    unread(play)
    assert "wait 0.5 throttled" == shown(play.decision)


def test_a_listing_that_goes_on_contradicting_is_believed() -> None:
    looked = view("i-1 i-2", "i-1 i-2")
    progress = begin(looked)
    later = replace(looked, now=looked.now + 10)
    assert "refused still_in_service" == shown(decided(later, event("i-1"), progress=progress))


def test_a_listing_that_stays_short_is_raised() -> None:
    looked = view("i-1", "i-1", source=Source.SHORT)
    later = replace(looked, now=looked.now + 10)
    assert "raised source_incomplete" == shown(decided(later, event(), progress=begin(looked)))


@pytest.mark.parametrize(
    ("listed", "source", "expected"),
    [
        ("", Source.EMPTY, "raised source_incomplete"),
        ("i-1 i-9=pending", Source.COMPLETE, "raised not_in_service_yet"),
        ("i-1", Source.COMPLETE, "unchanged"),
    ],
)
def test_an_event_that_stays_early_is_raised_and_a_late_one_is_not(
    listed: str, source: Source, expected: str
) -> None:
    looked = view("i-1", listed, source=source)
    later = replace(looked, now=looked.now + 10)
    assert expected == shown(decided(later, event("", "i-9"), progress=begin(looked)))


def test_after_a_failure_that_may_pass_it_waits() -> None:
    play = Play(view("i-1 i-2"), request("i-1", "i-9", gone=True))
    play.next(answer=BUSY)
    assert ["wait 0.275 busy", "modify i-1>i-9"] == [play.next(), play.next()]


def test_a_write_of_unknown_result_is_looked_at_before_anything_is_sent() -> None:
    play = Play(view("i-1 i-2"), request("i-1", "i-9", gone=True))
    play.next(answer=UNKNOWN)
    assert ["wait 0.275 unknown", "wait 1 unknown_result"] == [play.next(), play.next()]


@pytest.mark.parametrize(("lag", "expected"), [(5, "wait 0 look"), (4, "wait 1 look")])
def test_capacity_is_never_taken_away_on_our_model_alone(lag: int, expected: str) -> None:
    looked = view("i-1 i-2", fresh=False)
    state = begin(looked)
    progress = replace(state, written=replace(state.written, lag=lag))
    assert expected == shown(decided(looked, request("i-1"), progress=progress))


def test_what_adds_capacity_needs_no_look() -> None:
    assert "add i-9" == shown(decided(view("i-1", fresh=False), request("", "i-9")))


def test_what_will_not_pass_ends_the_run_after_a_look() -> None:
    play = Play(view("i-1 i-2"), request("i-1", "i-9", gone=True))
    play.next(answer=Answer(Result.GONE, "InvalidLoadBalancerId.NotFound"))
    play.view = replace(play.view, fresh=False)
    assert "wait 1 look" == play.next()
    assert "refused InvalidLoadBalancerId.NotFound" == play.end
    assert "rsp-web:InvalidLoadBalancerId.NotFound" == shown_refused(play.decision.refused)


def test_a_unit_refused_for_good_is_told_and_left_as_it_is_and_the_rest_goes_on() -> None:
    play = Play(view("i-1 i-2 i-3 i-4"), request("i-1 i-2 i-3 i-4", "i-6 i-7 i-8 i-9", gone=True))
    assert "modify i-1>i-6 i-2>i-7 i-3>i-8 i-4>i-9" == play.next(answer=FORBIDDEN)
    assert "modify i-1>i-6 i-2>i-7" == play.next(answer=FORBIDDEN)
    assert "modify i-1>i-6" == play.next(answer=FORBIDDEN)
    assert "modify i-4>i-9" == play.next()
    assert "modify i-2>i-7 i-3>i-8" == play.next()
    assert "partial Forbidden.RAM" == play.end
    assert "i-6:Forbidden.RAM" == shown_refused(play.decision.refused)


def test_an_old_server_that_is_refused_keeps_no_other_from_coming_back() -> None:
    play = Play(
        view("i-1 i-2 i-3", checked=True),
        request("i-1 i-2 i-3", "i-7 i-8 i-9"),
        policy(max_unavailable=3, min_backends=0),
    )
    made = []
    while not isinstance(play.decision, Finish):
        step = shown(play.decision)
        is_refused = step.startswith("add") and "i-1" in step
        made.append(play.next(Verdict.ABNORMAL, FORBIDDEN if is_refused else APPLIED))
    assert ["i-1 i-2 i-3", "i-1", "i-3", "i-2"] == [one[4:] for one in made if one.startswith("add")]
    assert {"i-2", "i-3"} <= {key.server_id for key in play.view.group.backends}


def test_a_drained_server_that_is_refused_its_weight_keeps_nothing_else_from_its_turn() -> None:
    of = "i-0=0#swap-30/web i-1=0#swap-30/web i-2#slb-swap/web"
    play = Play(view(of, "i-0 i-1 i-2 i-9"), event(), policy())
    made = []
    while not isinstance(play.decision, Finish):
        step = getattr(play.decision, "step", None)
        is_refused = isinstance(step, SetWeight) and "i-0" in {b.key.server_id for b in step.after}
        made.append(play.next(answer=FORBIDDEN if is_refused else APPLIED))
    assert "partial Forbidden.RAM" == play.end
    here = play.view.group.backends
    assert {key.server_id: b.weight for key, b in here.items()} == {
        "i-0": 0,
        "i-1": 30,
        "i-2": 100,
        "i-9": 30,
    }


def test_an_action_that_is_refused_for_good_is_found_out_in_few_writes() -> None:
    old, new = ([f"i-{kind}{n}" for n in range(20)] for kind in ("o", "n"))
    play = Play(view(" ".join(old)), request(" ".join(old), " ".join(new), gone=True))
    sizes = []
    for _ in range(6):
        sizes.append(play.next(answer=FORBIDDEN).count(">"))
    assert [20, 10, 5, 2, 1, 1] == sizes
    assert "refused Forbidden.RAM" == play.end
    assert "i-n0:Forbidden.RAM rsp-web:Forbidden.RAM" == shown_refused(play.decision.refused)


@pytest.mark.parametrize("force", ["", "min_backends max_unavailable"])
def test_what_was_drained_for_writes_that_are_refused_for_good_is_not_said_to_be_held_by_the_floor(
    force: str,
) -> None:
    wish = request("i-1 i-2 i-3", force=force)
    play = Play(view("i-1 i-2 i-3 i-4 i-5 i-6"), wish, policy(drain_s=5, max_unavailable=3))
    made = []
    while not isinstance(play.decision, Finish):
        is_removal = shown(play.decision).startswith("remove")
        made.append(play.next(answer=FORBIDDEN if is_removal else APPLIED))
    removals = [one for one in made if "remove" in one]
    assert ["remove i-1=0 i-2=0 i-3=0", "remove i-1=0", "remove i-3=0"] == removals
    assert "partial Forbidden.RAM" == play.end
    assert "i-1:Forbidden.RAM rsp-web:Forbidden.RAM" == shown_refused(play.decision.refused)
    assert {100} == {one.weight for one in play.view.group.backends.values()}


def test_what_will_not_pass_leaves_what_was_done_and_the_unmanaged_said() -> None:
    play = Play(view("i-1 i-2 i-3", "i-2 i-9"), event("i-1"), policy())
    play.state = replace(play.state, fatal=FORBIDDEN)
    assert ("refused Forbidden.RAM", ("i-3",)) == (play.end, play.decision.unmanaged)
    play.state = replace(play.state, done=(Remove(backends("i-7")),))
    assert "partial Forbidden.RAM" == play.end


def test_what_will_not_pass_does_not_matter_if_all_is_done() -> None:
    play = Play(view("i-1 i-2"), request("i-1", gone=True))
    play.next(answer=Answer(Result.GONE))
    play.view = replace(play.view, group=view("i-2").group)
    assert "unchanged" == play.end


def test_new_ones_that_are_not_normal_in_time_and_cannot_be_taken_back_are_raised() -> None:
    play = Play(view("i-1", checked=True), request("", "i-9"), policy(health_timeout_s=2))
    assert ["add i-9", "wait 2 health", "raised not_healthy"] == play.to_end(Verdict.PENDING)


def test_no_wave_is_begun_without_the_time_to_see_it_through() -> None:
    """Neither the first nor another: there has to be time for health, the drain and the way back."""
    how = policy(max_unavailable=1, health_timeout_s=120, drain_s=30)
    looked = view("i-1 i-2 i-3", checked=True, left=159)
    wish = request("i-1 i-2", "i-8 i-9")
    progress = replace(begin(looked), done=(Remove(backends("i-7")),))
    for state in (begin(looked), progress):
        assert "raised deadline" == shown(decided(looked, wish, how, state))
        by_listener = replace(looked, listeners=listeners(checked=True, drains=True))
        assert isinstance(decided(by_listener, wish, how, state), Do)  # it takes no time of ours
        later = replace(looked, deadline=looked.now + 160)
        assert isinstance(decided(later, wish, how, state), Do)
        without = replace(looked, deadline=looked.now + 130)
        assert isinstance(decided(without, wish, replace(how, drain_s=0), state), Do)


def test_a_run_without_time_for_another_wave_says_all_that_is_known() -> None:
    looked = view("i-1 i-2 i-3 i-4", "i-1 i-2=leaving i-9", checked=True, left=30)
    progress = replace(begin(replace(looked, now=looked.now - 10)), done=(Remove(backends("i-7")),))
    finish = decided(looked, event("i-1"), policy(), progress)
    assert ("raised deadline", "i-1:still_in_service", ("i-3", "i-4")) == (
        shown(finish),
        shown_refused(finish.refused),
        finish.unmanaged,
    )


def test_what_may_be_unavailable_keeps_a_scale_in_hook_waiting_too() -> None:
    wish = event("i-1 i-2", hooks=(hook("i-2", "scale_in"),))
    play = Play(view("i-1 i-2 i-3", "i-1=leaving i-2=leaving i-3"), wish, policy(max_unavailable=1))
    assert ["remove i-1", "wait 10 floor"] == [play.next(), play.next()]


def test_where_the_floor_forbids_that_a_weight_is_taken_the_new_one_is_named() -> None:
    finish = decided(view("i-1"), request("", "i-1=0"))
    assert ("refused min_backends", "i-1:min_backends") == (shown(finish), shown_refused(finish.refused))


def test_where_one_was_one_too_many_the_others_are_refused_without_a_try() -> None:
    play = Play(view("i-1"), request("", "i-8 i-9"))
    full = Answer(Result.OVER_QUOTA, "over")
    assert ["add i-8 i-9", "add i-8"] == [play.next(answer=full), play.next(answer=full)]
    assert "refused over_quota" == play.end
    assert "i-8:over_quota i-9:over_quota" == shown_refused(play.decision.refused)


def test_where_one_was_bad_the_others_are_tried() -> None:
    play = Play(view("i-1"), request("", "i-8 i-9"))
    bad = Answer(Result.BAD_BACKEND, "ObtainIpFail")
    play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)
    assert "add i-8" == play.next(answer=bad)
    assert ["wait 0.55 bad_backend", "add i-9", "partial bad_backend"] == play.to_end()


def test_the_floor_keeps_a_scale_in_hook_waiting_for_a_replacement() -> None:
    wish = event("i-1", hooks=(hook("i-1", "scale_in"),))
    decision = decided(view("i-1", "i-1=leaving"), wish)
    assert ("wait 10 floor", True) == (shown(decision), decision.open_ended)
    assert "refused min_backends" == shown(decided(view("i-1", "i-1=leaving"), event("i-1")))
    entering = event("i-1", hooks=(hook("i-1", "scale_out"),))
    assert "refused min_backends" == shown(decided(view("i-1", "i-1=leaving"), entering))


def test_a_replacement_that_failed_keeps_a_scale_in_hook_waiting() -> None:
    wish = event("i-1", "i-9", hooks=(hook("i-1", "scale_in"),))
    play = Play(view("i-1 i-2 i-9", "i-1=leaving i-2 i-9", abnormal="i-9"), wish, policy(health_timeout_s=2))
    assert ["wait 2 health", "wait 10 health"] == [play.next(), play.next()]


def test_done_and_refused_together_are_partial() -> None:
    play = Play(view("i-1 i-2 i-3", checked=True), request("i-1", "i-9 eni-9"), policy(ports=(8080,)))
    assert ["modify i-1>i-9", "partial server_ip_missing"] == play.to_end()


def test_unmanaged_are_reported() -> None:
    finish = decided(view("i-1 i-2", "i-1"), event())
    assert ("unchanged", ("i-2",)) == (shown(finish), finish.unmanaged)


def test_what_the_listeners_do_is_said() -> None:
    play = Play(view("i-1 i-2", drains=True), request("i-1", "i-9"), policy(drain_s=9))
    assert ["modify i-1>i-9", "applied health_unchecked, drained_by_listener"] == play.to_end()


def test_of_a_drain_that_is_not_asked_for_or_of_nobody_nothing_is_said() -> None:
    play = Play(view("i-1 i-2", drains=True, checked=True), request("i-1", "i-9"), policy())
    assert "applied" == play.to_end()[-1]
    play = Play(view("i-1", drains=True, checked=True), request("", "i-9"), policy(drain_s=9))
    assert "applied" == play.to_end()[-1]


@pytest.mark.parametrize(
    ("looked", "intent", "how", "expected"),
    [
        (view("i-1 i-2", checked=True), request("i-1", "i-9"), {}, ["replace"]),
        (view("i-1", checked=True), request("", "i-9"), {}, ["add"]),
        (
            view("i-1", checked=True),
            request("i-1", "i-9"),
            {"drain_s": 9},
            ["surge", "weigh", "drain", "retire"],
        ),
        (view("i-1 i-2"), request("i-1"), {}, ["retire"]),
    ],
)
def test_each_step_says_why_it_is_done(
    looked: Observed, intent: Intent, how: dict[str, Any], expected: list[str]
) -> None:
    play = Play(looked, intent, policy(**how))
    assert expected == whys(play)


@pytest.mark.parametrize(
    ("listed", "how", "expected"),
    [
        ("i-1 i-2", {}, ["replace", "take_back"]),
        (None, {}, ["replace", "put_back", "take_back"]),
        (None, {"strategy": "surge", "drain_s": 9}, ["surge", "weigh", "drain", "put_back", "take_back"]),
    ],
)
def test_so_does_each_step_that_takes_back(
    listed: str | None, how: dict[str, Any], expected: list[str]
) -> None:
    wish = request("i-1", "i-9", force="still_in_service")
    play = Play(view("i-1 i-2", listed, checked=True), wish, policy(health_timeout_s=2, **how))
    assert expected == whys(play, sick="i-9")


def whys(play: Play, sick: str = "") -> list[str]:
    """Why each step to the end is done; one that is ``sick`` becomes so once it has its weight."""
    found: list[str] = []
    while not isinstance(play.decision, Finish):
        if isinstance(play.decision, Do):
            found.append(play.decision.why)
        play.next()
        weighed = any(b.weight for k, b in play.view.group.backends.items() if k.server_id == sick)
        if weighed and (play.policy.drain_s == 0 or found[-1] == "drain"):
            play.health(Verdict.PENDING, sick)
    return found


def test_a_removal_that_the_api_refuses_is_not_tried_for_ever() -> None:
    play = Play(view("i-1 i-2"), request("i-1"))
    bad = Answer(Result.BAD_BACKEND, "InvalidServerId.NotExist")
    play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)
    assert ("remove i-1", "refused bad_backend") == (play.next(answer=bad), play.to_end()[-1])


def test_a_pair_that_the_api_refuses_is_not_tried_for_ever() -> None:
    play = Play(view("i-1 i-2"), request("i-1", "i-9", gone=True))
    bad = Answer(Result.BAD_BACKEND, "ObtainIpFail")
    play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)
    assert ("modify i-1>i-9", "refused bad_backend") == (play.next(answer=bad), play.to_end()[-1])


def test_while_a_bad_one_is_looked_for_what_is_left_waits_no_longer_than_it_must() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-8 i-9", gone=True), policy(ports=(8080,)))
    play.state = replace(play.state, isolation=Isolation(("i-gone",), float("-inf")))
    assert ["modify i-1>i-8", "add i-9", "applied"] == play.to_end()


def test_a_run_cut_short_says_all_that_is_known() -> None:
    looked = view("i-1 i-2 i-3", "i-1 i-2=leaving")
    finish = cut_short(looked, event("i-1"), policy(), begin(looked), "busy")
    assert ("raised busy", "i-1:still_in_service", ("i-3",)) == (
        shown(finish),
        shown_refused(finish.refused),
        finish.unmanaged,
    )
    unread = replace(looked, problem=BUSY)
    assert Finish("raised", "busy") == cut_short(unread, event("i-1"), policy(), begin(unread), "busy")


def test_the_same_look_gives_the_same_decision() -> None:
    looked, wish = view("i-1 i-2"), request("i-1", "i-9")
    assert decided(looked, wish) == decided(looked, wish)


def test_a_step_applied_is_remembered() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"))
    play.next(answer=APPLIED)
    assert 1 == len(play.state.done)
