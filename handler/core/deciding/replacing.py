"""Replacing servers by the target's strategy: ``swap`` or ``surge``.

To swap is a ModifyVServerGroupBackendServers, in waves no larger than can be spared. To surge is to let new
servers in at weight 0 beside the old ones; they get their weight once they are normal.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from msgspec.structs import replace

from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.steps import Add, Do, Modify, Remove


def replace_free(situation: Situation) -> Do | None:
    """Replace at once servers that are not in service: gone, abnormal or drained."""
    free = (
        status
        for status in situation.changes
        if _is_free(status, situation)
        and situation.is_drained(status)
        and (status.change.gone or situation.has_time or _is_begun(status, situation))
    )
    return _modify(free, situation)


def replace_serving(situation: Situation) -> Do | None:
    """Begin another wave, unless new servers failed or are abnormal, or time is short.

    A full load balancer ends a wave that surges; the next one waits until servers make room.
    """
    ready = (s for s in situation.changes if s.to_swap and not s.given_up and not s.is_stuck)
    serving = [status for status in ready if not _is_free(status, situation)]
    suspicious = any(status.abnormal for status in situation.pending)
    if not serving or situation.has_stopped or suspicious or not situation.has_time:
        return None
    if _surges(situation):
        step = _add_beside(serving, situation)
        # What was added beside an old server will make room, or has to be waited for.
        if step or any(s.in_now and s.out_now and not s.given_up for s in situation.changes):
            return step
    return _swap(serving, situation)


def _surges(situation: Situation) -> bool:
    """Tell whether to add new servers first: by the strategy, or because no old one can ever be spared.

    New servers that wait for their health, and old ones that drain, count as done: they may make room.
    """
    if situation.strategy == "surge":
        return True
    coming = sum(status.brings_weight for status in situation.pending)
    return situation.room + coming + len(situation.draining) <= 0


def _add_beside(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    """Add new backends at weight 0, marked as waiting, beside the serving old ones that they replace.

    A backend that stays at weight 0 is finished, and gets no mark. Nor does a backend that is to have no
    description: no call could empty it again.
    """
    mark = situation.policy.marks.waiting
    chosen = situation.batch_with_room(
        replace(b, weight=0, description=mark if b.description and b.weight else b.description)
        for status in statuses
        for b in status.missing
    )
    return Do(Add(chosen), "surge") if chosen else None


def _swap(serving: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    """Replace as many serving servers as can be spared: they count as lost until the new ones are normal.

    Nothing promises that ModifyVServerGroupBackendServers is atomic, or that it puts the old ones back when
    the new ones are refused.
    """
    room = situation.room
    wave: list[ChangeStatus] = []
    for status in serving:
        if situation.focus and not {status.change.new, status.change.old} & {*situation.focus}:
            continue
        if not status.removal_costs_capacity or room > 0:
            wave.append(status)
            room -= status.removal_costs_capacity
    drained = (status for status in wave if situation.is_drained(status))
    return situation.drain(wave) or _modify(drained, situation)


def _is_free(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether swapping costs nothing. While ``surge`` has room, it swaps only what is gone."""
    if not status.to_swap or status.given_up or status.is_stuck:
        return False
    if status.change.gone:
        return True
    swaps = situation.strategy == "swap" or situation.state.room_for(1) == 0
    return swaps and not status.serving


def _is_begun(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether this run has begun to take the old side out, by draining it."""
    return any(backend.key in situation.state.drained for backend in status.out_now)


def _modify(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    pairs = situation.batch(chain.from_iterable(status.to_swap for status in statuses))
    if not pairs:
        return None
    if situation.state.modify_is_full:
        return Do(Remove(tuple(pair.old for pair in pairs)), "replace")
    return Do(Modify(pairs), "replace")
