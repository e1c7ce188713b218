"""Draining: weight 0 for a while before a backend is taken out, unless the listeners do it for us."""

from __future__ import annotations

from collections.abc import Iterable

from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.steps import Do
from handler.core.model.values import Backend


def to_lower(status: ChangeStatus, situation: Situation) -> tuple[Backend, ...]:
    """Return the old backends that have yet to be set to weight 0: those that get requests."""
    if status.change.gone or not situation.drains:
        return ()
    return tuple(filter(situation.observed.gets_requests, status.out_now))


def seconds_left(status: ChangeStatus, situation: Situation) -> float:
    """Return how many seconds the old side still has to drain; all of ``drain_s`` if it has not begun.

    A backend that has a weight but gets no requests is abnormal: it has nothing to drain.
    """
    if status.change.gone or not status.out_now or not situation.drains:
        return 0.0
    now, drain_s = situation.observed.now, situation.policy.drain_s
    if to_lower(status, situation):
        return drain_s
    begun = [situation.state.drained_since(b.key) for b in status.out_now if b.weight == 0]
    return max(0.0, max(begun, default=float("-inf")) + drain_s - now)


def is_done(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether the old side can be taken out without cutting off what it serves."""
    return seconds_left(status, situation) == 0


def under_way(situation: Situation) -> list[ChangeStatus]:
    """Return the changes that are draining: nothing is left to lower, but time is left to wait."""
    return [
        status
        for status in situation.changes
        if not status.given_up and not is_done(status, situation) and not to_lower(status, situation)
    ]


def begin(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    """Set old backends that have to drain to weight 0, if there is time to finish."""
    if not situation.has_time_to_drain:
        return None
    weighted = (backend for status in statuses for backend in to_lower(status, situation))
    return situation.set_weights(map(situation.policy.marks.drained, weighted), "drain")
