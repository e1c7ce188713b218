"""The records of one delivery: events are one intent a target, requests stay apart and in their order."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.values import Intent
from handler.core.planning.merging import merge
from tests.support.builders import event, hook, request


def test_events_for_one_target_are_one_intent() -> None:
    one = event("i-1", event_ids=("a",), hooks=(hook("i-1", "scale_in"),))
    other = event("i-1 i-2", "i-9", event_ids=("b", "a"), hooks=(hook("i-9"),))
    (merged,) = merge([one, other])
    expected = event("i-1 i-2", "i-9", event_ids=("a", "b"), hooks=(hook("i-1", "scale_in"), hook("i-9")))
    assert expected == merged


def test_events_for_different_targets_stay_apart() -> None:
    other = Intent("api", "autoscaling")
    assert (event("i-1 i-2"), other) == merge([event("i-1"), other, event("i-2")])


@pytest.mark.parametrize(
    "other", [request("i-2", "i-9"), request("i-1"), request("i-2", force="max_removed")]
)
def test_requests_are_never_merged_and_keep_their_order(other: Intent) -> None:
    assert (request("i-1"), other) == merge([request("i-1"), other])
    assert (other, request("i-1")) == merge([other, request("i-1")])


def test_a_deployment_and_its_undoing_are_both_done() -> None:
    deploy, undo = request("i-1", "i-9", "i-1>i-9"), request("i-9", "i-1", "i-9>i-1")
    assert (deploy, undo) == merge([deploy, undo])


def test_a_request_between_events_does_not_keep_them_apart() -> None:
    first, last = event("i-1"), event("i-2")
    assert (event("i-1 i-2"), request("i-3")) == merge([first, request("i-3"), last])


def test_the_same_request_delivered_twice_is_done_twice() -> None:
    assert (request("i-1"), request("i-1")) == merge([request("i-1"), request("i-1")])


def test_nothing_merged_is_nothing() -> None:
    assert () == merge([])


def test_what_an_intent_says_of_how_to_do_it_stays() -> None:
    how = replace(event("i-1"), trigger="timer")
    assert (how,) == merge([how])
