"""Who takes whose place, on which ports, with what weight."""

from __future__ import annotations

import pytest

from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Cause, Group, Intent, Key
from handler.core.planning.changes import Change, Changes, changes
from handler.core.planning.desired import Desired, desired
from tests.support.builders import (
    backend,
    event,
    group,
    named,
    policy,
    request,
    shown_backend,
    shown_backends,
    shown_refused,
    view,
)


def planned(of: str, intent: Intent, how: Policy | None = None, listed: str | None = None) -> Changes:
    looked, how = view(of, listed), how or policy()
    return changes(desired(intent, looked, how, looked.group), looked.group, how)


def pairs(of: str, intent: Intent, how: Policy | None = None, listed: str | None = None) -> list[str]:
    """The changes, each as ``old>new``."""
    return [said(change) for change in planned(of, intent, how, listed).changes]


def said(change: Change) -> str:
    return f"{shown_backends(change.out)}>{shown_backends(change.into)}"


def test_in_order_where_nothing_tells_them_apart() -> None:
    assert ["i-1>i-8", "i-2>i-9"] == pairs("i-1 i-2 i-3", request("i-1 i-2", "i-8 i-9"))


def test_the_same_set_of_ports_comes_before_the_order() -> None:
    assert ["i-1:80 i-1:81>i-9:80 i-9:81", "i-2:80>i-8:80"] == sorted(
        pairs("i-1:80 i-1:81 i-2:80", request("i-1 i-2", "i-8:80 i-9:80 i-9:81"))
    )


def test_explicit_pairs_come_before_the_same_ports() -> None:
    assert ["i-1:80>i-8:81", "i-2:81>i-9:80"] == pairs(
        "i-1:80 i-2:81", request("i-1 i-2", "i-8:81 i-9:80", "i-1>i-8")
    )


def test_a_server_that_changes_its_port_takes_its_own_place() -> None:
    assert ["i-2:80>i-2:81", "i-1:80>i-9:80"] == pairs("i-1:80 i-2:80", request("i-1 i-2:80", "i-9 i-2:81"))


def test_one_pair_covers_every_port_of_the_old_one_with_its_weight_and_description() -> None:
    (change,) = planned("i-1:80=50#blue i-1:81=30 i-2:80", request("i-1", "i-9")).changes
    assert (backend("i-9:80=50#blue"), backend("i-9:81=30#slb-swap/web")) == change.into


def test_a_port_said_of_the_old_one_leaves_its_other_ports() -> None:
    assert ["i-1:81>i-9:81"] == pairs("i-1:80 i-1:81", request("i-1:81", "i-9"))


def test_an_address_said_of_the_old_one_leaves_its_other_addresses() -> None:
    of = "eni-1@10.0.0.1 eni-1@10.0.0.2 i-2"
    assert ["eni-1@10.0.0.2>"] == pairs(of, request("eni-1:8080@10.0.0.2"))
    assert ["eni-1@10.0.0.1>"] == pairs(of, request("eni-1@10.0.0.1"))


def test_each_address_of_an_eni_takes_a_place_of_its_own() -> None:
    wish = request("i-1 i-2", "eni-1:8080@10.0.0.1 eni-1:8080@10.0.0.2")
    assert ["i-1>eni-1@10.0.0.1", "i-2>eni-1@10.0.0.2"] == pairs("i-1 i-2", wish)
    wish = request("eni-1", "eni-2:8080@10.0.0.3 eni-2:8080@10.0.0.4")
    assert ["eni-1@10.0.0.1=50>eni-2@10.0.0.3=50", "eni-1@10.0.0.2=30>eni-2@10.0.0.4=30"] == pairs(
        "eni-1@10.0.0.1=50 eni-1@10.0.0.2=30", wish
    )


