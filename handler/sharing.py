"""Readings of the cloud that the targets of one delivery share.

Several targets often have one load balancer, one scaling group and the same instances. What one of them has
read a moment ago is news to another; never to the one that read it, which looks again for what has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class _Reading(NamedTuple):
    """An answer, when it was asked for (seconds of the clock), and what it is an answer of."""

    answer: Any
    at: float
    subject: str


class Readings:
    """What was read in one delivery. ``now`` is its clock, in seconds that never go back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._readings: dict[Hashable, _Reading] = {}

    def reader(self) -> Reader:
        """Return a reader for one run."""
        return Reader(self._now, self._readings)


class Reader:
    """One run's part in the readings of its delivery."""

    def __init__(self, now: Callable[[], float], readings: dict[Hashable, _Reading]) -> None:
        self._now, self._readings = now, readings
        self._had: dict[Hashable, _Reading] = {}

    def read(self, subject: str, question: Hashable, seconds: float, ask: Callable[[], _T]) -> _T:
        """Return what others have read within so many seconds and this run has not had yet, or else ask.

        ``subject`` is what the answer tells of: a load balancer, for instance. What ``ask`` raises is raised.
        """
        found = self._news(question, seconds)
        if found is None:
            at = self._now()
            found = self._put(question, _Reading(ask(), at, subject))
        answer: _T = found.answer
        return answer

    def read_each(
        self,
        subject: str,
        questions: tuple[str, ...],
        seconds: float,
        ask: Callable[[tuple[str, ...]], dict[str, _T]],
    ) -> dict[str, _T]:
        """Do the same with several questions, of which those that are left are asked at once.

        An answer that lacks a question is an answer to it, too.
        """
        known = {one: found for one in questions if (found := self._news((subject, one), seconds))}
        left = tuple(one for one in questions if one not in known)
        if left:
            at, answers = self._now(), ask(left)
            known |= {one: self._put((subject, one), _Reading(answers.get(one), at, subject)) for one in left}
        return {one: known[one].answer for one in questions if known[one].answer is not None}

    def spoil(self, subject: str) -> None:
        """Let nothing that was read of a subject so far be an answer any more, since we have changed it."""
        for question in [one for one, found in self._readings.items() if found.subject == subject]:
            del self._readings[question]

    def _news(self, question: Hashable, seconds: float) -> _Reading | None:
        found = self._readings.get(question)
        if found is None or found is self._had.get(question) or self._now() - found.at > seconds:
            return None
        self._had[question] = found
        return found

    def _put(self, question: Hashable, reading: _Reading) -> _Reading:
        self._readings[question] = self._had[question] = reading
        return reading
