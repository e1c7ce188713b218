"""Listings by tokens: all pages are read, and tokens without an end are no end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import pytest

from handler.cloud import paging
from handler.cloud.parsing import Malformed


def pages(given: Iterable[tuple[list[int], str]]) -> list[int]:
    """The numbers on the pages, of which each has a token."""
    left, asked = iter(given), []

    def read(params: Mapping[str, str]) -> dict[str, Any]:
        asked.append(params.get("NextToken"))
        numbers, token = next(left)
        return {"Rows": [{"N": n} for n in numbers], "NextToken": token}

    found = [row["N"] for one in paging.answers(read, {"Size": "9"}, "Rows") for row in one["Rows"]]
    assert asked[0] is None
    return found


def test_the_last_page_is_the_one_without_a_token() -> None:
    assert pages([([1], "a"), ([], "b"), ([], "c"), ([2, 3], "")]) == [1, 2, 3]


def test_empty_pages_do_not_add_up_where_others_are_between() -> None:
    some = [([], f"{n}{at}") if at else ([n], f"{n}{at}") for n in range(4) for at in range(4)]
    assert pages([*some, ([9], "")]) == [0, 1, 2, 3, 9]


@pytest.mark.parametrize(
    "given",
    [
        [([1], "a"), ([2], "a")],
        [([1], "a"), ([2], "b"), ([3], "a")],
        [([], str(n)) for n in range(6)],
        (([n], str(n)) for n in count()),
    ],
    ids=["the same token", "tokens in a circle", "only empty pages", "no end"],
)
def test_tokens_that_lead_to_no_end_are_malformed(given: Iterable[tuple[list[int], str]]) -> None:
    with pytest.raises(Malformed):
        pages(given)
