"""Intents: one for each target, completed from what the scaling groups list."""

from __future__ import annotations

import pytest

from handler.core.model.observed import Listing, Observed, Source, believed
from handler.core.model.policy import Policy
from handler.core.model.values import Cause, Intent, Scope
from handler.core.planning.desired import Desired, desired, doubtful
from handler.core.planning.merging import merge
from tests.support.builders import (
    MARK,
    event,
    group,
    named,
    policy,
    request,
    servers,
    shown_refused,
    view,
)

EXCLUSIVE = policy(exclusive=True)


def wish(
    of: str, listed: str, intent: Intent, how: Policy | None = None, source: Source = Source.COMPLETE
) -> Desired:
    looked = view(of, listed, source=source)
    return desired(intent, looked, how or policy(), looked.group)


def told(of: str, listed: str, intent: Intent, how: Policy | None = None) -> str:
    """What becomes of whom: ``+`` launched, ``-`` terminated and serving, ``x`` gone, and what is said."""
    found = wish(of, listed, intent, how)
    said = ["+" + one.server_id for one in found.launched]
    said += [("x" if one.server_id in found.gone else "-") + one.server_id for one in found.terminated]
    said += [f"~{one}" for one in found.unmanaged] + [f"early {one}" for one in found.not_in_service_yet]
    return " ".join([*said, *shown_refused(found.refused).split(), *["contradicted"] * found.contradicted])


LAUNCHED, HOOKED = event("", "i-9"), event("", "i-9", Cause.HOOK)
INTERRUPTED, DELETED = event("i-1", cause=Cause.INTERRUPTED), event("i-1", cause=Cause.GONE)


@pytest.mark.parametrize(
    ("intent", "listed", "expected"),
    [
        (LAUNCHED, "i-1 i-9", "+i-9"),
        (HOOKED, "i-1 i-9=pending", "+i-9"),
        (HOOKED, "i-1 i-9", "+i-9"),
        (LAUNCHED, "i-1 i-9=pending", "early i-9 contradicted"),
        (LAUNCHED, "i-1", "contradicted"),
        (HOOKED, "i-1", "contradicted"),
        (LAUNCHED, "i-1 i-9=sick", "contradicted"),
        (LAUNCHED, "i-1 i-9=standby", "contradicted"),
        (event("i-1"), "i-1=leaving", "-i-1"),
        (event("i-1", cause=Cause.HOOK), "i-1=leaving", "-i-1"),
        (event("i-1"), "i-2", "+i-2 xi-1"),
        (event("i-1", cause=Cause.HOOK), "i-2", "+i-2 -i-1"),
        (event("i-1"), "i-1", "i-1:still_in_service contradicted"),
        (event("i-1"), "i-1=standby", ""),
        (event("i-1"), "i-1=pending", ""),
        (INTERRUPTED, "i-1", "-i-1"),
        (INTERRUPTED, "i-2", "+i-2 -i-1"),
        (DELETED, "i-1", "xi-1"),
        (DELETED, "i-2", "+i-2 xi-1"),
        (event(), "i-1 i-2", "+i-2"),
        (event(), "i-1 i-2=sick", ""),
        (event(), "i-1 i-2=pending", ""),
        (event(), "i-1 i-2=standby", ""),
        (event(), "i-1=leaving", "-i-1"),
        (event(), "i-1=standby", ""),
        (event(), "i-1=sick", ""),
    ],
)
def test_what_an_event_and_the_listing_say_together(intent: Intent, listed: str, expected: str) -> None:
    assert expected == told("i-1", listed, intent)


@pytest.mark.parametrize(
    ("of", "how", "expected"),
    [
        ("i-1", policy(), "+i-2 ~i-1"),
        (f"i-1#{MARK}", policy(), "+i-2 -i-1"),
        ("i-1#slb-swap/other", policy(), "+i-2 ~i-1"),
        ("i-1", EXCLUSIVE, "+i-2 -i-1"),
        (f"i-1:80#{MARK} i-1:81", policy(), "+i-2 -i-1"),
        (f"i-1#{policy().marks.waiting}", policy(), "+i-2 -i-1"),
    ],
)
def test_who_is_listed_nowhere_is_stale_if_the_target_or_the_backend_is_ours(
    of: str, how: Policy, expected: str
) -> None:
    assert expected == told(of, "i-2", event(), how)


