"""Draining: weight 0 for a while before a backend is taken out, where no listener does it for us."""

from __future__ import annotations

from collections.abc import Iterable

from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.decisions import Do
from handler.core.model.steps import SetWeight
from handler.core.model.values import Backend


def to_lower(status: ChangeStatus, situation: Situation) -> tuple[Backend, ...]:
    """Return what of the old side has still to be set to weight 0: what gets requests."""
    if status.change.gone or not situation.drains:
        return ()
    return tuple(filter(situation.observed.gets_requests, status.out_now))


def seconds_left(status: ChangeStatus, situation: Situation) -> float:
    """Return how long the old side has still to drain; all of ``drain_s`` where it has not begun.

    What has a weight but gets no requests is abnormal: there is nothing to drain.
    """
    if status.change.gone or not status.out_now or not situation.drains:
        return 0.0
    now, drain_s = situation.observed.now, situation.policy.drain_s
    if to_lower(status, situation):
        return drain_s
    begun = [situation.state.drained_since(b.key) for b in status.out_now if b.weight == 0]
    return max(0.0, max(begun, default=float("-inf")) + drain_s - now)


def is_done(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether the old side may be taken out without cutting what it still serves."""
    return seconds_left(status, situation) == 0


def under_way(situation: Situation) -> list[ChangeStatus]:
    """Return the changes of which nothing has to be lowered any more, and that have still to drain."""
    return [
        status
        for status in situation.changes
        if not status.given_up and not is_done(status, situation) and not to_lower(status, situation)
    ]


def begin(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    """Take to weight 0 what is to be drained before it is taken out, if there is time to see it through."""
    weighted = situation.batch(b for status in statuses for b in to_lower(status, situation))
    if not weighted or not situation.has_time_to_drain:
        return None
    return Do(SetWeight(weighted, tuple(map(situation.policy.marks.drained, weighted))), "drain")
