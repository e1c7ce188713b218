"""Which of several writers has which VServer group: known from the settings alone, before any call.

What is done to a target concerns its load balancer, which is busy for all of its targets; its scaling groups,
whose lifecycle hooks wait for all that they feed; and its VServer group, which several targets may have. So
targets that have one of these in common, be it by way of others, have one writer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from handler.core.model.policy import Target


class _Thing(NamedTuple):
    """What targets may have in common. The first of all is what they are known by: see ``_things``."""

    rank: int
    id: str


def shares(targets: Iterable[Target], writers: int) -> dict[str, int]:
    """Return the writer, 1 to ``writers``, of each VServer group.

    Each writer draws for what the targets are known by, and the highest draws it (rendezvous hashing): with
    one writer more, some are the new one's and all others stay; with one less, only those of the last move.
    """
    known_by = _known_by(targets)
    drawn = {key: _highest(key, writers) for key in set(known_by.values())}
    return {group_id: drawn[key] for group_id, key in known_by.items()}


def moved(
    before: Iterable[Target], writers_before: int, now: Iterable[Target], writers: int
) -> frozenset[str]:
    """Return the VServer groups that change their writer, and those that share a writer with one by need.

    A group that was nobody's before has no other writer to wait for.
    """
    listed = tuple(now)
    had, has = shares(before, writers_before), shares(listed, writers)
    known_by = _known_by(listed)
    moving = {known_by[group_id] for group_id, writer in has.items() if had.get(group_id, writer) != writer}
    return frozenset(group_id for group_id, key in known_by.items() if key in moving)


def _known_by(targets: Iterable[Target]) -> dict[str, str]:
    """Return by VServer group what its targets, and all others of the same writer by need, are known by."""
    leader: dict[_Thing, _Thing] = {}
    groups: dict[str, _Thing] = {}
    for target in targets:
        first, *others = _things(target)
        groups[target.vserver_group_id] = first
        for other in others:
            _join(leader, first, other)
    return {group_id: _led_by(leader, thing).id for group_id, thing in groups.items()}


def _things(target: Target) -> list[_Thing]:
    """Return what a target may have in common with others.

    They are known by a load balancer if they have one, else by a scaling group, which both last longer than
    any of the targets: another target of the same moves none.
    """
    found = [_Thing(2, target.vserver_group_id)]
    found += [_Thing(1, scaling_group_id) for scaling_group_id in target.scaling_group_ids]
    if target.load_balancer_id is not None:
        found.append(_Thing(0, target.load_balancer_id))
    return found


def _led_by(leader: Mapping[_Thing, _Thing], thing: _Thing) -> _Thing:
    while (other := leader.get(thing, thing)) != thing:
        thing = other
    return thing


def _join(leader: dict[_Thing, _Thing], one: _Thing, other: _Thing) -> None:
    """Let two be led by the lower of their leaders, and lead to it at once what led to them by the way."""
    first, second = sorted((_led_by(leader, one), _led_by(leader, other)))
    leader[second] = first
    for thing in (one, other):
        leader[thing] = first


def _highest(key: str, writers: int) -> int:
    return max(range(1, writers + 1), key=lambda writer: hashlib.sha256(f"{writer}/{key}".encode()).digest())
