"""The steps that both strategies share: add, give weights, take out replaced and unreplaced servers."""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.steps import Add, Do, Remove
from handler.core.model.values import Backend, Key


def put_back_drained(situation: Situation) -> Do | None:
    """Give drained backends that stay their weight back, whichever run drained them."""
    here = situation.observed.group.backends
    drained = [then for b, then in situation.goal.put_back if here.get(b.key) == b]
    if situation.state.drained:
        drained += _staying(situation, known={backend.key for backend in drained})
    return situation.about(drained).set_weights(drained, "put_back")


def _staying(situation: Situation, known: set[Key]) -> list[Backend]:
    """Return backends that this run drained but that stay, as they were, except ``known`` ones."""
    here, start = situation.observed.group.backends, situation.state.start.backends
    known |= {b.key for status in situation.changes for b in (*status.change.out, *status.change.into)}
    return [
        replace(start[key], description=situation.policy.marks.kept(here[key]))
        for key in situation.state.drained
        if key not in known and key in start and key in here and here[key].weight == 0 < start[key].weight
    ]


def add_missing(situation: Situation) -> Do | None:
    """Add new backends with no old one left to replace, at their weight: that gives capacity at once.

    Replacements of old backends that are out come first: on a full load balancer the free place is theirs.
    """
    entries: list[Backend] = []
    for status in sorted(situation.changes, key=lambda status: not status.change.out):
        if not status.given_up:
            swapped = {pair.new.key for pair in status.to_swap}
            entries += [backend for backend in status.missing if backend.key not in swapped]
    chosen = situation.batch_with_room(entries)
    return Do(Add(chosen), "add") if chosen else None


def weigh(situation: Situation) -> Do | None:
    """Give new backends their weight: beside a serving old one only once they are normal.

    The documents do not say for certain whether weight 0 is checked. So a backend without a verdict by half
    of the time gets its weight: the old one still serves, and stays until the new one is normal. While
    another new one is abnormal, none gets its weight this way: the build may be bad.
    """
    unfinished = [s for s in situation.changes if s.wrong_weight and not s.given_up]
    if not unfinished:
        return None
    # What is to serve nobody any more waits until the replaced have gone: both take from the same room.
    room = 0 if any(map(_is_to_retire, situation.changes)) else situation.room_for_removals
    suspicious = any(status.abnormal for status in situation.pending)
    chosen: list[Backend] = []
    for status in unfinished:
        untried = not suspicious and _may_be_unchecked(status, situation)
        if status.proven or untried or not status.out_now or status.change.gone:
            lowered = [backend for backend in status.wrong_weight if backend.weight == 0]
            costs = situation.look.leaves_service(status.change.new, lowered)
            chosen += [b for b in status.wrong_weight if b.weight or not costs or room > 0]
            room -= costs
    return situation.set_weights(chosen, "weigh")


def raise_weights(situation: Situation) -> Do | None:
    """Give new backends their weight as ``weigh`` does, unless that is to be 0 for some of their server."""
    rising = (s for s in situation.changes if all(backend.weight for backend in s.wrong_weight))
    return weigh(replace(situation, changes=tuple(rising)))


def _is_to_retire(status: ChangeStatus) -> bool:
    """Tell whether the old side is still to go for a new one that takes requests."""
    return bool(status.out_now) and status.brings_weight and not (status.given_up or status.is_stuck)


def _may_be_unchecked(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether the new side has waited long, and may lack a verdict only because of its weight 0."""
    observed, gates = situation.observed, situation.goal.gates
    return status.waited_s >= situation.policy.health_timeout_s / 2 and all(
        observed.is_normal(b.key, gates) or (b.weight == 0 and not observed.is_abnormal(b.key, gates))
        for b in status.in_now
    )


def retire(situation: Situation) -> Do | None:
    """Take out old backends whose replacements are proven, and gone servers."""
    replaced = [
        status
        for status in situation.changes
        if status.out_now
        and not status.is_stuck
        and not status.to_swap
        and not status.given_up
        and (status.change.gone or (status.change.into and status.is_replaced))
    ]
    # A new side at weight 0 replaces nothing.
    lasting = [status for status in replaced if status.brings_weight]
    ending = [status for status in replaced if not status.brings_weight]
    return _take_out(lasting, situation, are_replaced=True) or _take_out(ending, situation)


def remove(situation: Situation) -> Do | None:
    """Take out servers that nothing replaces; the guards have allowed it.

    Once new servers have failed, only those go that leave anyway: a drain is better than a sudden end.
    """
    if situation.has_stopped:
        leaving = situation.observed.is_leaving
        ending = [s for s in situation.changes if s.out_now and leaving(s.change.old or "")]
        unpaired = [s for s in ending if not (s.change.into and s.serving)]
    else:
        unpaired = [s for s in situation.changes if s.out_now and not s.change.into]
    left = [
        status
        for status in unpaired
        if not status.given_up
        and not status.is_stuck
        and status.change.together not in situation.failed_together
    ]
    return _take_out(left, situation)


def _take_out(statuses: list[ChangeStatus], situation: Situation, *, are_replaced: bool = False) -> Do | None:
    if not statuses:
        return None
    room = situation.room if are_replaced else situation.room_for_removals
    allowed: list[ChangeStatus] = []
    for status in statuses:
        if not status.removal_costs_capacity or room > 0:
            allowed.append(status)
            room -= status.removal_costs_capacity
    ready = (status for status in allowed if situation.is_drained(status))
    out = situation.batch(b for status in ready for b in status.out_now)
    return Do(Remove(out), "retire") if out else situation.drain(allowed)
