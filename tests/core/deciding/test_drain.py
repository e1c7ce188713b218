"""Draining: weight 0 for a while, where nobody else drains and it means something."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.steps import Do
from tests.support.builders import Play, event, policy, request, view

HOW = policy(drain_s=30, max_unavailable="100%", min_backends=0)


def test_an_old_one_drains_before_it_is_replaced() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3"), HOW)
    assert ["weigh i-1=0", "wait 30 drain", "modify i-1=0>i-3", "applied"] == play.to_end()


def test_an_old_one_that_nothing_replaces_drains_before_it_is_removed() -> None:
    play = Play(view("i-1 i-2"), request("i-1"), HOW)
    assert ["weigh i-1=0", "wait 30 drain", "remove i-1=0", "applied"] == play.to_end()


def test_under_surge_an_old_one_drains_once_the_new_one_is_in() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1", "i-3", strategy="surge"), HOW)
    assert [
        "add i-3=0", "weigh i-3=100", "weigh i-1=0", "wait 30 drain", "remove i-1=0", "applied",
    ] == play.to_end()  # fmt: skip


def test_one_found_at_weight_0_drains_from_the_first_look_on() -> None:
    play = Play(view("i-1=0 i-2"), request("i-1"), HOW)
    assert ["wait 30 drain", "remove i-1=0", "applied"] == play.to_end()


@pytest.mark.parametrize("also", [{"drains": True}, {"ignores_weight": True}])
def test_we_do_not_drain_where_a_listener_does_or_where_it_is_in_vain(
    also: dict[str, bool],
) -> None:
    play = Play(view("i-1 i-2", **also), request("i-1", "i-3"), HOW)
    assert "modify i-1>i-3" == play.next()


def test_that_draining_was_in_vain_is_said() -> None:
    play = Play(view("i-1 i-2", checked=True, ignores_weight=True), request("i-1", "i-3"), HOW)
    assert ["modify i-1>i-3", "applied drain_ineffective"] == play.to_end()


def test_the_gone_do_not_drain() -> None:
    play = Play(view("i-1 i-2"), request("i-1", gone=True), HOW)
    assert ["remove i-1", "applied"] == play.to_end()


def test_an_abnormal_one_serves_nobody_and_does_not_drain() -> None:
    play = Play(view("i-1 i-2", abnormal="i-1"), request("i-1", "i-3"), HOW)
    assert ["modify i-1>i-3", "applied"] == play.to_end()


def test_an_abnormal_one_that_nothing_replaces_does_not_drain() -> None:
    play = Play(view("i-1 i-2", "i-2", abnormal="i-1"), event(), policy(exclusive=True, drain_s=30))
    assert ["remove i-1", "applied"] == play.to_end()


def test_of_two_ports_the_one_at_weight_0_drains_to_its_end() -> None:
    play = Play(view("i-1:80=0 i-1:81 i-2:80 i-2:81", abnormal="i-1:81"), request("i-1"), HOW)
    # The other is abnormal: it serves nobody, and there is nothing to drain of it.
    assert ["wait 30 drain", "remove i-1:80=0 i-1:81", "applied"] == play.to_end()


def test_one_port_of_a_server_that_goes_on_serving_drains_to_its_end() -> None:
    play = Play(view("i-1:80 i-1:81 i-2:80"), request("i-1:81"), HOW)
    assert ["weigh i-1:81=0", "wait 30 drain", "remove i-1:81=0", "applied"] == play.to_end()


@pytest.mark.parametrize("drain_s", [0.5, 1])
def test_a_second_or_less_is_a_drain_too(drain_s: float) -> None:
    how = policy(drain_s=drain_s, max_unavailable="100%", min_backends=0)
    play = Play(view("i-1=1 i-2"), request("i-1"), how)
    assert ["weigh i-1=0", f"wait {drain_s:g} drain", "remove i-1=0", "applied"] == play.to_end()


def test_a_drain_counts_from_when_it_began() -> None:
    play = Play(view("i-1 i-2"), request("i-1"), HOW)
    play.view = replace(play.view, now=play.view.now + 20)
    assert ["weigh i-1=0", "wait 30 drain"] == [play.next(), play.next()]


def test_it_is_done_for_the_sake_of_the_drain() -> None:
    decision = Play(view("i-1 i-2"), request("i-1"), HOW).decision
    assert isinstance(decision, Do)
    assert "drain" == decision.why


def test_as_many_drain_at_once_as_may_be_spared() -> None:
    how = policy(drain_s=30, max_unavailable="100%", min_backends=1, max_per_call=2)
    play = Play(view("i-1 i-2 i-3 i-4", checked=True), request("i-1 i-2 i-3", "i-7 i-8 i-9"), how)
    assert [
        "weigh i-1=0 i-2=0", "weigh i-3=0", "wait 30 drain", "modify i-1=0>i-7 i-2=0>i-8", "modify i-3=0>i-9",
    ] == play.to_end()[:-1]  # fmt: skip
