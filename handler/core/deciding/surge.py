"""Surging: new servers come in at weight 0 beside the old ones, and get their weight once they are normal."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from handler.core.deciding import drain
from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.steps import Add, Do


def add_beside(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
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


def is_asked_for(situation: Situation) -> bool:
    """Tell whether to add new servers first: by the strategy, or because no old one can ever be spared.

    New servers that wait for their health, and old ones that drain, count as done: they may make room.
    """
    if situation.strategy == "surge":
        return True
    coming = sum(status.brings_weight for status in situation.pending)
    return situation.room + coming + len(drain.under_way(situation)) <= 0


def is_under_way(situation: Situation) -> bool:
    """Tell whether something added beside an old server will make room, or has to be waited for."""
    return any(status.in_now and status.out_now and not status.given_up for status in situation.changes)
