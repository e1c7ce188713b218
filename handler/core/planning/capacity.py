"""Capacity: the units in service, and the floor that no step may go below."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from handler.core.model.marks import Marks
from handler.core.model.observed import SOME_NORMAL, Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.steps import keys_of
from handler.core.model.values import Backend, Group, Intent, Key, Refusal, ServerRef, Verdict, server_of
from handler.core.planning.changes import Change


class Capacity(Struct, frozen=True):
    """A run's capacity at its start, and its floors, in units: a server, or each address of an ENI or ECI.

    ``floor`` binds replacements, ``floor_for_removals`` what nothing replaces: lower if ``force`` names a
    limit, higher while fewer serve than the scaling groups want. The ``least`` of each is its floor by
    ``min_backends`` alone.
    """

    baseline: int
    floor: int
    floor_for_removals: int
    least: int
    least_for_removals: int

    def refusal(
        self, subject: str, in_service: int, removed: int = 1, *, is_replaced: bool = False
    ) -> Refusal:
        """Return the refusal to take a unit out of service, with the limit that binds.

        Its override is named, except for a replaced unit: nothing overrides the limits there.
        """
        floor, least = self.floor_for_removals, self.least_for_removals
        if is_replaced:
            floor, least = self.floor, self.least
        reason = "min_backends" if floor <= least else "max_unavailable"
        numbers = {"in_service": in_service, "removed": removed, "floor": floor}
        return Refusal(subject, reason, None if is_replaced else reason, numbers)


def capacity(
    first: Observed,
    changes: Iterable[Change],
    intent: Intent,
    policy: Policy,
    gone: Collection[str] | None = None,
    wanted: int | None = None,
) -> Capacity:
    """Return the capacity of a run, judged by its first look.

    ``gone`` are the units that were gone when it began; if None, those that the changes call gone. ``wanted``
    is how many are to serve in the end, None for a request: while fewer do, nothing goes unreplaced that
    would take the units in service further below it than ``max_unavailable`` allows.
    """
    made = tuple(changes)
    base = baseline(first, made, policy.marks, gone, wanted)
    for_removals = floor(policy, base, intent.force)
    if wanted is not None:
        serving = first.serving.difference(gone_of(made) if gone is None else gone)
        for_removals = max(for_removals, min(len(serving), wanted - share(policy.max_unavailable, wanted)))
    return Capacity(base, floor(policy, base), for_removals, least(policy), least(policy, intent.force))


def to_serve(observed: Observed, first: Observed, changes: Iterable[Change]) -> frozenset[str]:
    """Return the units that are to serve in the end: new ones, and those that stay.

    Of these only those count that serve at the ``first`` look, or that a scaling group lists in service.
    While the listings are in doubt, all do that have a weight, unless ECS does not know them.
    """
    made = tuple(changes)
    going = {change.old for change in made if change.out}
    coming = {change.new or "" for change in made if any(backend.weight for backend in change.into)}
    serving = first.serving - gone_of(made)
    weighted = {key.unit for key, backend in first.group.backends.items() if backend.weight}
    is_told = observed.source in {Source.COMPLETE, Source.ABSENT}

    def stays(unit: str) -> bool:
        if unit in serving or observed.is_listed_in_service(unit):
            return True
        return not (is_told or observed.is_unknown_to_ecs(server_of(unit)))

    staying = set(filter(stays, weighted))
    return frozenset((staying - going) | coming)


def untried(first: Observed, marks: Marks) -> frozenset[Key]:
    """Return the backends of ours that had passed no check yet, and failed not all, when the run began.

    An earlier run may have put them in, and have been cut off before they were proven.
    """
    return unchecked_yet(first, (key for key, backend in first.group.backends.items() if marks.owns(backend)))


def unchecked_yet(observed: Observed, keys: Iterable[Key]) -> frozenset[Key]:
    """Return the backends that are to get requests once a check finds them normal, and that none has yet."""
    if observed.listeners.unchecking or not observed.listeners.checking:
        return frozenset()
    here = observed.group.backends
    return frozenset(
        key
        for key in keys
        if key in here and not observed.is_normal_for_some(key) and observed.gets_requests(here[key])
    )


def gates(first: Observed, launched: Iterable[ServerRef]) -> frozenset[str]:
    """Return the listeners whose check a new server has to pass.

    These are all listeners that check health. One is left out if it finds every existing server abnormal,
    while another finds one normal: its check is misconfigured.
    """
    new = {ref.server_id for ref in launched}
    others = [key for key, b in first.group.backends.items() if b.weight and key.server_id not in new]
    said = {
        listener: {first.verdict(key, listener) for key in others} for listener in first.listeners.checking
    }
    if all(verdicts.isdisjoint(SOME_NORMAL) for verdicts in said.values()):
        return first.listeners.checking
    return frozenset(listener for listener, verdicts in said.items() if verdicts != {Verdict.ABNORMAL})


def unproven(observed: Observed, gating: Collection[str]) -> frozenset[str]:
    """Return the units that have a backend that is not normal on every gate."""
    return frozenset(key.unit for key in observed.group.backends if not observed.is_proven(key, gating))


def in_service(
    observed: Observed,
    changes: Iterable[Change],
    gating: Collection[str],
    first: Group | None = None,
    untried: frozenset[Key] = frozenset(),
    back: frozenset[Key] = frozenset(),
) -> frozenset[str]:
    """Return the units in service: with a weight, and sent requests by at least one listener.

    A unit that is new or ``untried``, or that others have put in since the ``first`` look, counts once all
    its backends are proven; one that a rollback has put ``back``, once a check finds it normal. A gone unit
    never counts.
    """
    made = tuple(changes)
    if untried:  # one that is to go costs capacity
        untried = untried.difference(*(keys_of(change.out) for change in made))
    coming = untried.union(*(keys_of(change.into) for change in made))
    coming |= unchecked_yet(observed, back)
    if first is not None:
        coming |= observed.group.backends.keys() - first.backends.keys()
    gone = gone_of(made)
    return frozenset(
        unit
        for unit, backends in observed.group.units.items()
        if unit not in gone and _serves(observed, backends, coming, gating)
    )


def gone_of(changes: Iterable[Change]) -> frozenset[str]:
    """Return the units that the changes of a run call gone."""
    return frozenset(change.old for change in changes if change.gone and change.old)


def baseline(
    first: Observed,
    changes: Iterable[Change],
    marks: Marks,
    gone: Collection[str] | None = None,
    wanted: int | None = None,
) -> int:
    """Return how many units were in service when the run began; the floor is measured from it.

    New units already in the group count unless abnormal, and units that an earlier run drained count too:
    otherwise a run that continues a killed one would start too low. An old and a new unit that serve side by
    side count once, if no fewer than ``wanted`` are left: else the new one may serve for another.
    """
    made = tuple(changes)
    gone = gone_of(made) if gone is None else gone
    serving = first.serving.difference(gone)
    drained = {b.key.unit for b in first.group.backends.values() if marks.drained_from(b)}
    drained |= {c.old or "" for c in made if _is_drained(c) and serving.isdisjoint({c.old, c.new})}
    beside = sum(c.old != c.new and {c.old, c.new} <= serving for c in made)
    if wanted is not None:
        beside = min(beside, max(0, len(serving) - wanted))
    return len(serving | (drained - {*gone} - {c.old for c in made if c.new in serving})) - beside


def _is_drained(change: Change) -> bool:
    return bool(change.into and change.out) and not (change.gone or any(b.weight for b in change.out))


def _serves(
    observed: Observed, backends: tuple[Backend, ...], coming: frozenset[Key], gating: Collection[str]
) -> bool:
    weighted = [backend for backend in backends if backend.weight > 0]
    known = [backend for backend in weighted if backend.key not in coming]
    if known:
        return any(map(observed.gets_requests, known))
    return bool(weighted) and all(observed.is_proven(backend.key, gating) for backend in weighted)


def leaves_service(observed: Observed, backends: Iterable[Backend], out: Iterable[Backend]) -> bool:
    """Tell whether a unit in service stops serving once some of its backends are out."""
    taken = keys_of(out)
    return not any(observed.gets_requests(backend) for backend in backends if backend.key not in taken)


def share(limit: int | str, of: int) -> int:
    """Return a limit as a number. A share (``"25%"``) rounds down, but to at least 1 unless it is 0 %."""
    if isinstance(limit, int):
        return limit
    percent = int(limit.rstrip("%"))
    return max(1, of * percent // 100) if percent else 0


def floor(policy: Policy, baseline: int, force: frozenset[str] = frozenset()) -> int:
    """Return how many units must stay in service if ``baseline`` were in service at the start.

    ``force`` lifts the limits that it names: ``min_backends``, ``max_unavailable``.
    """
    lowest = least(policy, force)
    if "max_unavailable" in force:
        return lowest
    return max(lowest, baseline - share(policy.max_unavailable, baseline))


def least(policy: Policy, force: frozenset[str] = frozenset()) -> int:
    """Return ``min_backends``, or 0 if it is forced."""
    return 0 if "min_backends" in force else policy.min_backends