@pytest.mark.parametrize("paired", ["", "eni-1>eni-2"])
def test_a_server_that_brings_fewer_addresses_replaces_as_many_and_the_rest_goes_with_them(
    paired: str,
) -> None:
    of = "eni-1@10.0.0.1 eni-1@10.0.0.2 eni-1@10.0.0.3"
    plan = planned(of, request("eni-1", "eni-2@10.0.0.9", paired))
    assert ["eni-1@10.0.0.1>eni-2@10.0.0.9", "eni-1@10.0.0.2>", "eni-1@10.0.0.3>"] == [
        said(change) for change in plan.changes
    ]
    assert {("eni-1", "eni-2")} == {change.together for change in plan.changes}


def test_a_server_that_brings_more_addresses_adds_the_rest() -> None:
    wish = request("eni-1", "eni-2:8080@10.0.0.8 eni-2:8080@10.0.0.9", "eni-1>eni-2")
    plan = planned("eni-1@10.0.0.1", wish)
    assert ["eni-1@10.0.0.1>eni-2@10.0.0.8", ">eni-2@10.0.0.9"] == [said(one) for one in plan.changes]
    assert {None} == {change.together for change in plan.changes}


def test_every_entry_of_a_request_comes_in_with_or_without_a_port() -> None:
    entries = "eni-9@10.0.0.8 eni-9:81@10.0.0.8 eni-9@10.0.0.9 i-9 i-9:81"
    assert [
        ">eni-9:80@10.0.0.8 eni-9:81@10.0.0.8",
        ">eni-9:80@10.0.0.9",
        ">i-9:80 i-9:81",
    ] == pairs("i-1:80", request("", entries))


def test_a_refused_address_is_named_with_its_server() -> None:
    plan = planned("i-1:80 i-2:81", request("", "eni-9@10.0.0.8 eni-9:80@10.0.0.9"))
    assert "eni-9@10.0.0.8:no_ports" == shown_refused(plan.refused)
    assert [">eni-9:80@10.0.0.9"] == [said(change) for change in plan.changes]


def test_a_port_said_of_the_new_one_is_its_port() -> None:
    assert ["i-1:80=50>i-9:9090=50"] == pairs("i-1:80=50 i-2:80", request("i-1", "i-9:9090"))


def test_ports_are_beside_the_same_port_first_then_in_order() -> None:
    (change,) = planned("i-1:80 i-1:81", request("i-1", "i-9:9090 i-9:80")).changes
    assert ["i-1:81>i-9:9090", "i-1:80>i-9:80"] == [
        f"{shown_backend(pair.old)}>{shown_backend(pair.new)}" for pair in change.pairs
    ]


@pytest.mark.parametrize(
    ("of", "intent", "expected"),
    [
        ("i-2", request("i-1", "i-9", "i-1>i-9"), [">i-9"]),  # the old one is gone from the group already
        ("i-1 i-9", request("i-1", "i-9", "i-1>i-9"), ["i-1>i-9"]),  # the new one is there already
        ("i-1 i-9", request("i-1", "i-9"), ["i-1>i-9"]),
        ("i-9", request("i-1", "i-9", "i-1>i-9"), [">i-9"]),  # both: nothing is left to do
        ("i-9", request("i-1", "i-9"), [">i-9"]),
        ("i-1", request("i-1", "i-8 i-9"), ["i-1>i-8", ">i-9"]),
        ("i-1 i-2", request("i-1 i-2", "i-9"), ["i-1>i-9", "i-2>"]),
        ("i-1 i-2 i-8", request("i-1 i-2", "i-8 i-9"), ["i-1>i-8", "i-2>i-9"]),
        ("i-1", request("i-2"), []),
    ],
)
def test_what_is_there_already_or_gone_already_is_satisfied(
    of: str, intent: Intent, expected: list[str]
) -> None:
    assert expected == pairs(of, intent)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("i-1", ["i-1>i-9"]),
        ("i-8", ["i-8>i-9"]),
        ("i-2", [">i-9"]),
        ("i-1 i-8", ["i-1>i-9", "i-8>"]),
        ("i-9", [">i-9"]),
    ],
)
def test_of_a_chain_only_the_live_end_is_kept(of: str, expected: list[str]) -> None:
    assert expected == pairs(of, request("i-1 i-8", "i-8 i-9", "i-1>i-8 i-8>i-9"))


