"""How long to wait before the next try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.deciding.backoff import FIRST_S, LONGEST_S, delay


@pytest.mark.parametrize(
    ("attempts", "cap"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 10.0), (9999, 10.0)]
)
def test_the_cap_doubles_up_to_the_longest(attempts: int, cap: float) -> None:
    assert (cap * 0.1, cap) == (pytest.approx(delay(attempts, 0.0)), pytest.approx(delay(attempts, 1.0)))


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_it_is_never_a_hot_loop_nor_longer_than_the_longest(attempts: int, jitter: float) -> None:
    assert FIRST_S / 10 <= delay(attempts, jitter) <= LONGEST_S
