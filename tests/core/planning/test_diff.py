"""What became of a group, told by the group before and after."""

from __future__ import annotations

import pytest

from handler.core.planning.diff import diff, removes_capacity
from handler.core.planning.goal import goal
from tests.support.builders import group, policy, request, shown_backend, shown_backends, view


def told(before: str, after: str, terminated: str = "", launched: str = "", pairs: str = "") -> str:
    looked = view(before)
    wanted = goal(request(terminated, launched, pairs), looked, policy(), looked)
    found = diff(group(before), group(after), wanted.proposed)
    said = [f"{shown_backend(pair.old)}>{shown_backend(pair.new)}" for pair in found.pairs]
    said += [f"+{one}" for one in shown_backends(found.added).split()]
    said += [f"-{one}" for one in shown_backends(found.removed).split()]
    return " ".join([*said, *(f"~{one}" for one in shown_backends(found.reweighed).split())])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("i-1 i-2", "i-9 i-2", "i-1>i-9"),
        ("i-1 i-2", "i-1 i-2", ""),
        ("i-1 i-2", "i-2", "-i-1"),  # the new one did not come
        ("i-1 i-2", "i-1 i-2 i-9", "+i-9"),  # the old one stayed
        ("i-1 i-2", "i-9 i-2 i-5", "i-1>i-9 +i-5"),  # somebody else added one
        ("i-1 i-2=50", "i-1 i-2=0", "~i-2=50"),  # as it was
        ("i-1=50 i-2", "i-9=50 i-2", "i-1=50>i-9=50"),
        ("i-1:80 i-1:81", "i-9:80 i-9:81", "i-1:80>i-9:80 i-1:81>i-9:81"),
    ],
)
def test_what_left_and_what_came(before: str, after: str, expected: str) -> None:
    assert expected == told(before, after, "i-1", "i-9")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("i-1", "i-1 i-9", True),
        ("i-1 i-2", "i-9", False),
        ("i-1", "i-9", False),
        ("i-1", "", False),
        ("i-1:80", "i-1:80 i-1:81", True),
        ("i-1=0", "i-9", True),
        ("i-1=0 i-2", "i-1 i-2", True),
        ("i-1=0 i-2", "i-1", False),
    ],
)
def test_undoing_more_that_came_than_left_is_a_removal(before: str, after: str, expected: bool) -> None:
    assert expected == removes_capacity(diff(group(before), group(after), ()))
