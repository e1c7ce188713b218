"""When to try again, and how long to wait before that."""

from __future__ import annotations

from msgspec import Struct

FIRST_S = 0.5
LONGEST_S = 10.0


def delay(attempts: int, jitter: float) -> float:
    """Return the seconds to wait after ``attempts`` failures in a row: full jitter under a doubling cap.

    ``jitter`` is a random share, from 0 up to 1, so that callers that failed together do not retry together.
    The wait is at least a tenth of the cap, so that no random number makes a hot loop.
    """
    cap = min(LONGEST_S, FIRST_S * float(1 << min(attempts - 1, 16)))
    return cap * (0.1 + 0.9 * jitter)


class Retry(Struct, frozen=True):
    """When to call again after a failure that may pass. ``at`` is in seconds of the clock."""

    attempts: int = 0
    at: float = 0.0
    trouble: str = ""

    def failed(self, trouble: str, now: float, jitter: float) -> Retry:
        """Return when to try again after one more failure."""
        attempts = self.attempts + 1
        return Retry(attempts, now + delay(attempts, jitter), trouble)
