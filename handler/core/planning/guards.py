"""Guards: refuse, before the first write, removals that the policy does not allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Intent, Refusal, server_of
from handler.core.planning.capacity import Capacity, in_service, leaves_service, share
from handler.core.planning.changes import Change, Changes
from handler.core.planning.desired import Desired


class _Effect(Struct, frozen=True):
    """How many units a change takes out of service and brings into it, once it is done."""

    change: Change
    lost: int
    gained: int


def guard(
    made: Changes, desired: Desired, intent: Intent, policy: Policy, first: Observed, capacity: Capacity
) -> Changes:
    """Refuse the removals that would cost more than the policy allows.

    A gone unit is never refused: it counts for nothing. A request's removals are refused all or none; those
    of a scaling group are done as far as the floor allows. A pair that takes more units than it brings is
    refused with its removal.
    """
    effects = _effects(made.changes, first)
    refused: dict[str, Refusal] = {}
    # A removal brings nothing, or loses more units than it gains.
    removals = [e for e in effects if not e.change.gone and (not e.change.into or e.lost > e.gained)]
    for effect in removals:
        if not effect.change.into and server_of(effect.change.old or "") in desired.doomed:
            _refuse(refused, [Refusal(effect.change.subject, "waiting_for_replacement")])
    _refuse(refused, _over_share(_left(removals, refused), desired, intent, policy, first))
    _refuse(refused, _under_floor(_left(removals, refused), effects, desired, capacity))
    _refuse(refused, _with_their_pair(made.changes, refused))
    left = tuple(change for change in made.changes if change.gone or change.subject not in refused)
    return Changes(left, (*made.refused, *refused.values()), made.notes)


def _refuse(refused: dict[str, Refusal], more: Iterable[Refusal]) -> None:
    for refusal in more:
        refused.setdefault(refusal.subject, refusal)


def _with_their_pair(changes: tuple[Change, ...], refused: dict[str, Refusal]) -> list[Refusal]:
    """Refuse the rest of a pair if a part of it is refused, for the same reason."""
    reasons = {c.together: refused[c.subject] for c in changes if c.together and c.subject in refused}
    return [
        replace(reasons[change.together], subject=change.subject)
        for change in changes
        if change.together in reasons and not change.gone
    ]


def _left(removals: list[_Effect], refused: dict[str, Refusal]) -> list[_Effect]:
    return [effect for effect in removals if effect.change.subject not in refused]


def _effects(changes: tuple[Change, ...], first: Observed) -> list[_Effect]:
    serving = in_service(first, [change for change in changes if change.gone], ())
    units = first.group.units
    found: list[_Effect] = []
    for change in changes:
        zeroed = {backend.key for backend in change.into if not backend.weight}
        lowered = [b for b in units.get(change.new or "", ()) if b.key in zeroed]
        lost = _is_taken(change.old, change.out, serving, units, first)
        if change.new != change.old:
            lost += _is_taken(change.new, lowered, serving, units, first)
        brings = any(backend.weight for backend in change.into)
        # The baseline counts an old and a new unit that serve side by side once.
        gained = brings and (change.new not in serving or change.old in serving)
        found.append(_Effect(change, lost, int(gained)))
    return found


def _is_taken(
    unit: str | None,
    backends: Iterable[Backend],
    serving: frozenset[str],
    units: Mapping[str, tuple[Backend, ...]],
    first: Observed,
) -> int:
    """Return 1 if a unit is in service and stops serving without these of its backends, else 0."""
    return int(unit in serving and leaves_service(first, units[unit or ""], backends))


def _over_share(
    removals: list[_Effect], desired: Desired, intent: Intent, policy: Policy, first: Observed
) -> list[Refusal]:
    """Refuse all inferred or requested removals if they are more than ``max_removed``."""
    if "max_removed" in intent.force:
        return []
    meant = [
        effect.change.subject
        for effect in removals
        if desired.literal or server_of(effect.change.old or "") in desired.inferred
    ]
    of = sum(server_of(unit) not in desired.gone for unit in first.group.units)
    allowed = share(policy.max_removed, of)
    if len(meant) <= allowed:
        return []
    numbers = {"removed": len(meant), "of": of, "allowed": allowed}
    return [Refusal(subject, "max_removed", "max_removed", numbers) for subject in meant]


def _under_floor(
    removals: list[_Effect], effects: list[_Effect], desired: Desired, capacity: Capacity
) -> list[Refusal]:
    """Refuse removals that would leave fewer units in service than the floor, once all new units are in."""
    costly = [effect.change.subject for effect in removals if effect.lost > effect.gained]
    more = sum(effect.gained - effect.lost for effect in effects if effect.gained > effect.lost)
    allowed = max(0, capacity.baseline + more - capacity.floor_for_removals)
    if len(costly) <= allowed:
        return []
    over = costly if desired.literal else costly[allowed:]
    return [capacity.refusal(one, capacity.baseline, len(costly)) for one in over]
