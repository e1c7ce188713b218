"""What became of a group: told by the group before and after, never by what was intended."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.marks import Marks
from handler.core.model.steps import units_of
from handler.core.model.values import Backend, Group, Pair
from handler.core.planning.changes import Change


class Diff(Struct, frozen=True):
    """The difference between two states of a group; ``reweighed`` has backends with their old weights."""

    pairs: tuple[Pair, ...]
    added: tuple[Backend, ...]
    removed: tuple[Backend, ...]
    reweighed: tuple[Backend, ...]


def diff(before: Group, after: Group, changes: tuple[Change, ...]) -> Diff:
    """Return which backends left and came; if a change replaced one by another, they are a pair."""
    went = {key: b for key, b in before.backends.items() if key not in after.backends}
    came = {key: b for key, b in after.backends.items() if key not in before.backends}
    pairs: list[Pair] = []
    for change in changes:
        for pair in change.pairs:
            if pair.old.key in went and pair.new.key in came:
                pairs.append(Pair(went.pop(pair.old.key), came.pop(pair.new.key)))
    return Diff(
        pairs=tuple(pairs),
        added=tuple(came.values()),
        removed=tuple(went.values()),
        reweighed=tuple(
            backend
            for key, backend in before.backends.items()
            if key in after.backends and after.backends[key].weight != backend.weight
        ),
    )


def undrained(found: Diff, marks: Marks) -> Diff:
    """Return a difference as if no earlier run had drained what left, or what has its weight again."""
    return Diff(
        pairs=tuple(Pair(marks.put_back(pair.old), pair.new) for pair in found.pairs),
        added=found.added,
        removed=tuple(map(marks.put_back, found.removed)),
        reweighed=tuple(backend for backend in found.reweighed if marks.drained_from(backend) is None),
    )


def put_in_by(us: Callable[[Backend], bool], found: Diff) -> Diff:
    """Return a difference without what others have put in, so that undoing it does not take that out."""
    return replace(
        found,
        pairs=tuple(pair for pair in found.pairs if us(pair.new)),
        added=tuple(filter(us, found.added)),
        removed=(*found.removed, *(pair.old for pair in found.pairs if not us(pair.new))),
    )


def removes_servers(found: Diff) -> bool:
    """Tell whether undoing a difference takes more units out than it brings back, whatever their weights."""
    came = units_of([*(pair.new for pair in found.pairs), *found.added])
    return len(came) > len(units_of([*(pair.old for pair in found.pairs), *found.removed]))


def removes_capacity(found: Diff) -> bool:
    """Tell whether undoing a difference takes more units out, or to weight 0, than it brings back."""
    came = [*(pair.new for pair in found.pairs), *found.added]
    left = [*(pair.old for pair in found.pairs), *found.removed]
    up = units_of([*(b for b in came if b.weight), *(b for b in found.reweighed if not b.weight)])
    down = units_of([*(b for b in left if b.weight), *(b for b in found.reweighed if b.weight)])
    return len(up) > len(down)
