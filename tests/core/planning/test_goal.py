"""What a run is to reach: what ECS says of instances, what was drained before, and what has to be said."""

from __future__ import annotations

from typing import Any

import pytest

from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.values import Cause, Instance, Intent
from handler.core.planning.goal import Goal, goal
from tests.support.builders import by_listener, event, policy, request, shown_backends, shown_refused, view

STATUS = {"doomed": ("running", True), "": ("running", False)}


def with_ecs(of: str, said: str, listed: str | None = None, **also: Any) -> Observed:
    """A look at which ECS knows instances, as said behind ``=``: doomed, stopped, pending and so on.

    An instance of the group, the listing or behind ``?`` that is not said is unknown to ECS.
    """
    known = {one.partition("=")[0]: one.partition("=")[2] for one in said.split() if one[-1] != "?"}
    asked = {one.rstrip("?").partition("=")[0] for one in said.split()}
    instances = {
        one: Instance(one, *STATUS.get(state, (state, False)))  # type: ignore[arg-type]
        for one, state in known.items()
    }
    return view(of, listed, asked=frozenset(asked), instances=instances, **also)


def aims(looked: Observed, intent: Intent, how: Policy | None = None) -> Goal:
    return goal(intent, looked, how or policy(), looked)


def told(looked: Observed, intent: Intent, how: Policy | None = None) -> str:
    """The changes as ``old>new``, and what is refused."""
    found = aims(looked, intent, how)
    changes = [f"{shown_backends(c.out)}>{shown_backends(c.into)}" for c in found.changes]
    return " ".join([*changes, *shown_refused(found.refused).split()])


TIMER = event()


# About to be reclaimed.


@pytest.mark.parametrize("how", [policy(), policy(exclusive=True)])
@pytest.mark.parametrize("intent", [TIMER, event("", "i-9"), event("i-1", cause=Cause.INTERRUPTED)])
def test_an_instance_about_to_be_reclaimed_goes_as_soon_as_something_replaces_it(
    intent: Intent, how: Policy
) -> None:
    looked = with_ecs("i-1 i-2", "i-1=doomed i-2 i-9", "i-1 i-2 i-9", checked=True)
    assert "i-1>i-9" == told(looked, intent, how)


@pytest.mark.parametrize("how", [policy(), policy(exclusive=True)])
@pytest.mark.parametrize("listed", ["i-1 i-2", "i-2"])
def test_until_then_it_stays(how: Policy, listed: str) -> None:
    of = "i-1#slb-swap/web i-2"
    assert "i-1:waiting_for_replacement" == told(with_ecs(of, "i-1=doomed i-2", listed), TIMER, how)


def test_what_is_about_to_be_reclaimed_replaces_nothing() -> None:
    looked = with_ecs("i-1 i-2", "i-1=doomed i-2 i-9=doomed", "i-1 i-2 i-9", checked=True)
    assert "i-9:being_reclaimed i-1:waiting_for_replacement" == told(looked, TIMER)


def test_what_leaves_by_itself_gets_the_replacement_before_what_serves_until_it_is_replaced() -> None:
    looked = with_ecs("i-1 i-2 i-3", "i-1=doomed i-2 i-3 i-9", "i-1 i-2=leaving i-3 i-9", checked=True)
    assert "i-2>i-9 i-1:waiting_for_replacement" == told(looked, TIMER)


def test_a_stray_of_somebody_else_that_is_about_to_be_reclaimed_is_left_alone() -> None:
    looked = with_ecs("i-1 i-2", "i-1=doomed i-2 i-9", "i-2 i-9", checked=True)
    assert ">i-9" == told(looked, TIMER)
    assert ("i-1",) == aims(looked, TIMER).desired.unmanaged


def test_a_request_still_means_what_it_says_of_a_doomed_one_that_is_in() -> None:
    looked = with_ecs("i-1 i-2", "i-1=doomed i-2 i-9", checked=True)
    assert "i-2>i-9" == told(looked, request("i-2", "i-9"))
    assert "i-1>i-9" == told(looked, request("i-1", "i-9"))


