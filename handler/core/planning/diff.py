"""What became of a group: told by the group before and after, never by what was meant to be done."""

from __future__ import annotations

from dataclasses import dataclass

from handler.core.model.observed import Observed
from handler.core.model.steps import servers_of
from handler.core.model.values import Backend, Group, Intent, Pair, Policy
from handler.core.planning import capacity, changes, desired
from handler.core.planning.changes import Change


@dataclass(frozen=True, slots=True)
class Diff:
    """The difference between two states of a group; ``reweighed`` were there before, with another weight."""

    pairs: tuple[Pair, ...]
    added: tuple[Backend, ...]
    removed: tuple[Backend, ...]
    reweighed: tuple[Backend, ...]


def changes_of(view: Observed, intent: Intent, policy: Policy, first: Observed) -> tuple[Change, ...]:
    """Return the changes that an intent came to, guarded or not. ``first`` is the first look of the run."""
    wish = desired.desired(intent, view, policy, first.group)
    return changes.changes(wish, first.group, policy, capacity.unproven(first)).changes


def diff(before: Group, after: Group, changes: tuple[Change, ...]) -> Diff:
    """Return what left and what came; what was to change places and did so is a pair."""
    left = {key: b for key, b in before.backends.items() if key not in after.backends}
    came = {key: b for key, b in after.backends.items() if key not in before.backends}
    pairs: list[Pair] = []
    for change in changes:
        for pair in change.pairs():
            if pair.old.key in left and pair.new.key in came:
                pairs.append(Pair(left.pop(pair.old.key), came.pop(pair.new.key)))
    return Diff(
        pairs=tuple(pairs),
        added=tuple(came.values()),
        removed=tuple(left.values()),
        reweighed=tuple(
            backend
            for key, backend in before.backends.items()
            if key in after.backends and after.backends[key].weight != backend.weight
        ),
    )


def removes_capacity(ledger: Diff) -> bool:
    """Tell whether undoing it takes more servers out, or to weight 0, than it brings back."""
    came = [*(pair.new for pair in ledger.pairs), *ledger.added]
    left = [*(pair.old for pair in ledger.pairs), *ledger.removed]
    up = servers_of([*(b for b in came if b.weight), *(b for b in ledger.reweighed if not b.weight)])
    down = servers_of([*(b for b in left if b.weight), *(b for b in ledger.reweighed if b.weight)])
    return len(up) > len(down)
