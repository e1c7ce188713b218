"""Matching: which new unit of capacity replaces which old one.

The rows apply in order, each to what is left on both sides.

| old                                        | new                                                          |
|--------------------------------------------|--------------------------------------------------------------|
| in a requested pair                        | the end of its chain of pairs                                |
| out already                                | in already with a weight; normal ones first                  |
| of a server that changes port or address   | of the same server                                           |
| any                                        | in already on its ports, at weight 0 or normal in a request  |
| any                                        | to come, on the same ports                                   |
| any                                        | to come, in order                                            |
| any                                        | in already, in order                                         |

Servers that stay, go only once replaced, or get no weight are matched last. They match only servers still to
come or waiting for their weight, so a repeated delivery finds the same matches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from msgspec import Struct

from handler.core.model.values import Backend, ServerRef, grouped, server_of

#: The backends of each unit of capacity.
Backends = Mapping[str, tuple[Backend, ...]]


class Match(NamedTuple):
    """An old unit and its replacement; None if none is left on that side."""

    old: str | None
    new: str | None


class Matching(Struct, frozen=True):
    """What goes and what comes, in one group.

    ``olds`` has the backends to take out of each terminated unit, none if it is out already. ``news`` has the
    delivery's entries for each launched unit. ``present`` is the group at the run's first look, ``unproven``
    the units that were not proven then. ``staying`` servers, old or new, are matched last. ``all_named``
    tells whether ``olds`` has every old unit that is out by now: nobody remembers stale ones that an earlier
    run took out.
    """

    olds: Backends
    news: Mapping[str, Sequence[ServerRef]]
    present: Backends
    unproven: Container[str]
    staying: Container[str]
    all_named: bool

    def matches(self, pairs: Iterable[tuple[str, str]]) -> list[Match]:
        """Return which unit replaces which, each unit once; see the table above."""
        found, passed_over = self._requested(pairs)
        spoken = {side for match in found for side in (match.old, match.new)}
        left = [old for old in self.olds if old not in spoken and server_of(old) not in passed_over]
        news = [new for new in self.news if new not in spoken and server_of(new) not in passed_over]
        olds = [old for old in left if self.olds[old]]
        beside = {self._stands(old) for old in olds}
        arrived = sorted(
            filter(self._arrived, news),
            key=lambda new: (self._idles(new), new in self.unproven, self._stands(new) in beside),
        )
        # Normal units on ports of no old unit come first: they have replaced a unit that is out.
        settled = [new for new in arrived if not self._idles(new)]
        placed = settled[: len(left) - len(olds)]
        arrived = [new for new in arrived if self._idles(new)] + settled[len(placed) :]
        coming = [new for new in news if not self._arrived(new)]
        free_to_come = [new for new in coming if not self._stays(new)]
        in_already = [new for new in arrived if not self._stays(new)]
        idle = [new for new in in_already if self._idles(new)]
        firm = [old for old in olds if not self._stays(old)]
        # If a server is named without addresses, nobody knows how many it had once one is replaced.
        without_address = [old for old in firm if old == server_of(old)]
        for old_side, to_come, already in (
            (without_address, free_to_come, in_already),
            (firm, free_to_come, idle),
            (olds, coming, idle),  # also servers that stay, or go only once they are replaced
            (firm, [], arrived),  # also new servers that are in with a weight
        ):
            taken = {side for match in found for side in match}
            found += self._in_rows(
                *([one for one in side if one not in taken] for side in (old_side, to_come, already))
            )
        taken = {side for match in found for side in match}
        found += [Match(None, new) for new in (*coming, *placed, *arrived) if new not in taken]
        return found + [Match(old, None) for old in olds if old not in taken]

    def _in_rows(self, olds: list[str], coming: list[str], arrived: list[str]) -> list[Match]:
        """Return the matches by the table's third and later rows."""
        # A new unit with a weight may have replaced a unit that nobody remembers: units to come go first.
        ready = [n for n in arrived if self._idles(n) or (self.all_named and n not in self.unproven)]
        found: list[Match] = []
        for news, likeness in (
            (coming, str),
            (coming, server_of),
            (ready, self._stands),
            (coming, self._ports),
            (coming, _any),
        ):
            found += _alike(olds, news, likeness)
        taken = {match.new for match in found}
        return found + _alike(olds, [new for new in arrived if new not in taken], _any)

    def _stays(self, unit: str) -> bool:
        return server_of(unit) in self.staying

    def _requested(self, pairs: Iterable[tuple[str, str]]) -> tuple[list[Match], set[str]]:
        """Return the matches of the requested pairs of servers, and the servers that are passed over.

        Of a chain old, new1, new2 only new2 is put in. The units of two paired servers are matched in order.
        """
        successor = dict(pairs)
        passed_over = successor.keys() & set(successor.values())
        olds, news = grouped(self.olds, server_of), grouped(self.news, server_of)
        found: list[Match] = []
        for head in (old for old in successor if old not in passed_over):
            *before, end = _chain(head, successor)
            here = [old for old in before if any(self.olds[unit] for unit in olds.get(old, ()))] or [head]
            both_in_order = zip_longest(olds.get(here[0], (here[0],)), news.get(end, ()))
            found += [Match(old, new) for old, new in both_in_order]
            found += [Match(unit, None) for old in here[1:] for unit in olds[old]]
        return found, set(passed_over)

    def _arrived(self, new: str) -> bool:
        here = {backend.key.port for backend in self.present.get(new, ())}
        return bool(here) and all(ref.port in here or ref.port is None for ref in self.news[new])

    def _idles(self, new: str) -> bool:
        """Tell whether a new unit that is in has not replaced anything yet: it has a backend at weight 0."""
        return any(backend.weight == 0 for backend in self.present[new])

    def _ports(self, unit: str) -> object:
        if unit in self.news:
            return frozenset(ref.port for ref in self.news[unit])
        return self._stands(unit)

    def _stands(self, unit: str) -> object:
        backends = self.present[unit] if unit in self.news else self.olds[unit]
        return frozenset(backend.key.port for backend in backends)


def _any(_: str) -> object:
    return None


def _alike(olds: list[str], news: list[str], likeness: Callable[[str], object]) -> list[Match]:
    """Match units that are alike, in order, and remove them from both lists."""
    waiting: dict[object, deque[str]] = {}
    for new in news:
        waiting.setdefault(likeness(new), deque()).append(new)
    found = {old: waiting[kind].popleft() for old in olds if waiting.get(kind := likeness(old))}
    taken = set(found.values())
    olds[:] = [old for old in olds if old not in found]
    news[:] = [new for new in news if new not in taken]
    return [Match(old, new) for old, new in found.items()]


def _chain(head: str, successor: Mapping[str, str]) -> list[str]:
    """Return a server and its successors; a circle ends where it closes."""
    chain = [head]
    while (following := successor.get(chain[-1])) and following not in chain:
        chain.append(following)
    return chain
