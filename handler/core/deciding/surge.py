"""Surging: new ones are added at weight 0 beside the old ones, and get their weight once they are normal."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from handler.core.deciding import drain
from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.decisions import Do
from handler.core.model.steps import Add


def add_beside(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    """Add new ones at weight 0 beside the serving old ones that they are to replace, marked as unfinished.

    One that is to have no weight is finished; of one that is to have no description, no call could take it.
    """
    mark = situation.policy.marks.waiting
    chosen = situation.batch_with_room(
        replace(b, weight=0, description=mark if b.description and b.weight else b.description)
        for status in statuses
        for b in status.missing
    )
    return Do(Add(chosen), "surge") if chosen else None


def is_asked_for(situation: Situation) -> bool:
    """Tell whether new ones are added first: by the strategy, or since no old one may ever be spared.

    What waits for its health, or drains, counts as if it had passed: then some may be spared.
    """
    if situation.strategy == "surge":
        return True
    coming = sum(status.brings_weight for status in situation.pending)
    return situation.room + coming + len(drain.under_way(situation)) <= 0


def is_under_way(situation: Situation) -> bool:
    """Tell whether something that was added beside an old one will make room, or has to be waited for."""
    return any(status.in_now and status.out_now and not status.given_up for status in situation.changes)
