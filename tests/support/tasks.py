"""One task of the function's scheduler, run by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from handler.running.ports import Clock
from handler.running.scheduler import Scheduler, Task

_T = TypeVar("_T")


def alone(task: Task[_T], clock: Clock, each_turn: Callable[[], None]) -> _T:
    """Run one task to its end, and return its result."""
    results: list[_T] = []

    def kept() -> Task[None]:
        results.append((yield from task))

    scheduler = Scheduler(clock, each_turn)
    scheduler.add(kept())
    scheduler.run()
    return results[0]
