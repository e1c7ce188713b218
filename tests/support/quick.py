"""The function's entry points with a clock that nobody waits for, for worker processes of the local cloud.

A delivery then takes the time of its calls, however long the function waits for health or backs off.
"""

from __future__ import annotations

import random
import time
from typing import Any

from handler import main
from handler import webhook as door
from handler.running import beside


class _Turned:
    """A clock that a sleep turns forward; it is no slower than the real one."""

    ahead = 0.0

    @classmethod
    def now(cls) -> float:
        return time.monotonic() + cls.ahead

    @classmethod
    def sleep(cls, seconds: float) -> None:
        cls.ahead += seconds

    jitter = staticmethod(random.random)


main._Clock = _Turned  # type: ignore[assignment,misc]
main._beside = beside.in_turn  # so that a schedule is played the same way each time

initialize = main.initialize
webhook = door.webhook


def swap(event: Any, context: Any) -> Any:
    """Run ``handler.main.swap`` on the turned clock."""
    return main.swap(event, context)