def test_the_live_end_of_three_links() -> None:
    chain = request("i-1 i-7 i-8", "i-7 i-8 i-9", "i-7>i-8 i-1>i-7 i-8>i-9")
    assert ["i-1>i-9"] == pairs("i-1 i-2", chain)


def test_a_ring_moves_nothing() -> None:
    assert [] == pairs("i-1 i-2", request("i-1 i-2", "i-2 i-1", "i-1>i-2 i-2>i-1"))


@pytest.mark.parametrize(
    ("of", "how", "expected"),
    [
        ("i-1=0 i-2=30 i-3=30 i-4=50", policy(), "i-9=30"),
        ("i-1=0 i-2=30 i-3=50", policy(), "i-9=50"),  # of two as common, the greater
        ("i-1=0 i-2=30", policy(weight=70), "i-9=70"),
        ("i-1=0", policy(), "i-9"),
        ("i-1=0 i-2=1", policy(), "i-9=1"),
        ("i-1=50 i-2=30", policy(weight=70), "i-9=50"),
    ],
)
def test_weight_0_is_never_handed_on(of: str, how: Policy, expected: str) -> None:
    (change,) = planned(of, request("i-1", "i-9"), how).changes
    assert expected == shown_backends(change.into)


def test_that_weight_0_was_not_handed_on_is_said_once() -> None:
    assert ("weight_0_not_handed_on",) == planned("i-1=0 i-2=0", request("i-1 i-2", "i-8 i-9")).notes
    assert () == planned("i-1", request("i-1", "i-9")).notes


def test_a_weight_that_is_asked_for_is_given_0_too() -> None:
    assert ["i-1>i-9=0"] == pairs("i-1 i-2", request("i-1", "i-9=0"))


def test_a_new_one_left_at_weight_0_by_a_run_cut_off_takes_the_weight_of_the_old_one() -> None:
    of = "i-1=50 i-2 i-3 i-9=0"
    assert ["i-1=50>i-9=50"] == pairs(of, request("i-1", "i-9", "i-1>i-9"))
    assert ["i-1=50>i-9=50"] == pairs(of, request("i-1", "i-9"))


def test_a_new_one_that_is_in_keeps_its_own_weight_and_description() -> None:
    (change,) = planned("i-1=50#blue i-9=30#green", request("i-1", "i-9")).changes
    assert (backend("i-9=30#green"),) == change.into


@pytest.mark.parametrize(
    ("launched", "expected"),
    [("i-9", "slb-swap/web"), ("i-9#", ""), ("i-9#green", "green")],
)
def test_what_is_added_bears_the_mark_unless_something_else_is_said(launched: str, expected: str) -> None:
    (change,) = planned("i-1", request("", launched)).changes
    assert [expected] == [one.description for one in change.into]


@pytest.mark.parametrize(
    ("launched", "expected"),
    [("i-9", "ecs"), ("eni-9@10.0.0.9", "eni"), ("eci-9@10.0.0.9", "eci")],
)
def test_the_type_is_told_by_the_new_id(launched: str, expected: str) -> None:
    (change,) = planned("i-1", request("i-1", launched)).changes
    assert [expected] == [one.type for one in change.into]


@pytest.mark.parametrize("new", ["eni-9", "eci-9"])
def test_a_new_one_without_the_address_it_needs_is_refused_with_its_pair(new: str) -> None:
    plan = planned("i-1 i-2", request("i-1 i-2", f"{new} i-8"))
    assert f"{new}:server_ip_missing" == shown_refused(plan.refused)
    assert ["i-2>i-8"] == [said(change) for change in plan.changes]


def test_one_that_is_in_has_its_address_already() -> None:
    assert [">eni-9@10.0.0.9"] == pairs("eni-9@10.0.0.9", request("", "eni-9"))


