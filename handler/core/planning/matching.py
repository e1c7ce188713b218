"""Matching: which new server takes the place of which old one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

from handler.core.model.values import Backend, ServerRef

#: Backends by the server that they are of.
Backends = Mapping[str, tuple[Backend, ...]]

#: An old server and the new one in its place; one side is None where nobody is left for the other.
Match = tuple[str | None, str | None]


class Matching:
    """Who is to go and who is to come, in one group.

    ``olds`` are the backends to go of each server named as terminated, none where it is out already; ``news``
    is what is said of each launched one; ``present`` is the group as the run first saw it, and ``unproven``
    are those that were not to be relied on then. ``all_named`` tells whether old ones that are out by now are
    all among ``olds``: nobody remembers those that were only concluded to be stale.
    """

    def __init__(
        self,
        olds: Backends,
        news: Mapping[str, Sequence[ServerRef]],
        present: Backends,
        unproven: Container[str],
        *,
        all_named: bool,
    ) -> None:
        self._olds, self._news, self._present, self._unproven = olds, news, present, unproven
        self._all_named = all_named

    def matches(self, explicit: Iterable[tuple[str, str]]) -> Iterator[Match]:
        """Yield who takes whose place: explicit pairs, what was begun, those alike, then in order."""
        chained, passed_over = _live_ends(explicit, self._olds)
        yield from chained
        spoken = {side for match in chained for side in match} | passed_over
        olds = [old for old, out in self._olds.items() if out and old not in spoken]
        news = [new for new in self._news if new not in spoken]
        coming = [new for new in news if not self._arrived(new)]
        arrived = sorted(
            filter(self._arrived, news), key=lambda new: (self._idles(new), new in self._unproven)
        )
        # A new one that is in and proven has taken the place of one that is out.
        absent = sum(not out and old not in spoken for old, out in self._olds.items())
        placed, arrived = arrived[:absent], sorted(arrived[absent:], key=self._idles, reverse=True)
        yield from _alike(olds, coming, str)  # a server that changes its port
        # Another one that stands where one that is left does was put beside it by a run that was cut off.
        # With weight it may have taken a place that nobody remembers: then one that is to come goes first.
        ready = [n for n in arrived if self._idles(n) or (self._all_named and n not in self._unproven)]
        begun = dict(_alike(olds, ready, self._stands))
        yield from begun.items()
        arrived = [new for new in arrived if new not in begun.values()]
        yield from _alike(olds, coming, self._ports, lambda _: None)
        yield from zip(olds, arrived, strict=False)
        yield from ((None, new) for new in [*coming, *placed, *arrived[len(olds) :]])
        yield from ((old, None) for old in olds[len(arrived) :])

    def _arrived(self, new: str) -> bool:
        here = {backend.key.port for backend in self._present.get(new, ())}
        return bool(here) and all(n.port in here or n.port is None for n in self._news[new])

    def _idles(self, new: str) -> bool:
        """Tell whether a new one that is in has not taken a place yet: it has no weight."""
        return any(backend.weight == 0 for backend in self._present[new])

    def _ports(self, server_id: str) -> object:
        if server_id in self._news:
            return frozenset(named.port for named in self._news[server_id])
        return self._stands(server_id)

    def _stands(self, server_id: str) -> object:
        backends = self._present[server_id] if server_id in self._news else self._olds[server_id]
        return frozenset(backend.key.port for backend in backends)


def _alike(
    olds: list[str], news: list[str], *likenesses: Callable[[str], object]
) -> Iterator[tuple[str, str]]:
    """Take pairs out of both lists, of servers that are alike: in one way, then in the next, in order."""
    for likeness in likenesses:
        waiting: dict[object, deque[str]] = {}
        for new in news:
            waiting.setdefault(likeness(new), deque()).append(new)
        found = {old: waiting[kind].popleft() for old in olds if waiting.get(kind := likeness(old))}
        taken = set(found.values())
        olds[:] = [old for old in olds if old not in found]
        news[:] = [new for new in news if new not in taken]
        yield from found.items()


def _live_ends(links: Iterable[tuple[str, str]], olds: Backends) -> tuple[list[Match], set[str]]:
    """Return the requested pairs, and who is passed over: of old, new1, new2 only new2 is to live."""
    successor = dict(links)
    passed_over = successor.keys() & set(successor.values())
    matches: list[Match] = []
    for head in (old for old in successor if old not in passed_over):
        chain = [head]
        while chain[-1] in successor:
            chain.append(successor[chain[-1]])
        *links_before, end = chain
        here = [old for old in links_before if olds.get(old)] or [head]
        matches.append((here[0], end))
        matches += [(old, None) for old in here[1:]]
    return matches, set(passed_over)
