"""Who is in service, and how many must stay so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handler.core.model.values import Verdict
from handler.core.planning.capacity import baseline, floor, in_service, is_proven, leaves_service, share
from handler.core.planning.changes import Change
from tests.support.builders import backend, backends, group, policy, verdicts, view


def change(old: str = "", new: str = "", *, gone: bool = False) -> Change:
    out, into = backends(old), backends(new)
    return Change(
        out[0].key.server_id if out else None, into[0].key.server_id if into else None, out, into, gone
    )


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
    assert set(expected.split()) == in_service(view(of, abnormal=abnormal, pending=pending), [])


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
    assert set(expected.split()) == in_service(looked, [change(new=new)])


def test_the_gone_never_count() -> None:
    assert {"i-2"} == in_service(view("i-1 i-2"), [change("i-1", gone=True)])


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
    assert expected == baseline(view(of), changes)


def test_new_ones_that_were_in_already_count_for_the_floor_though_not_proven() -> None:
    assert 2 == baseline(view("i-1 i-9", pending="i-9"), [change(new="i-9")])


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.NORMAL, True),
        (Verdict.PENDING, False),
        (Verdict.ABNORMAL, False),
    ],
)
def test_proven_is_normal_or_nowhere_checked(verdict: Verdict, expected: bool) -> None:
    one = backend("i-1")
    looked = replace(view("i-1", checked=True), health=verdicts([one.key], verdict))
    assert expected == is_proven(looked, one)
    assert is_proven(view("i-1"), one)


def test_one_without_a_row_is_pending_where_it_is_checked() -> None:
    assert [Verdict.PENDING, Verdict.UNCHECKED] == [
        view("", checked=checked).verdict(backend("i-1").key) for checked in (True, False)
    ]


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
