"""Which of several writers has which VServer group: known from the settings alone, before any call.

A write makes the load balancer busy for all of its targets. A scaling group's lifecycle hooks wait for all
targets that it feeds. A VServer group may belong to several targets. So targets that have any of these in
common, also through others, have one writer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from handler.core.model.policy import Target


class _Common(NamedTuple):
    """What targets may have in common. The lowest is their key: see ``_in_common``."""

    rank: int
    id: str


def shares(targets: Iterable[Target], writers: int) -> dict[str, int]:
    """Return the writer, 1 to ``writers``, of each VServer group.

    Each writer draws for each key, and the highest draw gets it (rendezvous hashing). A writer that is added
    takes some keys, and all others stay; if the last one goes, only its keys move.
    """
    known_by = _known_by(targets)
    drawn = {key: _highest(key, writers) for key in set(known_by.values())}
    return {group_id: drawn[key] for group_id, key in known_by.items()}


def moved(
    before: Iterable[Target], writers_before: int, now: Iterable[Target], writers: int
) -> frozenset[str]:
    """Return the VServer groups that change their writer, and those that must have the same writer as one.

    A group that had no writer before has none to wait for.
    """
    listed = tuple(now)
    had, has = shares(before, writers_before), shares(listed, writers)
    known_by = _known_by(listed)
    moving = {known_by[group_id] for group_id, writer in has.items() if had.get(group_id, writer) != writer}
    return frozenset(group_id for group_id, key in known_by.items() if key in moving)


def _known_by(targets: Iterable[Target]) -> dict[str, str]:
    """Return the key of each VServer group: the same for all that must have one writer."""
    leader: dict[_Common, _Common] = {}
    groups: dict[str, _Common] = {}
    for target in targets:
        first, *others = _in_common(target)
        groups[target.vserver_group_id] = first
        for other in others:
            _join(leader, first, other)
    return {group_id: _led_by(leader, common).id for group_id, common in groups.items()}


def _in_common(target: Target) -> list[_Common]:
    """Return what a target may have in common with others.

    The key is a load balancer if there is one, else a scaling group. Both outlast any target, so one more
    target that has the same moves none.
    """
    found = [_Common(2, target.vserver_group_id)]
    found += [_Common(1, scaling_group_id) for scaling_group_id in target.scaling_group_ids]
    if target.load_balancer_id is not None:
        found.append(_Common(0, target.load_balancer_id))
    return found


def _led_by(leader: Mapping[_Common, _Common], common: _Common) -> _Common:
    while (other := leader.get(common, common)) != common:
        common = other
    return common


def _join(leader: dict[_Common, _Common], one: _Common, other: _Common) -> None:
    """Put both under the lower of their leaders, and shorten the way to it."""
    first, second = sorted((_led_by(leader, one), _led_by(leader, other)))
    leader[second] = first
    for common in (one, other):
        leader[common] = first


def _highest(key: str, writers: int) -> int:
    return max(range(1, writers + 1), key=lambda writer: hashlib.sha256(f"{writer}/{key}".encode()).digest())
