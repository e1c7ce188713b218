"""Pacing: the targets of one load balancer learn together how long a write keeps it busy.

No document says for how long a load balancer refuses the next write, so it is measured: from the answer to an
accepted write to the sending of the next one. The longest refused time is a lower bound, the shortest
accepted one an upper bound. The next try lies between the two; beyond the longest refused, the time doubles.
"""

from __future__ import annotations

from msgspec import Struct

from handler.core.deciding.backoff import LONGEST_S
from handler.core.model.answers import Result

#: Seconds after an accepted write at which a write that was refused is first tried again.
FIRST_S = 0.06
#: Ratio of the two bounds below which nothing between them is tried any more.
NEAR = 1.25
#: Ratio within which a refused time counts as equal to an accepted one: measured times are not exact.
SAME = 1.05


class _Balancer(Struct):
    """What is known of one load balancer, in seconds; those of ``_at`` are of the clock.

    ``refused`` and ``accepted`` are measured from an accepted write to the next; ``still_busy`` is the
    longest time refused since the last accepted write, 0 if none was.
    """

    ready_at: float
    accepted_at: float | None = None
    refused: float = 0.0
    accepted: float = float("inf")
    still_busy: float = 0.0

    def next_try(self) -> float:
        """Return after how many seconds to send the next write; if it is busy, more than ``still_busy``."""
        if self.still_busy * SAME >= self.accepted or (self.still_busy and self.accepted == float("inf")):
            # Twice as late each time, but by no more than other calls wait for.
            return max(FIRST_S, self.still_busy + min(self.still_busy, LONGEST_S))
        if self.accepted == float("inf"):
            return 0.0
        longest = max(self.refused, self.still_busy)
        between = (max(longest, FIRST_S / 2) * self.accepted) ** 0.5
        return between if self.accepted > longest * NEAR and longest else self.accepted


class Pacing:
    """When each load balancer may be written to again. Times are in seconds of the clock."""

    def __init__(self) -> None:
        self._known: dict[str, _Balancer] = {}

    def ready_at(self, load_balancer_id: str, now: float) -> float:
        """Return when the next write may be sent: now, or when the load balancer should no longer be busy."""
        known = self._known.get(load_balancer_id)
        return max(now, known.ready_at) if known else now

    def is_learning(self, load_balancer_id: str) -> bool:
        """Tell whether our own write keeps a load balancer busy, so that the time can be measured."""
        known = self._known.get(load_balancer_id)
        return known is not None and known.accepted_at is not None

    def wrote(self, load_balancer_id: str, result: Result, sent: float, now: float, retry_at: float) -> None:
        """Note the result of a write that was sent at ``sent`` and answered at ``now``.

        ``retry_at`` is when to try again if it is not known why the load balancer is busy.
        """
        known = self._known.setdefault(load_balancer_id, _Balancer(now))
        if result is Result.BUSY:
            self._refused(known, sent, retry_at)
        elif result in {Result.APPLIED, Result.UNKNOWN}:
            self._accepted(known, sent, now, sure=result is Result.APPLIED)

    @staticmethod
    def _refused(known: _Balancer, sent: float, retry_at: float) -> None:
        if known.accepted_at is None or (not known.still_busy and sent - known.accepted_at > LONGEST_S):
            known.accepted_at = None
            known.ready_at = retry_at  # busy by somebody else's write
            return
        known.still_busy = max(known.still_busy, sent - known.accepted_at, FIRST_S / 2)
        known.ready_at = known.accepted_at + known.next_try()

    @staticmethod
    def _accepted(known: _Balancer, sent: float, now: float, *, sure: bool) -> None:
        # If a time was refused that was accepted before, our last write is not the cause: it teaches nothing.
        if sure and known.accepted_at is not None and known.still_busy * SAME < known.accepted:
            known.refused = max(known.refused, known.still_busy)
            if known.refused:
                known.accepted = min(known.accepted, max(sent - known.accepted_at, known.refused))
        known.accepted_at, known.still_busy = now, 0.0
        known.ready_at = now + known.next_try()