@pytest.mark.parametrize(
    ("of", "how", "expected"),
    [
        ("i-1:80", policy(ports=(9090, 9091)), [">i-9:9090 i-9:9091"]),
        ("i-1:80 i-1:81 i-2:80", policy(), [">i-9:80"]),  # the ports that every server has
        ("i-1:80 i-1:81", policy(), [">i-9:80 i-9:81"]),
    ],
)
def test_one_that_replaces_nothing_comes_at_the_usual_ports(
    of: str, how: Policy, expected: list[str]
) -> None:
    assert expected == pairs(of, request("", "i-9"), how)


@pytest.mark.parametrize("of", ["", "i-1:80 i-2:81"])
def test_without_usual_ports_it_is_refused(of: str) -> None:
    plan = planned(of, request("", "i-9"))
    assert "i-9:no_ports" == shown_refused(plan.refused)
    assert () == plan.changes


def test_a_pair_is_gone_if_its_old_one_is() -> None:
    assert [True] == [change.gone for change in planned("i-1", request("i-1", "i-9", gone=True)).changes]
    assert [False] == [change.gone for change in planned("i-1", request("i-1", "i-9")).changes]


def test_an_event_completed_from_the_listing_pairs_too() -> None:
    assert ["i-1>i-9"] == pairs("i-1 i-2", event("i-1", "i-9"), listed="i-2 i-9")


def test_a_kept_one_keeps_its_place_with_what_was_to_replace_it() -> None:
    assert ["i-2>i-8"] == pairs("i-1 i-2", request("i-1 i-2", "i-8 i-9"), listed="i-1")


def test_what_is_written_over_is_not_taken_out() -> None:
    wish = Desired(named("i-1:80", Cause.REQUESTED), named("i-1:80=50"), literal=True)
    (change,) = changes(wish, group("i-1:80 i-2:80"), policy()).changes
    assert ">i-1:80=50" == said(change)


def test_of_an_event_too_the_new_one_takes_the_ports_of_the_old_one() -> None:
    assert ["i-1:81>i-9:81"] == pairs("i-1:81 i-2:80", event("i-1"), listed="i-2 i-9")


def test_one_that_is_in_keeps_its_ports_in_an_event_and_gets_those_of_the_old_one_by_request() -> None:
    of = "i-1:80 i-1:81 i-2:80 i-9:80"
    assert ["i-1:80 i-1:81>i-9:80"] == pairs(of, event("i-1", "i-9"), listed="i-2 i-9")
    assert ["i-1:80 i-1:81>i-9:80 i-9:81"] == pairs(of, request("i-1", "i-9"))


def test_one_that_is_in_keeps_the_type_that_it_has_there() -> None:
    odd = Backend(Key("web-9", 8080, "10.0.0.9"), 50, "eni")
    of = Group("rsp-web", "lb-web", {odd.key: odd})
    (change,) = changes(Desired((), named("web-9"), literal=True), of, policy()).changes
    assert (odd,) == change.into


def test_the_address_of_an_ecs_instance_is_no_part_of_its_key() -> None:
    (change,) = planned("i-1", request("i-1", "i-9@10.0.0.9")).changes
    assert [Key("i-9", 8080, None)] == [one.key for one in change.into]


@pytest.mark.parametrize(("unproven", "expected"), [("", "i-1>i-8"), ("i-8", "i-1>i-9")])
def test_one_that_is_in_goes_before_one_that_is_to_come_unless_it_is_sick(
    unproven: str, expected: str
) -> None:
    wish = Desired(named("i-1"), named("i-8 i-9"), literal=True)
    made = changes(wish, group("i-1 i-2 i-8"), policy(), unproven.split()).changes
    assert [expected] == [said(change) for change in made if change.out]


@pytest.mark.parametrize("listed", ["eci-1=leaving eci-2 eci-9", "eci-2 eci-9"])
def test_who_leaves_goes_though_the_new_one_has_no_place(listed: str) -> None:
    plan = planned("eci-1@10.0.0.1#slb-swap/web eci-2@10.0.0.2", event("eci-1"), listed=listed)
    assert "eci-9:server_ip_missing" == shown_refused(plan.refused)
    assert ["eci-1@10.0.0.1>"] == [said(change) for change in plan.changes]
