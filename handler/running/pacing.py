"""Pacing: what the targets of one load balancer know together of when it takes the next write."""

from __future__ import annotations

from handler.core.model.answers import Result


class Pacing:
    """When each load balancer may be written to again. Times are in seconds of the clock."""

    def __init__(self) -> None:
        self._ready_at: dict[str, float] = {}

    def ready_at(self, load_balancer_id: str, now: float) -> float:
        """Return when the next write may be sent: now, or once the load balancer is not busy any more."""
        return max(now, self._ready_at.get(load_balancer_id, now))

    def wrote(self, load_balancer_id: str, result: Result, now: float, retry_at: float) -> None:
        """Take note of what came of a write; ``retry_at`` is when the same target would try again."""
        self._ready_at[load_balancer_id] = retry_at if result is Result.BUSY else now
