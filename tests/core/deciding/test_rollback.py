"""A wave that is not normal in time is taken back, where the old ones can still serve."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.answers import Answer, Result
from handler.core.model.values import Verdict
from tests.support.builders import (
    Play,
    backend,
    event,
    group,
    policy,
    request,
    shown_group,
    shown_refused,
    view,
)

FEW = policy(health_timeout_s=2, max_unavailable="100%", min_backends=0)


def test_old_ones_that_are_listed_in_service_change_places_with_the_new_ones() -> None:
    play = Play(
        view("i-1 i-2", "i-1 i-2", checked=True), request("i-1", "i-3", force="still_in_service"), FEW
    )
    assert [
        "modify i-1>i-3", "wait 2 health", "modify i-3>i-1", "rolled_back not_healthy",
    ] == play.to_end(Verdict.PENDING)  # fmt: skip
    assert "i-1 i-2" == shown_group(play.view.group)


def test_others_are_put_back_first_and_seen_before_the_new_ones_are_taken_out() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), FEW)
    assert [
        "modify i-1>i-3", "wait 2 health", "add i-1", "remove i-3", "rolled_back not_healthy",
    ] == play.to_end(Verdict.PENDING)  # fmt: skip


def test_nothing_is_taken_out_before_a_look_shows_the_old_ones_back() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), FEW)
    for _ in range(3):
        play.next(Verdict.PENDING)
    play.view = replace(play.view, fresh=False)
    assert ["wait 0 look", "remove i-3"] == [play.next(), play.next()]


def test_the_reason_names_the_new_one_and_how_long_it_was_waited_for() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), FEW)
    play.to_end(Verdict.PENDING)
    assert "i-3:not_healthy" == shown_refused(play.decision.refused)
    assert {"waited_s": 2, "gates": 1, "abnormal_gates": 0} == play.decision.refused[0].numbers


def test_no_further_wave_is_tried() -> None:
    how = policy(health_timeout_s=2, max_unavailable=1)
    play = Play(view("i-1 i-2 i-3", checked=True), request("i-1 i-2", "i-4 i-5"), how)
    play.to_end(Verdict.PENDING)
    assert "i-5:after_rollback i-4:not_healthy" == " ".join(
        sorted(shown_refused(play.decision.refused).split(), reverse=True)
    )
    assert "i-1 i-2 i-3" == shown_group(play.view.group)


def test_what_replaces_the_gone_stays_and_the_run_is_raised() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3", gone=True), FEW)
    assert ["modify i-1>i-3", "wait 2 health", "raised not_healthy"] == play.to_end(Verdict.PENDING)


def test_what_replaces_nothing_stays_and_the_run_is_raised() -> None:
    play = Play(view("i-1", checked=True), request("", "i-3"), FEW)
    assert ["add i-3", "wait 2 health", "raised not_healthy"] == play.to_end(Verdict.PENDING)


def test_what_was_in_before_the_run_stays() -> None:
    play = Play(view("i-1 i-2 i-3", pending="i-3"), request("i-1", "i-3"), FEW)
    assert ["wait 2 health", "raised not_healthy"] == play.to_end()


def test_where_the_load_balancer_has_no_room_for_the_old_one_the_new_one_goes_first() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), FEW)
    play.next(Verdict.PENDING)
    play.next()
    assert "add i-1" == play.next(answer=Answer(Result.OVER_QUOTA))
    assert ["remove i-3", "add i-1", "rolled_back not_healthy"] == play.to_end()
    assert "i-1 i-2" == shown_group(play.view.group)


def test_an_old_one_that_the_api_will_not_take_back_leaves_the_new_one_in() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), FEW)
    play.next(Verdict.PENDING)
    play.next()
    bad = Answer(Result.BAD_BACKEND, "ObtainIpFail")
    assert "add i-1" == play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)
    assert ("add i-1", "raised not_healthy") == (play.next(answer=bad), play.to_end()[-1])
    assert "i-2 i-3" == shown_group(play.view.group)


def test_a_drained_old_one_gets_its_weight_again() -> None:
    how = policy(health_timeout_s=2, drain_s=30, strategy="surge")
    play = Play(view("i-1=50 i-2", checked=True), request("i-1", "i-3"), how)
    assert ["add i-3=0", "weigh i-3=50", "weigh i-1=0"] == [play.next(), play.next(), play.next()]
    play.health(Verdict.PENDING, "i-3")
    assert ["wait 2 health", "weigh i-1=50", "remove i-3=50", "rolled_back not_healthy"] == play.to_end()


def test_a_surge_that_fails_never_touched_the_old_ones() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3", strategy="surge"), FEW)
    assert "add i-3=0" == play.next(Verdict.ABNORMAL)
    assert ["wait 2 health", "remove i-3=0", "rolled_back not_healthy"] == play.to_end()


@pytest.mark.parametrize("leaving", ["i-1=leaving", "i-1=standby"])
def test_one_that_is_leaving_is_put_back_beside(leaving: str) -> None:
    play = Play(view("i-1 i-2", f"{leaving} i-2 i-3", checked=True), event("i-1", "i-3"), FEW)
    said = play.to_end(Verdict.PENDING)
    assert said[-2:] in (["remove i-3", "rolled_back not_healthy"], ["wait 2 health", "raised not_healthy"])


@pytest.mark.parametrize(
    ("gone", "ending"),
    [(True, "raised not_healthy"), (False, "rolled_back not_healthy")],
)
def test_one_that_leaves_by_itself_is_still_taken_out(gone: bool, ending: str) -> None:
    """i-1 is replaced by i-9, which fails; i-2 is on its way out whatever becomes of i-9."""
    listed = "i-2=leaving i-3 i-4 i-9" if gone else "i-1=leaving i-2=leaving i-3 i-4 i-9"
    released = frozenset({"i-1"} if gone else ())
    play = Play(view("i-1 i-2 i-3 i-4", listed, checked=True, asked=released), event("i-1 i-2", "i-9"), FEW)
    said = play.to_end(Verdict.PENDING)
    assert ["remove i-2", ending] == said[-2:]
    assert ("i-9" in shown_group(play.view.group)) == gone


def test_what_only_we_would_remove_stays_once_new_ones_have_failed() -> None:
    how = policy(health_timeout_s=2, max_unavailable="100%", min_backends=0, exclusive=True)
    seen = view("i-1 i-2 i-3 i-4", "i-3 i-4 i-9", checked=True, asked=frozenset({"i-1"}))
    play = Play(seen, event("i-1", "i-9"), how)
    assert "raised not_healthy" == play.to_end(Verdict.PENDING)[-1]
    assert "i-2 i-3 i-4 i-9" == shown_group(play.view.group)


def test_one_that_leaves_by_itself_is_not_taken_from_service_before_its_own_replacement_passed() -> None:
    how = policy(health_timeout_s=2)
    held = Play(view("i-1 i-2 i-9", "i-1=leaving i-2 i-9", abnormal="i-9"), event("i-1", "i-9"), how)
    assert ["wait 2 health", "raised not_healthy"] == held.to_end()
    idle = Play(view("i-1=0 i-2 i-9", "i-1=leaving i-2 i-9", abnormal="i-9"), event("i-1", "i-9"), how)
    assert ["wait 2 health", "remove i-1=0", "raised not_healthy"] == idle.to_end()


def test_of_a_server_that_was_replaced_on_one_port_that_port_is_taken_back() -> None:
    how = policy(health_timeout_s=2, max_unavailable="100%", min_backends=0, max_per_call=1)
    wish = request("i-1", "i-3", force="still_in_service")
    play = Play(view("i-1:80 i-1:81 i-2:80", "i-1 i-2", checked=True), wish, how)
    bad = Answer(Result.BAD_BACKEND, "ObtainIpFail")
    assert "modify i-1:80>i-3:80" == play.next(Verdict.PENDING)
    assert "modify i-1:81>i-3:81" == play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)  # the bad one is looked for by now
    assert "modify i-3:80>i-1:80" == play.next()
    play.to_end(Verdict.PENDING)
    assert "i-1:80 i-1:81 i-2:80" == shown_group(play.view.group)


def test_a_wave_of_several_calls_is_taken_back_in_as_many() -> None:
    how = policy(health_timeout_s=2, max_unavailable="100%", min_backends=0, max_per_call=1)
    wish = request("i-1", "i-3", force="still_in_service")
    play = Play(view("i-1:80 i-1:81 i-2:80", "i-1 i-2", checked=True), wish, how)
    assert [
        "modify i-1:80>i-3:80", "modify i-1:81>i-3:81", "wait 2 health",
        "modify i-3:80>i-1:80", "modify i-3:81>i-1:81", "rolled_back not_healthy",
    ] == play.to_end(Verdict.PENDING)  # fmt: skip


@pytest.mark.parametrize(("weight", "put_back"), [(0, []), (1, ["weigh i-1=1"])])
def test_a_weight_is_put_back_where_there_was_one(weight: int, put_back: list[str]) -> None:
    how = policy(health_timeout_s=2, drain_s=30, strategy="surge")
    play = Play(view(f"i-1={weight} i-2", checked=True), request("i-1", "i-3"), how)
    assert ["add i-3=0", f"weigh i-3={weight or 100}"] == [play.next(), play.next()]
    if weight:
        play.next()
    play.health(Verdict.PENDING, "i-3")
    said = play.to_end()
    assert put_back == [one for one in said if one.startswith("weigh i-1")]
    assert "rolled_back not_healthy" == said[-1]


def test_one_whose_replacement_never_came_is_put_back_by_itself() -> None:
    play = Play(
        view("i-1 i-2", "i-1 i-2", checked=True), request("i-1", "i-9", force="still_in_service"), FEW
    )
    full, bad = Answer(Result.OVER_QUOTA), Answer(Result.BAD_BACKEND, "ObtainIpFail")
    assert ["modify i-1>i-9", "remove i-1"] == [play.next(answer=full), play.next()]
    play.next(answer=bad)
    play.view = replace(play.view, now=play.view.now + 60)
    assert "add i-9" == play.next(answer=bad)
    assert ["add i-1", "partial bad_backend"] == play.to_end()[-2:]


def test_a_new_one_that_is_normal_after_all_stays_where_nothing_else_serves() -> None:
    play = Play(view("i-1=0", checked=True), request("i-1", "i-3"), policy(health_timeout_s=2))
    said = [play.next(Verdict.PENDING) for _ in range(3)]
    assert ["modify i-1=0>i-3", "wait 2 health", "add i-1=0"] == said
    play.health(Verdict.NORMAL, "i-3")
    assert "raised not_healthy" == play.to_end()[-1]
    assert "i-1=0 i-3" == shown_group(play.view.group)


@pytest.mark.parametrize(
    ("of", "ending"),
    [
        ("i-1=0", "raised not_healthy"),  # nothing else serves
        ("i-1", "rolled_back not_healthy"),  # the old one serves again
        ("i-1=0 i-2", "rolled_back not_healthy"),  # another does
    ],
)
def test_a_new_one_that_one_check_finds_normal_stays_only_where_nothing_else_serves(
    of: str, ending: str
) -> None:
    play = Play(view(of, checked=True), request("i-1", "i-3"), policy(health_timeout_s=2))
    assert ending == play.to_end(Verdict.MIXED)[-1]


def test_it_goes_where_there_is_no_room_for_an_old_one_that_served() -> None:
    how = policy(health_timeout_s=2, max_unavailable="100%", min_backends=0)
    play = Play(view("i-1", checked=True), request("i-1", "i-3"), how)
    play.next(Verdict.MIXED)
    play.next()
    play.view = replace(play.view, now=play.view.now + 1)
    assert "add i-1" == play.next(answer=Answer(Result.OVER_QUOTA))
    assert ["remove i-3", "add i-1", "rolled_back not_healthy"] == play.to_end()


def test_under_the_floor_it_still_goes_for_an_old_one_that_comes_back() -> None:
    how = policy(health_timeout_s=2, max_unavailable="100%", min_backends=1)
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), how)
    play.next(Verdict.MIXED)
    play.health(Verdict.ABNORMAL, "i-2")
    play.next()
    assert "add i-1" == play.next(answer=Answer(Result.OVER_QUOTA))
    assert ["remove i-3", "add i-1", "rolled_back not_healthy"] == play.to_end()


def test_under_the_floor_it_still_goes_beside_an_old_one_that_serves() -> None:
    how = policy(health_timeout_s=2, min_backends=2)
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3", strategy="surge"), how)
    said = [play.next(Verdict.MIXED) for _ in range(3)]
    play.health(Verdict.ABNORMAL, "i-2")
    assert ["remove i-3", "rolled_back not_healthy"] == play.to_end(Verdict.MIXED)[-2:], said


def meddled(play: Play, said: str) -> None:
    """Let others make the group so; their servers have no verdict yet."""
    now = group(said)
    play.state, _ = play.state.after_read(now, play.view.now, 0.5)
    play.view = replace(view(now, checked=True, pending="i-9"), now=play.view.now)


@pytest.mark.parametrize("said", ["i-9#by-hand i-2", "i-1 i-9#by-hand i-2"])
def test_what_others_put_in_instead_is_not_taken_out(said: str) -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"), FEW)
    assert "modify i-1>i-9" == play.next(Verdict.PENDING)
    meddled(play, said)
    assert "raised not_healthy" == play.to_end()[-1]
    assert "by-hand" == play.view.group.backends[backend("i-9").key].description


def test_what_a_write_of_unknown_result_put_in_is_taken_back() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"), FEW)
    assert "modify i-1>i-9" == play.next(answer=Answer(Result.UNKNOWN))
    meddled(play, "i-9#slb-swap/web i-2")
    assert ["add i-1", "remove i-9", "rolled_back not_healthy"] == play.to_end()[-3:]


def test_what_got_its_weight_from_this_run_is_still_its_own() -> None:
    how = policy(health_timeout_s=4, strategy="surge")
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"), how)
    assert ["add i-9=0", "weigh i-9=100"] == [play.next(), play.next(Verdict.PENDING)]
    assert ["remove i-9", "rolled_back not_healthy"] == play.to_end()[-2:]
