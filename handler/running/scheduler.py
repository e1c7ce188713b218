"""Runs tasks side by side without threads: each yields the time at which to go on."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from itertools import count
from typing import TypeAlias, TypeVar

from handler.running.ports import Clock

_T = TypeVar("_T")

#: Yields the time, in seconds of the clock, at which to go on; returns its result.
Task: TypeAlias = Generator[float, None, _T]

#: The longest sleep, in seconds, so that what is done each turn, such as a heartbeat, is never late.
NAP_S = 5.0


class Scheduler:
    """Wakes the task whose time has come. ``each_turn`` is called before each task and after each sleep."""

    def __init__(self, clock: Clock, each_turn: Callable[[], None]) -> None:
        self._clock, self._each_turn = clock, each_turn
        self._waiting: list[tuple[float, int, Task[None]]] = []
        self._number = count()

    def add(self, task: Task[None]) -> None:
        """Start a task, which must not raise; tasks may add others."""
        self._wake(task, self._clock.now())

    def _wake(self, task: Task[None], at: float) -> None:
        heapq.heappush(self._waiting, (at, next(self._number), task))

    def run(self) -> None:
        """Return once all tasks have ended."""
        while self._waiting:
            at, _, task = heapq.heappop(self._waiting)
            self._each_turn()
            while (seconds := at - self._clock.now()) > 0:
                self._clock.sleep(min(seconds, NAP_S))
                self._each_turn()
            for wake_at in task:
                self._wake(task, wake_at)
                break