# Not running, or unknown.


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("i-9=stopped", "not_running"),
        ("i-9=stopping", "not_running"),
        ("i-9=doomed", "being_reclaimed"),
        ("i-9?", "unknown_server"),
    ],
)
def test_an_instance_that_cannot_serve_is_not_put_in(state: str, reason: str) -> None:
    looked = with_ecs("i-1 i-2", f"i-1 i-2 {state}", "i-1 i-2 i-9")
    for intent in (TIMER, event("", "i-9"), event("", "i-9", Cause.HOOK)):
        assert f"i-9:{reason}" == told(looked, intent)
    asked = with_ecs("i-1 i-2", f"i-1 i-2 {state}")
    assert f"i-9:{reason}" == told(asked, request("", "i-9"))
    assert f"i-9:{reason}" == told(asked, request("i-1", "i-9", "i-1>i-9")), "its partner stays"


@pytest.mark.parametrize("state", ["pending", "starting", "running"])
def test_an_instance_that_is_still_to_start_is_put_in(state: str) -> None:
    looked = with_ecs("i-1 i-2", f"i-1 i-2 i-9={state}", "i-1 i-2 i-9", checked=True)
    assert ">i-9" == told(looked, TIMER)
    assert "i-1>i-9" == told(with_ecs("i-1 i-2", f"i-1 i-2 i-9={state}", checked=True), request("i-1", "i-9"))


def test_a_stopped_one_that_is_in_is_taken_out_by_the_load_balancers_own_check() -> None:
    looked = with_ecs("i-1 i-2", "i-1=stopped i-2", "i-1 i-2")
    assert "" == told(looked, TIMER)


def test_where_ecs_may_not_be_read_that_is_said_and_all_goes_on_without() -> None:
    looked = view("i-1 i-2", "i-1 i-2 i-9", instances=None, checked=True)
    found = aims(looked, TIMER)
    assert (">i-9", ("instances_unread",)) == (told(looked, TIMER), found.notes)


# Deleted, missing, empty.


def test_said_to_be_deleted_is_gone_once_ecs_does_not_know_it_and_no_scaling_group_has_it_in_service() -> (
    None
):
    deleted = event("i-1", cause=Cause.DELETED)
    gone = with_ecs("i-1 i-2", "i-1? i-2", "i-2")
    assert ("i-1>", frozenset({"i-1"})) == (told(gone, deleted), aims(gone, deleted).desired.gone)
    for looked in (with_ecs("i-1 i-2", "i-1 i-2", "i-2"), with_ecs("i-1 i-2", "i-1? i-2", "i-1 i-2")):
        found = aims(looked, deleted).desired
        assert ("", ("i-1",)) == (told(looked, deleted), found.not_deleted_yet)


@pytest.mark.parametrize("checked", [False, True])
def test_the_last_server_that_is_said_to_be_deleted_is_gone_though_ecs_knows_nobody_else(
    checked: bool,
) -> None:
    deleted, last = event("i-1", cause=Cause.DELETED), with_ecs("i-1", "i-1?", checked=checked)
    assert (frozenset() if checked else frozenset({"i-1"})) == aims(last, deleted).desired.gone


def test_deletions_do_not_empty_a_group_whose_scaling_group_says_nothing() -> None:
    looked = with_ecs("i-1 i-2", "i-1 i-2", "", source=Source.EMPTY)
    assert "" == told(looked, event("i-1 i-2", cause=Cause.DELETED))


def test_a_scaling_group_that_is_missing_is_named_and_nothing_is_inferred_from_it() -> None:
    looked = view(
        "i-1#slb-swap/web i-2", "i-2 i-9", source=Source.SOME_EMPTY, missing=("asg-b",), checked=True
    )
    found = aims(looked, TIMER)
    assert ("scaling_group_missing: asg-b",) == found.notes
    assert ">i-9 i-1:source_incomplete" == told(looked, TIMER)


def test_a_server_of_ours_that_ecs_does_not_know_is_gone_whatever_a_listing_lacks() -> None:
    of = "i-1#slb-swap/web i-2"
    for source in (Source.COMPLETE, Source.SOME_EMPTY, Source.SHORT):
        looked = with_ecs(of, "i-1? i-2", "i-2", source=source)
        assert {"i-1"} == aims(looked, TIMER).desired.gone


# What a run before drained.


def test_what_a_run_before_drained_is_put_back_unless_it_is_taken_out_now() -> None:
    looked = view("i-1=0#swap-30/web i-2=0#swap_40/web i-3=0#by-hand i-4")
    for intent in (request("", "i-4"), TIMER):
        put_back = aims(looked, intent).put_back
        assert "i-1=30 i-2=40" == shown_backends(then for _, then in put_back)
        assert ["slb-swap/web", "swap_/web"] == [then.description for _, then in put_back]
    going_on = aims(looked, request("i-1", "i-9"), policy(ports=(8080,)))
    assert "i-2=40" == shown_backends(then for _, then in going_on.put_back)


