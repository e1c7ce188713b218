"""What became of a group: told by the group before and after, never by what was meant to be done."""

from __future__ import annotations

from dataclasses import dataclass

from handler.core import health, intents, pairing
from handler.core.pairing import Change
from handler.core.steps import servers_of
from handler.core.values import Backend, Group, Intent, Pair, Policy
from handler.core.view import View


@dataclass(frozen=True, slots=True)
class Ledger:
    """The difference between two states of a group; ``reweighed`` were there before, with another weight."""

    pairs: tuple[Pair, ...]
    added: tuple[Backend, ...]
    removed: tuple[Backend, ...]
    reweighed: tuple[Backend, ...]


def changes_of(view: View, intent: Intent, policy: Policy, first: View) -> tuple[Change, ...]:
    """Return the changes that an intent came to, guarded or not. ``first`` is the first look of the run."""
    wish = intents.complete(intent, view, policy, first.group)
    return pairing.plan(wish, first.group, policy, health.unproven(first)).changes


def balance(before: Group, after: Group, changes: tuple[Change, ...]) -> Ledger:
    """Return what left and what came; what was to change places and did so is a pair."""
    left = {key: b for key, b in before.backends.items() if key not in after.backends}
    came = {key: b for key, b in after.backends.items() if key not in before.backends}
    pairs: list[Pair] = []
    for change in changes:
        for pair in change.pairs():
            if pair.old.key in left and pair.new.key in came:
                pairs.append(Pair(left.pop(pair.old.key), came.pop(pair.new.key)))
    return Ledger(
        pairs=tuple(pairs),
        added=tuple(came.values()),
        removed=tuple(left.values()),
        reweighed=tuple(
            backend
            for key, backend in before.backends.items()
            if key in after.backends and after.backends[key].weight != backend.weight
        ),
    )


def is_net_removal(ledger: Ledger) -> bool:
    """Tell whether undoing it takes more servers out, or to weight 0, than it brings back."""
    came = [*(pair.new for pair in ledger.pairs), *ledger.added]
    left = [*(pair.old for pair in ledger.pairs), *ledger.removed]
    up = servers_of([*(b for b in came if b.weight), *(b for b in ledger.reweighed if not b.weight)])
    down = servers_of([*(b for b in left if b.weight), *(b for b in ledger.reweighed if b.weight)])
    return len(up) > len(down)
