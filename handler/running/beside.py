"""Doing two things at once, or one after the other where a test wants to know the order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

#: Does some work beside what is in the ``with`` block, and has done it at the end of the block. What the work
#: raises is raised there, unless the block raises itself.
Beside: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[None]]


@contextmanager
def in_turn(work: Callable[[], None]) -> Iterator[None]:
    """Do the work after the block; not at all where the block raises."""
    yield
    work()


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[None]:
    """Do the work in a thread of its own, which has ended when the block has."""
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
