"""The goal of a run: the same at each look, until a scaling group or ECS says something new."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Intent, Key, Refusal
from handler.core.planning.capacity import Capacity, capacity, gates, gone_of, to_serve, unproven, untried
from handler.core.planning.changes import Change, Changes, changes
from handler.core.planning.desired import Desired, desired
from handler.core.planning.guards import guard

#: Servers that a note names at most.
MOST_NAMED = 8


class Goal(Struct, frozen=True, dict=True):
    """What a run is to reach, and its limits on the way.

    ``proposed`` are all changes, ``changes`` those that the guards allow. ``put_back`` are backends that an
    earlier run drained and that stay: each as it is, and as it is to be. ``gates`` are the listeners whose
    check a new server has to pass, ``untried`` the backends of an earlier run that had passed none.
    """

    desired: Desired
    proposed: tuple[Change, ...]
    changes: tuple[Change, ...]
    put_back: tuple[tuple[Backend, Backend], ...]
    capacity: Capacity
    gates: frozenset[str]
    untried: frozenset[Key]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]

    @cached_property
    def entries(self) -> int:
        """How many entries of the group are to change."""
        return len(self.put_back) + sum(len(change.out) + len(change.into) for change in self.proposed)


def goal(
    intent: Intent,
    observed: Observed,
    policy: Policy,
    first: Observed,
    gone: Collection[str] | None = None,
) -> Goal:
    """Return the goal of a run. All but the listings is judged by its ``first`` look.

    ``gone`` are the units that were gone when it began; if None, those that are gone now.
    """
    new = untried(first, policy.marks)
    wanted = desired(intent, observed, policy, first.group, new)
    gating = gates(first, wanted.launched)
    proposed = changes(wanted, first.group, policy, unproven(first, gating))
    if wanted.literal or first.source is Source.ABSENT:
        proposed = _with_left_overs(proposed, first, policy)
    serving = None if wanted.literal else len(to_serve(observed, first, proposed.changes))
    limits = capacity(first, proposed.changes, intent, policy, gone, serving)
    guarded = guard(proposed, wanted, intent, policy, first, limits)
    return Goal(
        desired=wanted,
        proposed=proposed.changes,
        changes=guarded.changes,
        put_back=_put_back(guarded.changes, first, policy),
        capacity=limits,
        gates=gating,
        untried=new,
        refused=(*wanted.refused, *guarded.refused),
        notes=(
            *proposed.notes,
            *_absent(wanted),
            *_notes(observed, first, policy, guarded.changes, gating),
        ),
    )


class Memo:
    """The last goal, kept while the scaling groups and ECS say the same.

    A server that goes by itself after the first look is a loss: the floor does not sink with it.
    """

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._goal: Goal | None = None
        self._gone: frozenset[str] | None = None

    def goal(self, intent: Intent, observed: Observed, policy: Policy, first: Observed) -> Goal:
        """Return the goal of a run."""
        said = (
            observed.servers,
            observed.instances,
            observed.source,
            observed.missing,
            first,
            intent,
            policy,
        )
        if self._goal is None or any(one is not other for one, other in zip(said, self._of, strict=True)):
            self._of, self._goal = said, goal(intent, observed, policy, first, self._gone)
            if self._gone is None:
                self._gone = gone_of(self._goal.proposed)
        return self._goal


def _with_left_overs(proposed: Changes, first: Observed, policy: Policy) -> Changes:
    """Also take out backends that an earlier run added and that nothing will ever give their weight.

    With scaling groups, an event or the timer needs none of this: they know a new server that waits.
    """
    known = {backend.key for change in proposed.changes for backend in (*change.out, *change.into)}
    left = [
        Change(unit, None, backends, gone=True)
        for unit, backends in first.group.units.items()
        if all(b.weight == 0 and b.description == policy.marks.waiting for b in backends)
        and known.isdisjoint(backend.key for backend in backends)
    ]
    return replace(proposed, changes=(*proposed.changes, *left))


def _put_back(
    made: tuple[Change, ...], first: Observed, policy: Policy
) -> tuple[tuple[Backend, Backend], ...]:
    """Return backends that an earlier run drained and no change touches, as they are and are to be."""
    changed = {backend.key for change in made for backend in (*change.out, *change.into)}
    return tuple(
        (backend, policy.marks.put_back(backend))
        for key, backend in first.group.backends.items()
        if key not in changed and policy.marks.drained_from(backend)
    )


def _absent(wanted: Desired) -> Iterator[str]:
    """Yield a note of servers that a request takes out but that are not in: out already, or misspelt."""
    if wanted.not_in_group:
        named, more = wanted.not_in_group[:MOST_NAMED], len(wanted.not_in_group) - MOST_NAMED
        yield f"not_in_group: {' '.join(named)}" + (f" and {more} more" if more > 0 else "")


def _notes(
    observed: Observed, first: Observed, policy: Policy, made: tuple[Change, ...], gating: frozenset[str]
) -> Iterator[str]:
    """Yield notes on the sources, and on what the listeners mean for the changes."""
    yield from (f"scaling_group_missing: {scaling_group}" for scaling_group in observed.missing)
    if observed.instances is None:
        yield "instances_unread"
    listeners = first.listeners
    if any(change.into for change in made):
        yield from (f"listener_never_healthy: {name}" for name in sorted(listeners.checking - gating))
        if not listeners.checking:
            yield "health_unchecked"
    drained = [b for change in made if not change.gone for b in change.out if b.weight]
    if policy.drain_s and drained:
        if listeners.drains:
            yield "drained_by_listener"
        elif listeners.ignores_weight:
            yield "drain_ineffective"
        elif not all(policy.marks.remembers(backend.description) for backend in drained):
            yield "drain_not_remembered"