def test_a_replacement_gets_the_weight_that_the_old_one_had_before_it_was_drained() -> None:
    looked = view("i-1=0#swap-30/web i-2", checked=True)
    assert "i-1=0>i-9=30" == told(looked, request("i-1", "i-9"))


# Notes.


@pytest.mark.parametrize(
    ("of", "also", "how", "expected"),
    [
        ("i-1#blue i-2", {}, {"drain_s": 9}, ("drain_not_remembered",)),
        ("i-1 i-2#blue", {}, {"drain_s": 9}, ()),
        ("i-1#blue i-2", {}, {}, ()),
        ("i-1#blue=0 i-2", {"drains": True}, {"drain_s": 9}, ("drained_by_listener",)),
        ("i-1=0#blue i-2", {}, {"drain_s": 9}, ("weight_0_not_handed_on",)),
    ],
)
def test_that_a_drain_can_not_be_remembered_is_said_before(
    of: str, also: dict[str, Any], how: dict[str, Any], expected: tuple[str, ...]
) -> None:
    looked = view(of.replace("#blue=0", "#blue"), checked=True, **also)
    assert expected == aims(looked, request("i-1", "i-9"), policy(**how)).notes


def test_a_listener_that_gates_nothing_is_named() -> None:
    looked = by_listener("i-1 i-2", {"http:80": "", "https:443": "i-1=abnormal i-2=abnormal"})
    found = aims(looked, request("i-1", "i-9"))
    assert (frozenset({"http:80"}), ("listener_never_healthy: https:443",)) == (found.gates, found.notes)
    assert () == aims(looked, request("i-1")).notes, "nothing new has to pass it"


# Units.


TEN = " ".join(f"eni-1@10.0.0.{n}" for n in range(1, 11))


def test_of_ten_addresses_of_one_eni_as_many_may_be_taken_out_as_of_ten_servers() -> None:
    how = policy(max_removed="100%")
    two = request("eni-1@10.0.0.1 eni-1@10.0.0.2")
    assert "eni-1@10.0.0.1> eni-1@10.0.0.2>" == told(view(TEN), two, how)
    three = request("eni-1@10.0.0.1 eni-1@10.0.0.2 eni-1@10.0.0.3")
    refused = aims(view(TEN), three, how).refused
    assert {"eni-1@10.0.0.1", "eni-1@10.0.0.2", "eni-1@10.0.0.3"} == {one.subject for one in refused}
    assert {"in_service": 10, "removed": 3, "floor": 8} == refused[0].numbers


def test_a_pair_that_brings_fewer_units_is_a_removal_and_is_refused_as_a_whole() -> None:
    looked = view(TEN, checked=True)
    wish = request("eni-1", "eni-2@10.0.1.1", "eni-1>eni-2")
    found = aims(looked, wish, policy(max_removed="100%"))
    assert () == found.changes
    assert "eni-2@10.0.1.1" in {one.subject for one in found.refused}
    assert {"max_unavailable"} == {one.reason for one in found.refused}


def test_a_weight_of_0_for_what_serves_is_a_removal() -> None:
    how = policy(max_unavailable=1, max_removed="100%")
    assert ">i-1=0" == told(view("i-1 i-2 i-3"), request("", "i-1=0"), how)
    refused = aims(view("i-1 i-2 i-3"), request("", "i-1=0 i-2=0"), how).refused
    assert "i-1:max_unavailable i-2:max_unavailable" == shown_refused(refused)
    assert "i-1:max_removed i-2:max_removed" == shown_refused(
        aims(
            view("i-1 i-2 i-3"), request("", "i-1=0 i-2=0"), policy(max_removed=1, max_unavailable=2)
        ).refused
    )


def test_a_weight_of_0_for_what_serves_nobody_is_none() -> None:
    assert ">i-1=0" == told(view("i-1 i-2", abnormal="i-1"), request("", "i-1=0"), policy(max_unavailable=0))
    assert ">i-9=0" == told(view("i-1 i-2"), request("", "i-9=0"), policy(max_unavailable=0))
