"""What may not be taken out without a replacement."""

from __future__ import annotations

from typing import Any

import pytest

from handler.core.deciding.decide import decide
from handler.core.deciding.run_state import begin
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.steps import Finish
from handler.core.model.values import Cause, Intent
from tests.support.builders import Play, event, policy, request, shown, shown_group, shown_refused, view

ANY = policy(max_removed="100%")


def first(looked: Observed, intent: Intent, how: Policy) -> Any:
    return decide(looked, intent, how, begin(looked))


def test_below_min_backends_nothing_is_removed() -> None:
    finish = first(view("i-1 i-2"), request("i-1 i-2"), policy(max_removed="100%", max_unavailable="100%"))
    assert "refused min_backends" == shown(finish)
    assert "i-1:min_backends i-2:min_backends" == shown_refused(finish.refused)
    assert ("min_backends", {"in_service": 2, "removed": 2, "floor": 1}) == (
        finish.refused[0].override,
        finish.refused[0].numbers,
    )


def test_below_what_may_be_unavailable_nothing_is_removed() -> None:
    finish = first(view("i-1 i-2 i-3 i-4"), request("i-1 i-2"), policy(max_removed="100%"))
    assert "refused max_unavailable" == shown(finish)
    assert {"in_service": 4, "removed": 2, "floor": 3} == finish.refused[0].numbers


def test_more_than_max_removed_is_not_removed() -> None:
    finish = first(view("i-1 i-2 i-3 i-4"), request("i-1 i-2 i-3"), policy())
    assert "refused max_removed" == shown(finish)
    assert ("max_removed", {"removed": 3, "of": 4, "allowed": 2}) == (
        finish.refused[0].override,
        finish.refused[0].numbers,
    )


@pytest.mark.parametrize(
    ("force", "expected"),
    [
        ("", "refused max_removed"),
        ("max_removed", "refused max_unavailable"),
        ("max_removed max_unavailable", "refused min_backends"),
        ("max_removed max_unavailable min_backends", "remove i-1 i-2 i-3"),
    ],
)
def test_each_guard_has_its_override(force: str, expected: str) -> None:
    intent = request("i-1 i-2 i-3", force=force)
    assert expected == shown(first(view("i-1 i-2 i-3"), intent, policy()))


def test_what_is_gone_is_never_refused() -> None:
    assert "remove i-1 i-2" == shown(first(view("i-1 i-2"), request("i-1 i-2", gone=True), policy()))


def test_what_serves_nobody_costs_nothing() -> None:
    looked = view("i-1 i-2=0 i-3", abnormal="i-3")
    assert "remove i-2=0 i-3" == shown(first(looked, request("i-2 i-3"), ANY))


def test_one_that_goes_on_serving_on_another_port_costs_nothing() -> None:
    assert "remove i-1:80" == shown(first(view("i-1:80 i-1:81"), request("i-1:80"), ANY))


def test_a_request_is_refused_whole_and_the_stale_as_far_as_the_floor_asks() -> None:
    ours = "i-1 i-2 i-3 i-4"
    assert "refused max_unavailable" == shown(first(view(ours), request("i-1 i-2"), ANY))
    play = Play(view(ours, "i-3 i-4"), event(), policy(exclusive=True))
    assert ["remove i-1", "partial max_unavailable"] == play.to_end()
    assert "i-2:max_unavailable" == shown_refused(play.decision.refused)


def test_the_stale_are_capped_by_max_removed_and_the_named_are_not() -> None:
    how = policy(exclusive=True, max_removed="25%", max_unavailable="100%")
    play = Play(view("i-1 i-2 i-3 i-4", "i-1=leaving i-2=leaving i-3=leaving i-4"), event(), how)
    assert ["remove i-1 i-2 i-3", "applied"] == play.to_end()
    assert "refused max_removed" == shown(first(view("i-1 i-2 i-3 i-4", "i-4"), event(), how))


def test_with_a_replacement_nothing_is_capped() -> None:
    play = Play(view("i-1 i-2", checked=True), request("i-1 i-2", "i-8 i-9"), policy(max_removed=0))
    assert "applied" == play.to_end()[-1]


def test_an_interrupted_one_waits_for_its_replacement() -> None:
    finish = first(view("i-1 i-2", "i-1 i-2"), event("i-1", cause=Cause.INTERRUPTED), ANY)
    assert "unchanged waiting_for_replacement" == shown(finish)
    assert "i-1:waiting_for_replacement" == shown_refused(finish.refused)
    assert finish.refused[0].override is None


def test_an_interrupted_one_goes_when_its_replacement_is_there() -> None:
    play = Play(view("i-1 i-2", "i-1 i-2 i-9", checked=True), event("i-1", cause=Cause.INTERRUPTED))
    assert ["modify i-1>i-9", "applied"] == play.to_end()
    assert "i-2 i-9" == shown_group(play.view.group)


def test_a_group_below_its_floor_may_still_grow() -> None:
    play = Play(view("i-1", "i-1 i-2"), event(), policy(min_backends=5, ports=(8080,)))
    assert ["add i-2", "applied health_unchecked"] == play.to_end()


def test_the_rest_of_a_request_is_done_where_a_removal_is_refused() -> None:
    play = Play(view("i-1 i-2 i-3", checked=True), request("i-1 i-2 i-3", "i-9"), policy(max_removed="100%"))
    said = play.to_end()
    assert ["modify i-1>i-9", "partial max_unavailable"] == said
    assert isinstance(play.decision, Finish)


@pytest.mark.parametrize("of", ["i-1 i-2 i-3", "i-1 i-2"])
def test_a_limit_that_is_lifted_is_not_named(of: str) -> None:
    how = policy(min_backends=2, max_unavailable=1)
    finish = first(view(of), request("i-1 i-2", force="max_removed min_backends"), how)
    assert "refused max_unavailable" == shown(finish)


def test_a_server_that_only_changes_its_port_is_no_removal() -> None:
    finish = first(view("i-1:80", checked=True), request("i-1:80", "i-1:81=0"), policy())
    assert "i-1:min_backends" == shown_refused(finish.refused)  # but at weight 0 it would be
    play = Play(view("i-1:80 i-2:80", checked=True), request("i-1:80", "i-1:81"), policy())
    assert "applied" == play.to_end()[-1]
