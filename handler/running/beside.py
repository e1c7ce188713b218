"""Doing two things at once, or one after the other if a test needs to know the order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, TypeAlias, TypeVar

_T = TypeVar("_T")

#: Does some work beside the ``with`` block, and has finished it at the end of the block. What the work raises
#: is raised there, unless the block raises itself.
Beside: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[None]]


class Handed(Generic[_T]):
    """Hands a value from the block to the work beside it; none once the block has ended."""

    def __init__(self) -> None:
        self._given = threading.Event()
        self._value: _T | None = None

    def give(self, value: _T) -> None:
        """Hand a value over."""
        self._value = value
        self._given.set()

    def take(self) -> _T | None:
        """Wait for the value; None if there will be none."""
        self._given.wait()
        return self._value

    def __enter__(self) -> None:
        """Begin the block that gives the value, or fails to."""

    def __exit__(self, *problem: object) -> None:
        self._given.set()


@contextmanager
def in_turn(work: Callable[[], None]) -> Iterator[None]:
    """Do the work after the block, unless the block raises."""
    yield
    work()


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[None]:
    """Do the work in a thread, and wait for it at the end of the block."""
    raised: list[BaseException] = []

    def kept() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=kept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    for error in raised:
        raise error
