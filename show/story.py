"""A run as it is told: what each server's weight and health were, the calls, the waves, the traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

State = Literal["normal", "unproven", "abnormal"]


@dataclass(slots=True)
class Span:
    """A server in the group from `start` to `end`, in seconds of the story."""

    start: float
    end: float
    weight: int
    state: State


@dataclass(slots=True)
class Lane:
    """A backend over time. `first`: it was in the group when the story began."""

    name: str
    first: bool
    spans: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mark:
    """A write that was sent: its call, what it was for, and what was answered."""

    at: float
    action: str
    why: str
    result: str
    code: str


@dataclass(frozen=True, slots=True)
class Count:
    """Requests that were sent from `at` on, until the next count, and those that failed."""

    at: float
    requests: int
    failed: int


@dataclass(slots=True)
class Story:
    """All of it; times are seconds since the first line."""

    target: str = ""
    outcome: str = ""
    reason: str | None = None
    seconds: float = 0.0
    end: float = 0.0
    lanes: list[Lane] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    waves: list[tuple[float, float]] = field(default_factory=list)
    floor: int | None = None
    traffic: list[Count] = field(default_factory=list)

    def in_service(self) -> list[tuple[float, int]]:
        """How many servers with a weight are known to be healthy, whenever that changes."""
        changes: dict[float, int] = {}
        for lane in self.lanes:
            for span in lane.spans:
                if span.weight and span.state == "normal":
                    changes[span.start] = changes.get(span.start, 0) + 1
                    changes[span.end] = changes.get(span.end, 0) - 1
        count, series = 0, []
        for at in sorted(changes):
            count += changes[at]
            if at < self.end:
                series.append((at, count))
        return series
