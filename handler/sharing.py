"""Readings of the cloud that the targets of one delivery share.

Several targets often have the same load balancer, scaling group and instances. A run may use what another run
has just read, but never its own reading again: it looks again to see what has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class _Reading(NamedTuple):
    """An answer, when it was asked for (seconds of the clock), and the subject that it is about."""

    answer: Any
    at: float
    subject: str


#: What one delivery has read.
Readings = dict[Hashable, _Reading]


class Reader:
    """One run's view of its delivery's readings. ``now`` is a clock, in seconds that never go back."""

    def __init__(self, now: Callable[[], float], readings: Readings) -> None:
        self._now, self._readings = now, readings
        self._had: dict[Hashable, _Reading] = {}

    def read(self, subject: str, question: Hashable, seconds: float, ask: Callable[[], _T]) -> _T:
        """Return another run's reading that is at most ``seconds`` old and new to this run; else ask.

        ``subject`` is what the answer is about, such as a load balancer. Raises what ``ask`` raises.
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
        """Do the same for several questions; those without a reading are asked together.

        If an answer leaves a question out, that is an answer to it too.
        """
        known = {one: found for one in questions if (found := self._news((subject, one), seconds))}
        left = tuple(one for one in questions if one not in known)
        if left:
            at, answers = self._now(), ask(left)
            known |= {one: self._put((subject, one), _Reading(answers.get(one), at, subject)) for one in left}
        return {one: known[one].answer for one in questions if known[one].answer is not None}

    def spoil(self, subject: str) -> None:
        """Forget all readings of a subject, because we have changed it."""
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
