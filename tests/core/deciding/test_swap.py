"""Replacing in place: at once what costs nothing, in waves what serves."""

from __future__ import annotations

import pytest

from handler.core.model.answers import Answer, Result
from handler.core.model.steps import Do
from handler.core.model.values import Verdict
from tests.support.builders import Play, policy, request, shown_group, view

TEN = " ".join(f"i-{n}" for n in range(10, 20))
NEW = " ".join(f"i-{n}" for n in range(20, 30))
OVER = Answer(Result.OVER_QUOTA)


@pytest.mark.parametrize(
    ("limit", "waves"),
    [("25%", [2, 2, 2, 2, 2]), (3, [3, 3, 3, 1]), ("100%", [9, 1])],
)
def test_serving_ones_are_replaced_in_waves_that_may_be_spared(limit: int | str, waves: list[int]) -> None:
    play = Play(view(TEN, checked=True), request(TEN, NEW), policy(max_unavailable=limit))
    assert waves == [said.count(">") for said in play.to_end()[:-1]]
    assert NEW == shown_group(play.view.group)


def test_the_next_wave_waits_until_the_last_is_normal() -> None:
    play = Play(view("i-1 i-2 i-3", checked=True), request("i-1 i-2", "i-8 i-9"), policy(max_unavailable=1))
    assert ["modify i-1>i-8", "wait 2 health"] == [play.next(Verdict.PENDING) for _ in range(2)]
    play.health(Verdict.NORMAL, "i-8")
    assert "modify i-2>i-9" == play.next()


def test_the_gone_the_abnormal_and_the_drained_are_replaced_at_once() -> None:
    looked = view("i-1 i-2=0 i-3 i-4 i-5", abnormal="i-1")
    play = Play(looked, request("i-1 i-2", "i-8 i-9"), policy(max_unavailable=0))
    assert "modify i-1>i-8 i-2=0>i-9" == play.next()
    play = Play(view("i-1 i-2 i-3"), request("i-1 i-2 i-3", "i-7 i-8 i-9", gone=True))
    assert "modify i-1>i-7 i-2>i-8 i-3>i-9" == play.next()


def test_no_step_carries_more_than_one_call_may() -> None:
    how = policy(max_per_call=3)
    play = Play(view(TEN, checked=True), request(TEN, NEW, gone=True), how)
    assert [3, 3, 3, 1] == [said.count(">") for said in play.to_end()[:-1]]


@pytest.mark.parametrize(("most", "first"), [(4, 4), (3, 2), (1, 1)])
def test_the_ports_of_a_server_stay_together_where_they_can(most: int, first: int) -> None:
    how = policy(max_per_call=most, max_unavailable="100%", min_backends=0)
    ports = "i-1:80 i-1:81 i-2:80 i-2:81 i-3:80 i-3:81"
    assert first == Play(view(ports), request("i-1 i-2", "i-8 i-9"), how).next().count(">")


def test_a_wave_is_no_more_servers_than_one_call_carries() -> None:
    how = policy(max_per_call=3, max_unavailable="100%", min_backends=0, drain_s=5)
    ports = "i-1:80 i-1:81 i-2:80 i-2:81 i-3:80 i-3:81"
    assert "weigh i-1:80=0 i-1:81=0" == Play(view(ports), request("i-1 i-2", "i-8 i-9"), how).next()


def test_without_the_quota_to_modify_the_old_ones_go_first() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-9"))
    play.next(answer=OVER)
    assert isinstance(play.decision, Do)
    assert "replace" == play.decision.why
    assert ["remove i-1", "add i-9", "applied"] == play.to_end()


def test_with_none_to_spare_and_no_quota_to_modify_nothing_is_taken_out() -> None:
    play = Play(view("i-1", checked=True), request("i-1", "i-9"), policy(min_backends=1))
    play.next(answer=OVER)
    assert "refused over_quota" == play.end


def test_while_a_bad_one_is_looked_for_a_wave_is_of_the_suspects() -> None:
    how = policy(max_unavailable=4)
    play = Play(view(TEN, checked=True), request(TEN, NEW), how)
    bad = Answer(Result.BAD_BACKEND, "ObtainIpFail")
    assert 4 == play.next(answer=bad).count(">")
    play.view = view(TEN, checked=True, now=1100.0)
    assert "modify i-10>i-20 i-11>i-21" == play.next(answer=bad)
    play.view = view(TEN, checked=True, now=1200.0)
    assert "modify i-10>i-20" == play.next()


def test_what_serves_nobody_is_not_replaced_either_without_time_to_judge_the_new_one() -> None:
    play = Play(view("i-1=0 i-2", checked=True, left=5), request("i-1", "i-9"))
    assert "raised deadline" == play.end
