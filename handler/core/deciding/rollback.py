"""Rolling back changes that were given up: new backends out, old ones in as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.steps import Add, Do, Modify, Remove
from handler.core.model.values import Backend, Pair, Refusal, server_of


def undo(situation: Situation) -> Do | None:
    """Return the next step that takes the changes given up back to how the run found them.

    An old server that a scaling group lists in service changes places with the new one. Any other is put back
    first, and the new one goes only once that succeeded. If the load balancer has no room for either, the new
    one goes first: it failed, and serves nobody.
    """
    suspecting, situation = situation, replace(situation, focus=())
    given_up = [status for status in situation.changes if status.given_up]
    lowered = lift(given_up, suspecting)
    if lowered:
        return lowered
    swaps = [] if situation.state.modify_is_full else given_up
    pairs = situation.batch(pair for status in swaps for pair in _back_in_place(status, situation))
    if pairs:
        return Do(Modify(pairs), "take_back")
    lost = [backend for status in given_up for backend in _lost(status, situation)]
    back = suspecting.about(lost).batch_with_room(lost)
    if back:
        return Do(Add(back), "put_back")
    if not situation.observed.fresh:
        return None  # new ones go only after a reading shows the old ones back
    over = _spared([s for s in given_up if lost or not _owes(s, situation)], situation)
    ours = situation.batch(b for status in over for b in _ours(status, situation))
    return Do(Remove(ours), "take_back") if ours else None


def _spared(statuses: Iterable[ChangeStatus], situation: Situation) -> list[ChangeStatus]:
    """Return those whose new unit serves nobody, or is not needed for the floor: it may be normal by now."""
    room, spared = situation.room, []
    for status in statuses:
        serves = status.change.new in situation.look.in_service
        if room > 0 if serves else room >= 0 or not _may_serve_alone(status, situation):
            spared.append(status)
            room -= serves
    return spared


def _may_serve_alone(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether some check finds the new side normal, and no old unit that serves is or comes back."""
    observed, first = situation.observed, situation.state.first
    return (
        any(b.weight and observed.is_normal_for_some(b.key) for b in status.in_now)
        and not any(map(first.gets_requests, _lost(status, situation)))
        and not any(map(observed.gets_requests, status.out_now))
    )


def lift(statuses: Iterable[ChangeStatus], situation: Situation) -> Do | None:
    """Give old backends back the weight that a drain of this run or an earlier one took."""
    lowered = [backend for status in statuses for backend in _lowered(status, situation)]
    return situation.about(lowered).set_weights(lowered, "put_back")


def late(situation: Situation) -> tuple[Refusal, ...]:
    """Return what to give up because its time is over, if that can be taken back.

    A new server stays if its old one cannot come back, or if it replaces none: taking it out would gain
    nothing. So does one that was in the group before this run.
    """
    waited = {"waited_s": int(situation.policy.health_timeout_s)}
    return tuple(
        Refusal(status.change.new or "", "not_healthy", numbers={**waited, **status.failed_gates})
        for status in situation.pending
        if status.late and _ours(status, situation) and _can_go_back(status, situation)
    )


def _can_go_back(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether the old backends are still there or can come back."""
    if not status.change.out or status.change.gone:
        return False
    return len(status.out_now) == len(status.change.out) or _may_return(status, situation)


def giving_up(situation: Situation, which: Callable[[ChangeStatus], bool]) -> Situation:
    """Return the situation with those changes given up too that ``which`` picks."""
    changes = tuple(replace(s, given_up=s.given_up or which(s)) for s in situation.changes)
    return replace(situation, changes=changes)


def is_half_done(status: ChangeStatus) -> bool:
    """Tell whether the new side is in without weight beside the old one, or neither is in."""
    if status.in_now:
        return bool(status.out_now and status.brings_weight) and not any(b.weight for b in status.in_now)
    return bool(status.change.out and status.change.into and not status.out_now)


def is_taken_back(situation: Situation) -> bool:
    """Tell whether no new backend that was given up is left in the group."""
    return not any(_ours(status, situation) for status in situation.changes if status.given_up)


def _ours(status: ChangeStatus, situation: Situation) -> tuple[Backend, ...]:
    """Return the new backends that this run put in, or that an earlier one left waiting for their weight."""
    start, put_in = situation.state.start.backends, situation.state.has_put_in

    def has_waited(b: Backend) -> bool:
        """Tell whether it waits, or has its weight from this run."""
        found = start.get(b.key, b)
        waited = found.weight == 0 and found.description == situation.policy.marks.waiting
        return waited and (b == found or b in status.change.into)

    return tuple(b for b in status.in_now if put_in(b) or has_waited(b))


def _lost(status: ChangeStatus, situation: Situation) -> tuple[Backend, ...]:
    """Return the old backends that this run took out and that can come back."""
    if not _may_return(status, situation):
        return ()
    here, put_back = situation.observed.group.backends, situation.policy.marks.put_back
    out = (b for b in status.change.out if b.key not in here and b.key in situation.state.taken)
    return tuple(map(put_back, out))


def _may_return(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether an old server may be put in again: not if it is gone, about to go, or refused."""
    old = status.change.old or ""
    if status.change.gone or old in situation.state.refused:
        return False
    server_id = server_of(old)
    unfit = situation.observed.why_not_launched(server_id)
    return server_id not in situation.goal.desired.doomed and not unfit


def _owes(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether an old backend is out, for whatever reason: then only the new one is left."""
    here = situation.observed.group.backends
    return any(backend.key not in here for backend in status.change.out)


def _lowered(status: ChangeStatus, situation: Situation) -> tuple[Backend, ...]:
    """Return drained old backends as they were before the drain, whichever run of ours began it."""
    if not status.out_now:
        return ()
    marks, drained = situation.policy.marks, situation.state.drained
    now = {backend.key: backend for backend in status.out_now if backend.weight == 0}
    ours = (b for b in status.change.out if b.key in now and (b.key in drained or not b.weight))
    before = (marks.put_back(backend) for backend in ours)
    return tuple(
        replace(b, description=marks.kept(now[b.key])) if b.description == "" else b
        for b in before
        if b.weight > 0
    )


def _back_in_place(status: ChangeStatus, situation: Situation) -> tuple[Pair, ...]:
    if not situation.observed.is_listed_in_service(status.change.old or ""):
        return ()
    lost = {backend.key: backend for backend in _lost(status, situation)}
    ours = {backend.key: backend for backend in _ours(status, situation)}
    return tuple(
        Pair(old=ours[pair.new.key], new=lost[pair.old.key])
        for pair in status.change.pairs
        if pair.old.key in lost and pair.new.key in ours
    )
