"""Several instances of the function at once, interleaved call by call in an order that a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.level_b import World, patched
from tests.support.looks import Told


def in_lockstep(
    worlds: Sequence[World], events: Sequence[Any], order: Callable[[list[int]], int]
) -> list[Told]:
    """Deliver to several instances at once, over one cloud; before each call ``order`` says whose turn it is.

    The worlds share a gateway (see ``World.beside``). Deterministic: one call is made at a time.
    """
    turns = _Turns(len(worlds))
    told: dict[int, Told] = {}

    def run(me: int) -> None:
        try:
            turns.wait(me)
            told[me] = worlds[me]._swap(json.dumps(events[me]).encode())
        finally:
            turns.end(me)

    threads = [threading.Thread(target=run, args=(me,), daemon=True) for me in range(len(worlds))]
    for me, world in enumerate(worlds):
        world.session.send = _taking_turns(world.session.send, turns, me)  # type: ignore[method-assign]
    with patched():
        for thread in threads:
            thread.start()
        while waiting := turns.waiting():
            turns.give(order(waiting))
        for thread in threads:
            thread.join(10)
    for world in worlds:
        del world.session.send  # and the class's own is back
    return [told[me] for me in range(len(worlds))]


def _taking_turns(send: Callable[..., Any], turns: _Turns, me: int) -> Callable[..., Any]:
    def waited(prepared: Any, **also: Any) -> Any:
        turns.wait(me)
        return send(prepared, **also)

    return waited


class _Turns:
    """Who waits, and whose turn it is; nobody moves while somebody else does."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._running = set(range(count))
        self._turn: int | None = None

    def wait(self, me: int) -> None:
        with self._changed:
            self._waiting.add(me)
            self._running.discard(me)
            self._changed.notify_all()
            while self._turn != me:
                if not self._changed.wait(30):
                    raise AssertionError("nobody gives a turn")
            self._turn = None

    def end(self, me: int) -> None:
        with self._changed:
            self._running.discard(me)
            self._changed.notify_all()

    def waiting(self) -> list[int]:
        """Who waits, once nobody moves; none when all have ended."""
        with self._changed:
            while self._running:
                if not self._changed.wait(30):
                    raise AssertionError("somebody runs for ever")
            return sorted(self._waiting)

    def give(self, turn: int) -> None:
        with self._changed:
            self._waiting.discard(turn)
            self._running.add(turn)
            self._turn = turn
            self._changed.notify_all()
