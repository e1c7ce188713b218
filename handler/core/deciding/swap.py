"""Swapping: ModifyVServerGroupBackendServers, in waves no larger than can be spared."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from handler.core.deciding import drain
from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.decisions import Do
from handler.core.model.steps import Modify, Remove


def replace_free(situation: Situation) -> Do | None:
    """Replace at once servers that are not in service: gone, abnormal or drained."""
    free = (
        status
        for status in situation.changes
        if _is_free(status, situation)
        and drain.is_done(status, situation)
        and (status.change.gone or situation.has_time or _is_begun(status, situation))
    )
    return _modify(free, situation)


def replace_wave(situation: Situation) -> Do | None:
    """Replace as many serving servers as can be spared: they count as lost until the new ones are normal.

    Nothing promises that ModifyVServerGroupBackendServers is atomic, or that it puts the old ones back when
    the new ones are refused.
    """
    room = situation.room
    wave: list[ChangeStatus] = []
    for status in serving(situation):
        if situation.focus and not {status.change.new, status.change.old} & {*situation.focus}:
            continue
        if not status.removal_costs_capacity or room > 0:
            wave.append(status)
            room -= status.removal_costs_capacity
    drained = (status for status in wave if drain.is_done(status, situation))
    return drain.begin(wave, situation) or _modify(drained, situation)


def serving(situation: Situation) -> list[ChangeStatus]:
    """Return the changes whose old side serves and whose new side is not in yet."""
    ready = (s for s in situation.changes if s.to_swap and not s.given_up and not s.is_stuck)
    return [status for status in ready if not _is_free(status, situation)]


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
