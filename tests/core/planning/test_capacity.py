"""Who is in service, and how many must stay so."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.marks import Marks
from handler.core.model.observed import Source
from handler.core.model.values import Instance
from handler.core.planning.capacity import (
    baseline,
    capacity,
    floor,
    gates,
    in_service,
    leaves_service,
    share,
    to_serve,
    untried,
)
from handler.core.planning.changes import Change
from tests.support.builders import LISTENER, backends, by_listener, event, group, named, policy, view

MARKS, ONE = Marks("web"), frozenset({LISTENER})


def change(old: str = "", new: str = "", *, gone: bool = False) -> Change:
    out, into = backends(old), backends(new)
    return Change(out[0].key.unit if out else None, into[0].key.unit if into else None, out, into, gone)


@pytest.mark.parametrize(
    ("of", "abnormal", "pending", "expected"),
    [
        ("i-1 i-2", "", "", "i-1 i-2"),
        ("i-1 i-2=0", "", "", "i-1"),
        ("i-1 i-2=1", "", "", "i-1 i-2"),
        ("i-1 i-2", "i-2", "", "i-1"),
        ("i-1 i-2", "", "i-2", "i-1 i-2"),  # pending is not known to be abnormal
        ("i-1:80 i-1:81", "i-1:80", "", "i-1"),
        ("i-1:80 i-1:81=0", "i-1:80", "", ""),
    ],
)
def test_servers_with_weight_that_are_not_known_to_be_abnormal(
    of: str, abnormal: str, pending: str, expected: str
) -> None:
    assert set(expected.split()) == in_service(view(of, abnormal=abnormal, pending=pending), [], ONE)


@pytest.mark.parametrize(
    ("of", "new", "pending", "expected"),
    [
        ("i-9", "i-9", "", "i-9"),
        ("i-9", "i-9", "i-9", ""),
        ("i-9:80 i-9:81", "i-9:80 i-9:81", "i-9:81", ""),  # all of a new one must be proven
        ("i-9:80 i-9:81", "i-9:81", "i-9:81", "i-9"),  # it served already, on another port
        ("i-9=0", "i-9=0", "", ""),
    ],
)
def test_a_new_one_counts_once_it_is_proven(of: str, new: str, pending: str, expected: str) -> None:
    looked = view(of, pending=pending, checked=True)
    assert set(expected.split()) == in_service(looked, [change(new=new)], ONE)


def test_one_that_others_have_put_in_during_the_run_counts_once_it_is_proven() -> None:
    first = view("i-1").group
    for pending, expected in (("i-5", {"i-1"}), ("", {"i-1", "i-5"})):
        assert expected == in_service(view("i-1 i-5", pending=pending, checked=True), [], ONE, first)


def test_the_gone_never_count() -> None:
    assert {"i-2"} == in_service(view("i-1 i-2"), [change("i-1", gone=True)], ())


@pytest.mark.parametrize(
    ("of", "changes", "expected"),
    [
        ("i-1 i-2", [], 2),
        ("i-1 i-2", [change("i-1", gone=True)], 1),
        ("i-1 i-9", [change("i-1", "i-9")], 1),  # side by side they are one
        ("i-1 i-9=0", [change("i-1", "i-9")], 1),
        ("i-1:80 i-1:81", [change("i-1:80", "i-1:81")], 1),
        ("i-1=0 i-2", [change("i-1=0", "i-9")], 2),  # drained by a run that was cut off
        ("i-1=0 i-2", [change("i-1=0", "i-9", gone=True)], 1),
        ("i-1=0 i-2", [change("i-1=0")], 1),
        ("i-1=0 i-9", [change("i-1=0", "i-9")], 1),
    ],
)
def test_what_the_floor_is_measured_by(of: str, changes: list[Change], expected: int) -> None:
    assert expected == baseline(view(of), changes, MARKS)


def test_new_ones_that_were_in_already_count_for_the_floor_though_not_proven() -> None:
    assert 2 == baseline(view("i-1 i-9", pending="i-9"), [change(new="i-9")], MARKS)


@pytest.mark.parametrize(
    ("of", "out", "abnormal", "expected"),
    [
        ("i-1", "i-1", "", True),
        ("i-1:80 i-1:81", "i-1:80", "", False),
        ("i-1:80 i-1:81=0", "i-1:80", "", True),
        ("i-1:80 i-1:81=1", "i-1:80", "", False),
        ("i-1:80 i-1:81", "i-1:80", "i-1:81", True),
    ],
)
def test_a_server_leaves_service_with_its_last_port(of: str, out: str, abnormal: str, expected: bool) -> None:
    looked = view(of, abnormal=abnormal)
    assert expected == leaves_service(looked, group(of).backends.values(), backends(out))


@pytest.mark.parametrize(
    ("limit", "of", "expected"),
    [
        ("25%", 10, 2),
        ("25%", 8, 2),
        ("25%", 7, 1),
        ("25%", 3, 1),  # rounded down, but not below 1
        ("25%", 0, 1),
        ("1%", 10, 1),
        ("100%", 3, 3),
        ("0%", 10, 0),
        (0, 10, 0),
        (4, 10, 4),
    ],
)
def test_shares_round_down_but_not_below_1(limit: int | str, of: int, expected: int) -> None:
    assert expected == share(limit, of)


@pytest.mark.parametrize(
    ("limits", "force", "expected"),
    [
        ({}, "", 8),
        ({"max_unavailable": 4}, "", 6),
        ({"min_backends": 9}, "", 9),
        ({"min_backends": 9}, "min_backends", 8),
        ({}, "max_unavailable", 1),
        ({"min_backends": 3}, "max_unavailable", 3),
        ({}, "min_backends max_unavailable", 0),
        ({"min_backends": 0, "max_unavailable": "100%"}, "", 0),
    ],
)
def test_the_floor_of_ten(limits: dict[str, int | str], force: str, expected: int) -> None:
    assert expected == floor(policy(**limits), 10, frozenset(force.split()))


HTTP, HTTPS = "http:80", "https:443"


@pytest.mark.parametrize(
    ("http", "https", "unchecking", "expected"),
    [
        ("", "", "", True),
        ("i-1=abnormal", "", "", True),  # one listener sends it requests still
        ("i-1=abnormal", "i-1=pending", "", True),
        ("i-1=abnormal", "i-1=abnormal", "", False),
        ("i-1=abnormal", "i-1=abnormal", "tcp:22", True),  # to which no check matters
    ],
)
def test_in_service_is_what_at_least_one_listener_sends_requests(
    http: str, https: str, unchecking: str, expected: bool
) -> None:
    looked = by_listener("i-1", {HTTP: http, HTTPS: https}, unchecking=unchecking)
    assert expected == bool(in_service(looked, [], looked.listeners.checking))
    without = by_listener("i-1=0", {HTTP: http, HTTPS: https}, unchecking=unchecking)
    assert not in_service(without, [], without.listeners.checking)


def test_a_new_one_is_proven_by_every_listener_that_gates() -> None:
    looked = by_listener("i-9", {HTTP: "", HTTPS: "i-9=pending"})
    assert [frozenset(), {"i-9"}] == [
        in_service(looked, [change(new="i-9")], gating) for gating in ((HTTP, HTTPS), (HTTP,))
    ]


def gating(of: str, new: str = "i-9", **said: str) -> str:
    """The listeners that gate, by what each says."""
    looked = by_listener(of, said)
    return " ".join(sorted(gates(looked, named(new))))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("", "", "a b"),
        (
            "",
            "i-1=abnormal i-2=abnormal",
            "a",
        ),  # nobody is normal there, though elsewhere: it is set up wrongly
        ("", "i-1=abnormal i-2=pending", "a b"),  # the other may still pass
        ("", "i-1=abnormal", "a b"),
        ("", "i-1=pending i-2=pending", "a b"),  # without an abnormal one it may only be slow
        (
            "i-1=abnormal i-2=abnormal",
            "i-1=abnormal i-2=abnormal",
            "a b",
        ),  # the servers are sick, not the checks
        ("i-1=pending i-2=pending", "i-1=abnormal i-2=abnormal", "a b"),
    ],
)
def test_a_listener_on_which_none_was_ever_normal_gates_nothing(a: str, b: str, expected: str) -> None:
    assert expected == gating("i-1 i-2", a=a, b=b)


def test_what_this_delivery_launches_says_nothing_of_a_listener() -> None:
    assert "a" == gating("i-1 i-9", a="", b="i-1=abnormal")
    assert "a b" == gating("i-1 i-9", a="", b="i-9=abnormal i-1=pending")
    assert "a b" == gating("i-9", a="", b="i-9=abnormal")


def test_in_an_empty_group_every_listener_gates() -> None:
    assert "a b" == gating("", a="", b="")


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (" ".join(f"eni-1@10.0.0.{n}" for n in range(1, 11)), 10),
        ("eni-1:80@10.0.0.1 eni-1:81@10.0.0.1", 1),  # ports are no units
        ("eni-1@10.0.0.1=0 eni-1@10.0.0.2", 1),
        ("i-1:80 i-1:81", 1),
    ],
)
def test_a_server_counts_once_for_each_of_its_addresses(of: str, expected: int) -> None:
    assert expected == len(in_service(view(of), [], ())) == baseline(view(of), [], MARKS)


def test_what_a_run_that_was_cut_off_drained_counts_for_the_floor() -> None:
    assert 2 == baseline(view("i-1=0#swap-30/web i-2"), [], MARKS)
    assert 1 == baseline(view("i-1=0#by-hand i-2"), [], MARKS)
    assert 1 == baseline(view("i-1=0#swap-30/web i-2"), [change("i-1=0", gone=True)], MARKS)


@pytest.mark.parametrize(("wanted", "expected"), [(None, 1), (1, 1), (2, 2), (3, 2)])
def test_side_by_side_a_pair_counts_once_if_as_many_are_left_as_are_wanted(
    wanted: int | None, expected: int
) -> None:
    assert expected == baseline(view("i-1 i-9"), [change("i-1", "i-9")], MARKS, wanted=wanted)


@pytest.mark.parametrize(
    ("wanted", "share_", "expected"),
    [(None, "25%", 3), (4, "25%", 3), (5, "25%", 4), (6, "25%", 4), (8, 1, 4), (2, "25%", 3)],
)
def test_nothing_goes_unreplaced_while_fewer_serve_than_are_wanted(
    wanted: int | None, share_: int | str, expected: int
) -> None:
    how = policy(max_unavailable=share_)
    found = capacity(view("i-1 i-2 i-3 i-4"), [], event(), how, wanted=wanted)
    assert (found.floor_for_removals, found.floor) == (expected, 3)


def test_what_is_new_and_what_stays_is_to_serve_if_it_serves_or_is_listed() -> None:
    looked = view("i-1 i-2 i-3 i-4=0", "i-1 i-2=leaving i-4", abnormal="i-1 i-3", checked=True)
    found = to_serve(looked, looked, [change("i-2"), change(new="i-9")])
    assert found == {"i-1", "i-9"}


def test_while_the_listings_are_not_believed_all_that_may_be_listed_is_to_serve() -> None:
    known = {one: Instance(one, "running", reclaimed=False) for one in ("i-1", "i-3")}
    asked = frozenset({"i-1", "i-2", "i-3"})
    looked = view("i-1 i-2 i-3 i-4=0", "", abnormal="i-1 i-2", asked=asked, instances=known)
    doubted = replace(looked, source=Source.EMPTY)
    assert to_serve(looked, looked, []) == {"i-3"}
    assert to_serve(doubted, doubted, []) == {"i-1", "i-3"}


def test_a_backend_of_ours_is_untried_until_a_check_tells() -> None:
    of = "i-1#slb-swap/web i-2#slb-swap/web i-3 i-4#slb-swap/web"
    looked = view(of, pending="i-1 i-3", abnormal="i-2", checked=True)
    assert {key.server_id for key in untried(looked, MARKS)} == {"i-1"}
    assert untried(view(of), MARKS) == frozenset()
    assert in_service(looked, [], ONE, untried=untried(looked, MARKS)) == {"i-3", "i-4"}
    leaves = [change("i-1", "i-9")]
    assert in_service(looked, leaves, ONE, untried=untried(looked, MARKS)) == {"i-1", "i-3", "i-4"}
