"""Reads listings by tokens, page by page: only a page without a token is the last, even if one is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from handler.cloud import parsing

#: Pages without a row that may follow each other, and pages of a listing, at most.
_MOST_EMPTY: Final = 5
_MOST: Final = 100


def answers(
    read: Callable[[Mapping[str, str]], Mapping[str, Any]], params: Mapping[str, str], *path: str
) -> Iterator[Mapping[str, Any]]:
    """Yield every page of a listing whose rows are at ``path``; ``read`` makes a call with parameters.

    Raises parsing.Malformed if the tokens lead nowhere: what is missing then must not pass for absent.
    """
    asked, known, empty = dict(params), {""}, 0
    while True:
        answer = read(asked)
        yield answer
        token = str(answer.get("NextToken") or "")
        if not token:
            return
        empty = 0 if parsing.rows(answer, *path) else empty + 1
        if token in known or empty > _MOST_EMPTY or len(known) >= _MOST:
            raise parsing.Malformed("NextToken leads to no end")
        known.add(token)
        asked = {**params, "NextToken": token}