def test_the_stale_are_inferred_and_still_serve() -> None:
    found = wish("i-1 i-2", "i-2", event(), EXCLUSIVE)
    assert (frozenset({"i-1"}), frozenset()) == (found.inferred, found.gone)


@pytest.mark.parametrize("source", [Source.EMPTY, Source.SHORT])
def test_on_an_answer_that_is_no_truth_nothing_is_removed(source: Source) -> None:
    found = wish("i-1 i-2", "", event("i-1"), EXCLUSIVE, source)
    assert ((), "i-1:source_incomplete i-2:source_incomplete") == (
        found.terminated,
        shown_refused(found.refused),
    )


def test_then_a_named_one_is_refused_though_it_is_not_ours() -> None:
    found = wish("i-1 i-2", "", event("i-1"), policy(), Source.SHORT)
    assert ("i-1:source_incomplete", ("i-2",)) == (shown_refused(found.refused), found.unmanaged)


def test_where_one_of_several_is_empty_the_named_go_and_the_stale_stay() -> None:
    found = wish("i-1 i-2", "i-3", event("i-1"), EXCLUSIVE, Source.SOME_EMPTY)
    assert ["i-1"] == [one.server_id for one in found.terminated]
    assert "i-2:source_incomplete" == shown_refused(found.refused)


@pytest.mark.parametrize(("source", "expected"), [(Source.SHORT, True), (Source.EMPTY, False)])
def test_an_answer_that_is_short_is_read_again(source: Source, expected: bool) -> None:
    assert expected == wish("i-1", "", event(), source=source).contradicted


def test_without_a_scaling_group_nobody_is_stale_or_a_stray() -> None:
    looked = view("i-1 i-2")
    found = desired(event(), looked, EXCLUSIVE, looked.group)
    assert ((), ()) == (found.terminated, found.unmanaged)


def test_who_is_launched_again_is_not_terminated() -> None:
    assert "+i-9" == told("i-1 i-9", "i-1 i-9", event("i-9", "i-9"))
    assert "+i-9 xi-1" == told("i-1 i-9", "i-9", event("i-9 i-1", "i-9"))


def test_a_server_that_is_named_twice_goes_once() -> None:
    assert "xi-1 ~i-2" == told("i-1 i-2", "i-3=pending", event("i-1 i-1"))


def test_of_what_is_said_of_a_server_in_one_delivery_that_it_is_gone_counts_most() -> None:
    interrupted, finished = event("i-1", cause=Cause.INTERRUPTED), event("i-1")
    for merged in (merge([interrupted, finished]), merge([finished, interrupted])):
        wish = desired(merged[0], view("i-1 i-2", "i-2"), policy(), group("i-1 i-2"))
        assert ({"i-1"}, ["i-1"]) == (wish.gone, [named.server_id for named in wish.terminated])


def test_one_that_left_the_group_already_has_left_its_place() -> None:
    assert "-i-5" == told("i-1", "i-1", event("i-5"))


def test_one_that_waits_for_its_weight_since_a_run_was_cut_off_is_launched() -> None:
    waits = policy().marks.waiting
    assert "+i-9" == told(f"i-1 i-9=0#{waits}", "i-1 i-9", event())
    assert "" == told("i-1 i-9=0", "i-1 i-9", event())
    assert "" == told(f"i-1 i-9#{waits}", "i-1 i-9", event())


def test_one_that_an_event_names_as_terminated_is_not_added_for_being_listed() -> None:
    assert "" == told("i-1", "i-1 i-5", event("i-5"))


