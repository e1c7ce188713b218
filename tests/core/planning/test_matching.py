"""Which new unit takes the place of which old one, row by row."""

from __future__ import annotations

import pytest

from handler.core.planning.matching import Matching
from tests.support.builders import group, named


def matched(
    of: str,
    olds: str,
    news: str,
    pairs: str = "",
    *,
    unproven: str = "",
    staying: str = "",
    all_named: bool = True,
) -> str:
    """The matches, as ``old>new``, of units that are said."""
    present = group(of).units
    found: dict[str, list[object]] = {}
    for ref in named(news):
        unit = f"{ref.server_id}@{ref.server_ip}" if ref.server_ip else ref.server_id
        found.setdefault(unit, []).append(ref)
    matching = Matching(
        {one: present.get(one, ()) for one in olds.split()},
        found,  # type: ignore[arg-type]
        present,
        unproven.split(),
        staying=frozenset(staying.split()),
        all_named=all_named,
    )
    two = [tuple(pair.split(">")) for pair in pairs.split()]
    return " ".join(f"{m.old or ''}>{m.new or ''}" for m in matching.matches(two))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "olds", "news", "expected"),
    [
        ("i-1 i-2", "i-1 i-2", "i-8 i-9", "i-1>i-8 i-2>i-9"),  # in order
        ("i-1:80 i-2:81", "i-1 i-2", "i-8:81 i-9:80", "i-1>i-9 i-2>i-8"),  # the same ports
        ("i-1 i-9", "i-1", "i-8 i-9", "i-1>i-9 >i-8"),  # one that is in beside it
        ("i-9", "i-1", "i-8 i-9", ">i-8 >i-9"),  # out already, in already
        ("i-2 i-9=0", "i-1 i-2", "i-9", "i-2>i-9"),  # out already; one that waits has taken no place yet
        ("i-2:81 i-8:81 i-9:80", "i-1 i-2", "i-8 i-9", "i-2>i-8 >i-9"),  # that of one on other ports
        (
            "eni-1@10.0.0.1 i-2",
            "i-2 eni-1@10.0.0.1",
            "i-9 eni-1@10.0.0.2",
            "eni-1@10.0.0.1>eni-1@10.0.0.2 i-2>i-9",
        ),
        ("i-1", "i-1", "", "i-1>"),
        ("i-1", "", "i-9", ">i-9"),
    ],
)
def test_what_takes_which_place(of: str, olds: str, news: str, expected: str) -> None:
    assert sorted(expected.split()) == sorted(matched(of, olds, news).split())


def test_the_units_of_a_requested_pair_are_matched_in_order() -> None:
    of = "eni-1@10.0.0.1 eni-1@10.0.0.2 i-3"
    assert "eni-1@10.0.0.1>i-9 eni-1@10.0.0.2> i-3>i-8" == matched(
        of, "eni-1@10.0.0.1 eni-1@10.0.0.2 i-3", "i-9 i-8", "eni-1>i-9"
    )


def test_every_unit_is_matched_once() -> None:
    said = matched("i-1 i-2 i-3 i-9=0", "i-1 i-2 i-3", "i-7 i-8 i-9", "i-1>i-8").split()
    assert 3 == len({one.split(">")[0] for one in said}) == len({one.split(">")[1] for one in said})


def test_what_stays_anyway_is_matched_last() -> None:
    assert "i-2>i-9 i-1>" == matched("i-1 i-2", "i-1 i-2", "i-9", staying="i-1")
    assert "i-1>i-9 >i-8" == matched("i-1", "i-1", "i-8 i-9", staying="i-8")


def test_of_an_event_one_that_is_in_may_have_a_place_that_nobody_remembers() -> None:
    assert "i-2>i-9 >i-8" == matched("i-2 i-8", "i-2", "i-8 i-9", all_named=False)
    assert "i-2>i-8 >i-9" == matched("i-2 i-8", "i-2", "i-8 i-9")
    assert "i-2>i-9 >i-8" == matched("i-2 i-8", "i-2", "i-8 i-9", unproven="i-8")
