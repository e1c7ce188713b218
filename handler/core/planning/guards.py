"""What may not be taken out without a replacement, whoever asks: refused before the first write."""

from __future__ import annotations

from dataclasses import dataclass

from handler.core.model.observed import Observed
from handler.core.model.values import Cause, Intent, Policy, Refusal
from handler.core.planning import capacity
from handler.core.planning.changes import Change
from handler.core.planning.desired import Desired


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that are left, and what was refused of them."""

    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...]


def guard(
    changes: tuple[Change, ...], wish: Desired, intent: Intent, policy: Policy, first: Observed, baseline: int
) -> Changes:
    """Refuse the removals that would cost more than the policy allows.

    What is gone is never refused: it counts for nothing. Removals that a request names are refused together,
    since a request is done as it says or not; those of a scaling group are done as far as the floor allows.
    """
    removals = [change for change in changes if not change.into and not change.gone]
    interrupted = {named.server_id for named in intent.terminated if named.cause is Cause.INTERRUPTED}
    refused: dict[str, Refusal] = {}
    for change in removals:
        if change.old in interrupted:
            refused[change.old or ""] = Refusal(change.old or "", "waiting_for_replacement")
    left = [change for change in removals if change.old not in refused]
    for refusal in _over_share(left, wish, intent, policy, first):
        refused[refusal.subject] = refusal
    left = [change for change in left if change.old not in refused]
    for refusal in _under_floor(left, changes, wish, intent, policy, first, baseline):
        refused[refusal.subject] = refusal
    return Changes(
        tuple(change for change in changes if change.into or change.old not in refused),
        tuple(refused.values()),
    )


def _over_share(
    removals: list[Change], wish: Desired, intent: Intent, policy: Policy, first: Observed
) -> list[Refusal]:
    """Refuse what was inferred or requested, all of it, when it is more than ``max_removed``."""
    if "max_removed" in intent.force:
        return []
    meant = [c.old or "" for c in removals if not wish.completed or c.old in wish.inferred]
    of = len(first.group.servers().keys() - wish.gone)
    allowed = capacity.share(policy.max_removed, of)
    if len(meant) <= allowed:
        return []
    numbers = {"removed": len(meant), "of": of, "allowed": allowed}
    return [Refusal(old, "max_removed", "max_removed", numbers) for old in meant]


def _under_floor(
    removals: list[Change],
    changes: tuple[Change, ...],
    wish: Desired,
    intent: Intent,
    policy: Policy,
    first: Observed,
    baseline: int,
) -> list[Refusal]:
    """Refuse what would leave fewer servers in service than the floor, once all new ones are in."""
    serving = capacity.in_service(first, removals)
    servers = first.group.servers()
    costly = [
        change.old
        for change in removals
        if change.old in serving and capacity.leaves_service(first, servers[change.old], change.out)
    ]
    gained = sum(bool(c.into) and serving.isdisjoint({c.old, c.new}) for c in changes)
    floor = capacity.floor(policy, baseline, intent.force)
    allowed = max(0, baseline + gained - floor)
    if len(costly) <= allowed:
        return []
    over = costly[allowed:] if wish.completed else costly
    return [floor_refusal(old, intent, policy, floor, baseline, len(costly)) for old in over]


def floor_refusal(
    old: str, intent: Intent, policy: Policy, floor: int, in_service: int, removed: int = 1
) -> Refusal:
    """Return the refusal to take a server out of service: it names the limit that holds, and its override."""
    lowest = 0 if "min_backends" in intent.force else policy.min_backends
    reason = "min_backends" if floor <= lowest else "max_unavailable"
    return Refusal(old, reason, reason, {"in_service": in_service, "removed": removed, "floor": floor})