def test_who_is_new_is_judged_by_the_group_as_the_run_found_it() -> None:
    looked = view("i-1 i-9", "i-1 i-9")
    found = desired(event(), looked, policy(), group("i-1"))
    assert ["i-9"] == [one.server_id for one in found.launched]


def test_a_request_means_exactly_what_it_says() -> None:
    found = wish("i-1 i-2", "i-3", request("i-1", "i-9", "i-1>i-9"), EXCLUSIVE)
    assert (named("i-1"), named("i-9"), (("i-1", "i-9"),)) == (found.terminated, found.launched, found.pairs)
    assert found.literal


def test_a_request_may_say_that_they_are_gone() -> None:
    assert {"i-1"} == wish("i-1", "", request("i-1", gone=True)).gone


def test_a_request_does_not_take_out_who_is_still_in_service() -> None:
    found = wish("i-1 i-2 i-3", "i-1 i-2=leaving", request("i-3 i-2 i-1"))
    assert ({"i-1"}, "i-1:still_in_service") == (found.kept, shown_refused(found.refused))
    assert "still_in_service" == found.refused[0].override


def test_a_request_may_force_it() -> None:
    found = wish("i-1", "i-1", request("i-1", force="still_in_service"))
    assert (frozenset(), ()) == (found.kept, found.refused)


@pytest.mark.parametrize(
    ("intent", "how", "expected"),
    [
        (event("i-1"), policy(), ("i-1", "i-3")),
        (event("i-1", cause=Cause.HOOK), policy(), ("i-1", "i-3")),
        (event("i-1", cause=Cause.GONE), policy(), ("i-3",)),
        (event(), EXCLUSIVE, ("i-1", "i-2", "i-3")),
        (request("i-1"), EXCLUSIVE, ("i-1",)),
    ],
)
def test_who_is_asked_for_by_id(intent: Intent, how: Policy, expected: tuple[str, ...]) -> None:
    assert expected == doubtful(intent, group(f"i-1 i-2 i-3#{MARK} i-4"), servers("i-4"), how)


FULL, EMPTY = Listing(tuple(servers("i-1").values()), complete=True), Listing((), complete=True)
SHORT = Listing(tuple(servers("i-1").values()), complete=False)


@pytest.mark.parametrize(
    ("listings", "expected"),
    [
        ([], Source.ABSENT),
        ([FULL, FULL], Source.COMPLETE),
        ([FULL, EMPTY], Source.SOME_EMPTY),
        ([EMPTY, EMPTY], Source.EMPTY),
        ([EMPTY, SHORT], Source.SHORT),
    ],
)
def test_how_far_listings_are_believed(listings: list[Listing], expected: Source) -> None:
    assert expected == believed(listings)


def test_the_scope_of_an_event_is_to_be_completed() -> None:
    assert (Scope.RECONCILE, Scope.LITERAL) == (event().scope, request().scope)


def test_a_view_tells_who_serves() -> None:
    looked: Observed = view("i-1", "i-1 i-2=leaving")
    assert [True, False, False] == [looked.is_listed_in_service(one) for one in ("i-1", "i-2", "i-3")]


def test_one_that_is_not_listed_does_not_hide_the_next() -> None:
    assert "+i-9 contradicted" == told("i-1", "i-1 i-9=pending", event("", "i-8 i-9", Cause.HOOK))


def test_the_named_come_before_those_that_are_listed_as_leaving() -> None:
    assert "-i-2 -i-1" == told("i-1 i-2", "i-1=leaving i-2=leaving", event("i-2"))


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        (request("i-1 i-9"), ("i-9",)),
        (request("i-1:80 i-2:8080"), ("i-1",)),
        (request("i-9:80 i-9:81"), ("i-9",)),
        (request("", "", "i-1>i-8 i-8>i-9"), ()),
        (event("i-9"), ()),
    ],
)
def test_who_a_request_takes_out_and_is_not_in_is_told(intent: Intent, expected: tuple[str, ...]) -> None:
    looked = view("i-1 i-2", "i-1 i-2")
    assert expected == desired(intent, looked, policy(), looked.group).not_in_group
