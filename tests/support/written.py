"""Counts the writes of every run that a test makes in this process: a run that goes on and on fails its test.

A run is counted where it begins, so whoever starts it is seen: a delivery, a test, a scheduler of several.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from handler.core.model.answers import Result
from handler.core.model.steps import new_side, old_side
from handler.running import loop

#: Writes that a run may make for each backend that its delivery or a write names, and beside.
EACH, BESIDE = 6, 10

#: What the load balancer was too busy for, or had too much of, does not count: only time ends it.
PASSING = frozenset({Result.BUSY, Result.THROTTLED})

#: What went on too long since this was last emptied, in words.
endless: list[str] = []


class _Counted:
    """The port of the load balancer, for one run."""

    def __init__(self, slb: Any) -> None:
        self._slb, self.writes, self.named = slb, 0, set[Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._slb, name)

    def do(self, group: Any, step: Any) -> Any:
        self.named |= {backend.key for backend in (*old_side(step), *new_side(step))}
        answer = self._slb.do(group, step)
        self.writes += answer.result not in PASSING
        return answer


def counted(run: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Generator[Any, Any, Any]]:
    """Return the same run, whose writes are counted."""

    @functools.wraps(run)
    def counting(target: Any, intent: Any, means: Any) -> Generator[Any, Any, Any]:
        ports: list[_Counted] = []

        def slb(reader: Any) -> _Counted:
            ports.append(_Counted(means.slb(reader)))
            return ports[0]

        try:
            return (yield from run(target, intent, replace(means, slb=slb)))
        finally:
            for port in ports:
                written = {key.server_id for key in port.named}
                told = {ref.server_id for ref in (*intent.terminated, *intent.launched)}
                named = len(port.named) + len(told - written)
                if port.writes > EACH * named + BESIDE:
                    endless.append(f"{port.writes} writes of a run that names {named} backends")

    return counting


def pytest_sessionstart() -> None:
    """Count every run of the session."""
    loop.run = counted(loop.run)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Fail a test in which a run went on and on."""
    endless.clear()
    yield
    if endless:
        pytest.fail(endless[0], pytrace=False)
