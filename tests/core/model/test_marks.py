"""What the description of a backend says of our doings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.model.marks import Marks
from tests.support.builders import backend

MARKS, OTHER = Marks("web"), Marks("web2")


@pytest.mark.parametrize(
    ("before", "drained", "put_back"),
    [
        ("i-1=30#slb-swap/web", "i-1=0#swap-30/web", "i-1=30#slb-swap/web"),
        ("i-1=30", "i-1=0#swap_30/web", "i-1=30#swap_/web"),
        ("i-1=30#swap_/web", "i-1=0#swap_30/web", "i-1=30#swap_/web"),
        ("i-1#", "i-1=0#swap_100/web", "i-1#swap_/web"),
    ],
)
def test_what_a_drain_took_is_known_again(before: str, drained: str, put_back: str) -> None:
    lowered = MARKS.drained(backend(before))
    assert backend(drained) == lowered
    assert (backend(before).weight, backend(put_back)) == (
        MARKS.drained_from(lowered),
        MARKS.put_back(lowered),
    )


@pytest.mark.parametrize("description", ["blue", "slb-swap/api", "slb-swap.web", "swap-30", "swap-30/web2"])
def test_a_description_of_others_is_never_overwritten_and_so_does_not_remember(description: str) -> None:
    lowered = MARKS.drained(backend(f"i-1=30#{description}"))
    assert backend(f"i-1=0#{description}") == lowered
    assert MARKS.drained_from(lowered) is None
    assert not MARKS.remembers(description)


@pytest.mark.parametrize(
    "said",
    [
        "i-1=30#swap-30/web",  # it has its weight
        "i-1=0#swap-0/web",
        "i-1=0#swap-101/web",
        "i-1=0#swap-1000/web",
        "i-1=0#swap-30/web2",
        "i-1=0#swap_/web",
        "i-1=0#slb-swap/web",
        "i-1=0#slb-swap.web",
        "i-1=0",
        "i-1=0#swap-30/web ",
        "i-1=0#my swap-30/web",
    ],
)
def test_all_else_at_weight_0_was_drained_by_somebody_else(said: str) -> None:
    assert MARKS.drained_from(backend(said)) is None
    assert backend(said).weight == MARKS.put_back(backend(said)).weight


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("i-1#slb-swap/web", True),
        ("i-1=0#slb-swap.web", True),
        ("i-1=0#swap-30/web", True),
        ("i-1=0#swap_30/web", False),  # it had no description: it is not ours
        ("i-1#swap_/web", False),
        ("i-1", False),
        ("i-1#slb-swap/web2", False),
        ("i-1#blue", False),
    ],
)
def test_ours_is_what_we_added_whatever_we_did_to_it_since(said: str, expected: bool) -> None:
    assert expected == MARKS.owns(backend(said))


@pytest.mark.parametrize(
    "description", ["", "slb-swap/web", "slb-swap.web", "swap-30/web", "swap_30/web", "swap_/web"]
)
def test_our_words_carry_over_to_nobody(description: str) -> None:
    assert "" == MARKS.handed_on(description)


@pytest.mark.parametrize("description", ["blue", "slb-swap", "swap-30", "swap_", "swap", "my slb-swap/web"])
def test_what_others_wrote_carries_over(description: str) -> None:
    assert description == MARKS.handed_on(description)


@given(st.integers(1, 100), st.sampled_from(["", MARKS.ours]))
def test_no_weight_is_lost_by_a_drain(weight: int, description: str) -> None:
    lowered = MARKS.drained(backend(f"i-1={weight}#{description}"))
    assert (0, weight) == (lowered.weight, MARKS.put_back(lowered).weight)
    assert OTHER.drained_from(lowered) is None


def test_a_mark_fits_into_a_description_for_a_name_of_71_characters() -> None:
    name = "x" * 71
    marks = Marks(name)
    words = [marks.ours, marks.waiting, marks.drained(backend(f"i-1#{marks.ours}")).description]
    words.append(marks.drained(backend("i-1")).description)
    assert max(map(len, words)) <= 80


def test_a_drain_is_drained_once() -> None:
    once = MARKS.drained(backend("i-1=30#slb-swap/web"))
    assert "slb-swap/web" == MARKS.kept(once)
    assert "blue" == MARKS.kept(backend("i-1=0#blue"))
