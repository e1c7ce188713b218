"""A row of the one table: a measure of ours beside another, their ratio, and what it is to be at most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Row:
    """One measure. ``ours`` and ``against`` are medians in ``unit``; ``spread`` is that of ours, as a share.

    Without ``against`` the measure itself is what has a target. ``beside`` says what the other one is.
    """

    measure: str
    unit: str
    ours: float
    against: float | None
    beside: str
    target: float | None
    spread: float = 0.0

    @property
    def ratio(self) -> float | None:
        return None if self.against is None else self.ours / self.against

    @property
    def met(self) -> bool | None:
        judged = self.ours if self.ratio is None else self.ratio
        return None if self.target is None else round(judged, 2) <= self.target

    def as_json(self) -> dict[str, object]:
        return {
            "measure": self.measure,
            "ours": self.ours,
            "against": self.against,
            "ratio": self.ratio,
            "target": self.target,
            "met": self.met,
            "unit": self.unit,
            "beside": self.beside,
            "spread": self.spread,
        }


def spread(found: Sequence[float]) -> float:
    """Half of what lies between the quartiles, as a share of the median."""
    ordered = sorted(found)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    return (high - low) / 2 / median(ordered) if median(ordered) else math.nan


def interleaved(rounds: int, ways: Mapping[str, Callable[[], _T]]) -> dict[str, list[_T]]:
    """Return what each way gave, one round after the other, so that a busy moment is everybody's."""
    found: dict[str, list[_T]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found
