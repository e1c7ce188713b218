"""What every strategy does: adding, weighing, retiring, removing, and giving back what was drained."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.answers import Answer, Result
from handler.core.model.steps import Do
from handler.core.model.values import Verdict
from tests.support.builders import Play, event, group, policy, request, shown_group, view

FULL = Answer(Result.OVER_QUOTA)
DRAINED = "i-1=0#swap-30/web"


def described(play: Play) -> dict[str, str]:
    """The description of each server."""
    return {key.server_id: one.description for key, one in play.view.group.backends.items()}


@pytest.mark.parametrize("intent", [request("", "i-3"), request("i-3", "i-9"), event()])
def test_what_a_run_before_drained_gets_its_weight_back_from_any_delivery(intent: object) -> None:
    play = Play(view(f"{DRAINED} i-2 i-3", checked=True), intent)  # type: ignore[arg-type]
    assert isinstance(play.decision, Do)
    assert ("put_back", "weigh i-1=30") == (play.decision.why, play.next())
    assert "slb-swap/web" == described(play)["i-1"]


def test_what_is_taken_out_now_is_not_given_its_weight_first() -> None:
    play = Play(view(f"{DRAINED} i-2 i-3", checked=True), request("i-1", "i-9"))
    assert ["modify i-1=0>i-9=30", "applied"] == play.to_end()


def test_what_somebody_set_to_weight_0_is_left_so() -> None:
    assert ["unchanged health_unchecked"] == Play(view("i-1=0 i-2"), request("", "i-2")).to_end()


def test_a_drain_of_ours_remembers_the_weight_in_the_description() -> None:
    play = Play(
        view("i-1=30#slb-swap/web i-2=40 i-3#blue i-4"),
        request("i-1 i-2 i-3"),
        policy(drain_s=9, max_unavailable="100%", min_backends=0, max_removed="100%"),
    )
    play.next()
    assert {"i-1": "swap-30/web", "i-2": "swap_40/web", "i-3": "blue", "i-4": ""} == described(play)


def test_what_was_drained_and_is_put_back_keeps_a_word_that_says_nothing() -> None:
    how = policy(drain_s=9, health_timeout_s=2, strategy="surge")
    play = Play(view("i-1=30 i-2", checked=True), request("i-1", "i-9"), how)
    said = [play.next() for _ in range(3)]
    assert "weigh i-1=0" == said[-1]
    play.health(Verdict.PENDING, "i-9")
    assert "rolled_back not_healthy" == play.to_end()[-1]
    assert ({"i-1": "swap_/web", "i-2": ""}, "i-1=30 i-2") == (described(play), shown_group(play.view.group))


def test_several_waves_go_while_others_wait_as_long_as_there_is_room() -> None:
    old, new = " ".join(f"i-{n}" for n in range(10, 20)), " ".join(f"i-{n}" for n in range(20, 30))
    play = Play(view(old, checked=True), request(old, new), policy(max_unavailable=4, max_per_call=2))
    assert [2, 2] == [play.next(Verdict.PENDING).count(">") for _ in range(2)]
    assert "wait 2 health" == play.next()
    play.health(Verdict.NORMAL, "i-20")
    assert "modify i-14>i-24" == play.next(Verdict.PENDING), "the place of the one that passed"
    play.health(Verdict.ABNORMAL, "i-21")
    play.health(Verdict.NORMAL, "i-22 i-23 i-24")
    assert "wait 2 health" == play.next(), "no new wave while one is abnormal"


def test_each_new_one_has_its_own_time() -> None:
    how = policy(max_unavailable=2, health_timeout_s=10, max_per_call=1)
    play = Play(view("i-1 i-2 i-3 i-4", checked=True), request("i-1 i-2 i-3", "i-7 i-8 i-9"), how)
    assert ["modify i-1>i-7", "modify i-2>i-8"] == [play.next(Verdict.PENDING) for _ in range(2)]
    for _ in range(3):
        play.next()
    play.health(Verdict.NORMAL, "i-7")
    assert "modify i-3>i-9" == play.next(Verdict.PENDING)
    play.health(Verdict.NORMAL, "i-8")
    said = [play.next() for _ in range(5)]
    assert ["wait 2 health"] * 5 == said, "i-9 has ten seconds from when it came"


def test_under_surge_a_full_load_balancer_ends_the_wave_and_never_swaps_below_what_was_there() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1 i-2", "i-8 i-9", strategy="surge"))
    assert "add i-8=0 i-9=0" == play.next(answer=FULL)
    assert [
        "add i-8=0",
        "weigh i-8=100",
        "remove i-1",
        "add i-9=0",
        "weigh i-9=100",
        "remove i-2",
        "applied",
    ] == play.to_end()
    assert "i-8 i-9" == shown_group(play.view.group)


def test_what_leaves_is_removed_by_what_the_floor_spares() -> None:
    play = Play(view("i-1 i-2 i-3", "i-1=leaving i-2=leaving i-3"), event(), policy(max_unavailable=1))
    assert ["remove i-1", "partial max_unavailable"] == play.to_end()


def test_what_is_refused_for_want_of_room_is_not_sent_again_without_a_wait() -> None:
    play = Play(view("i-1 i-2", checked=True), request("", "i-8"))
    assert "add i-8" == play.next(answer=FULL)
    assert "partial over_quota" == play.end.replace("refused", "partial")
    play.state = replace(play.state, full_at=None)
    assert play.next().startswith("wait 5 over_quota")


@pytest.mark.parametrize(
    ("there", "asked", "then"),
    [
        ("i-9=30#by-hand", "i-9", "i-9=30"),
        ("i-9=30#by-hand", "i-9=50", "i-9=50"),
        ("i-9=0#by-hand", "i-9", "i-9"),
    ],
)
def test_a_new_server_that_others_put_in_first_stays_as_they_made_it(
    there: str, asked: str, then: str
) -> None:
    play = Play(view("i-1 i-2", checked=True), request("", asked))
    play.state, _ = play.state.after_read(group(f"i-1 i-2 {there}"), play.view.now, 0.5)
    play.view = replace(view(f"i-1 i-2 {there}", checked=True), now=play.view.now)
    play.to_end()
    assert f"i-1 i-2 {then}" == shown_group(play.view.group)
    assert "by-hand" == described(play)["i-9"]


def test_a_server_that_another_run_of_ours_left_waiting_gets_its_weight_and_mark() -> None:
    play = Play(view("i-1 i-2", checked=True), request("", "i-9"))
    there = "i-1 i-2 i-9=0#slb-swap.web"
    play.state, _ = play.state.after_read(group(there), play.view.now, 0.5)
    play.view = replace(view(there, checked=True), now=play.view.now)
    assert "weigh i-9=100" == play.next()
    assert "slb-swap/web" == described(play)["i-9"]
