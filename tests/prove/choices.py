"""Choice points, met as a world goes on, and the depth-first walk over what else could have been chosen.

A world is where it begins, and the sequence of choices that were made in it. It is run with some choices
given; every other one falls on its first option. Each point that was met after the last given choice is then
a way into further worlds: they are run again from the start, so that nothing has to be copied or undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from localcloud.state.readings import TABLE

READING, FAULT = "reading", "fault"

#: The values of the readings that count something, and those of all others in the order of the table.
COUNTED = {"busy_for": (0, 1), "read_lag": (0, 2), "fresh_health": (0, 2)}
#: Readings of what these worlds do not have (RAM, the platform), and the tests that play them.
ELSEWHERE = {
    "busy_ms": "tests/running/test_loop_under_readings.py",
    "ecs_denied": "tests/cloud/test_ecs_denied.py",
    "fc3_body": "tests/e2e/test_door_readings.py",
    "fc3_async_header": "tests/e2e/test_door_readings.py",
    "fc3_task_ids": "tests/e2e/test_door_readings.py",
    "fc3_invoke_resource": "tests/templates/test_least_privilege.py",
    "async_flag": "tests/localcloud/test_functions_newer.py",
}
VALUES: Mapping[str, tuple[Any, ...]] = {
    name: COUNTED.get(name, reading.values) for name, reading in TABLE.items()
}

#: How many readings may have another value than their first, and how many faults strike: any of these pairs.
Budget = Sequence[tuple[int, int]]


class Point(NamedTuple):
    """A choice that was met: what it is about, its options, and whether another one could be afforded."""

    kind: str
    name: str
    options: Sequence[Any]
    open: bool


class Choices:
    """The choices of one world: those given by their position, the first option for all others."""

    def __init__(self, given: Mapping[int, int], budget: Budget) -> None:
        self.given, self.budget = given, budget
        self.points: list[Point] = []
        self.spent = {READING: 0, FAULT: 0}
        self.quiet = False  #: no more faults from now on

    def pick(self, kind: str, name: str, options: Sequence[Any]) -> Any:
        """Return the option that this world has here."""
        at = len(self.points)
        chosen = self.given.get(at, 0)
        self.points.append(Point(kind, name, options, self._affords(kind)))
        if chosen:
            self.spent[kind] += 1
        return options[chosen]

    def _affords(self, kind: str) -> bool:
        readings = self.spent[READING] + (kind == READING)
        faults = self.spent[FAULT] + (kind == FAULT)
        return any(readings <= most and faults <= worst for most, worst in self.budget)

    def fault(self, name: str, options: Sequence[str]) -> str:
        """Return what goes wrong here; "" for nothing."""
        return "" if self.quiet else str(self.pick(FAULT, name, options))

    def named(self) -> list[str]:
        """Say the choices that are not the first options."""
        return [
            f"{self.points[at].name}={self.points[at].options[n]}" for at, n in sorted(self.given.items())
        ]


class Readings(dict[str, Any]):
    """The readings of one world: a choice when one is asked for first, and then kept."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._choices.pick(READING, name, VALUES[name])
        return value


@dataclass(frozen=True)
class Visited:
    """A world that was run. ``changed`` is the reading by which alone it differs from the one it was reached
    from, and whether that made a difference; None where it was reached by a fault, or by nothing.
    """

    given: Mapping[int, int]
    result: Any
    choices: Choices
    changed: tuple[str, bool] | None


def walk(
    play: Callable[[Choices], Any], budget: Budget, fingerprint: Callable[[Any], object]
) -> Iterator[Visited]:
    """Run every world that can be reached within the budget, depth first."""
    waiting: list[tuple[dict[int, int], object]] = [({}, None)]
    while waiting:
        given, before = waiting.pop()
        choices = Choices(given, budget)
        result = play(choices)
        last = max(given, default=-1)
        if any(at >= len(choices.points) for at in given):
            raise AssertionError(f"not the same world twice: {given}")
        mark = fingerprint(result)
        changed = None
        if given and choices.points[last].kind == READING:
            changed = (choices.points[last].name, mark != before)
        yield Visited(given, result, choices, changed)
        for at in range(len(choices.points) - 1, last, -1):
            point = choices.points[at]
            if point.open:
                waiting += [({**given, at: n}, mark) for n in range(1, len(point.options))]


def shorthand(given: Mapping[int, int]) -> str:
    """Write given choices down compactly: position.option, joined by a comma."""
    return ",".join(f"{at}.{n}" for at, n in sorted(given.items()))


def of_shorthand(text: str) -> dict[int, int]:
    """Read what ``shorthand`` wrote."""
    return {int(at): int(n) for at, _, n in (part.partition(".") for part in text.split(",") if part)}
