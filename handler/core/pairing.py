"""Changes: which new server takes the place of which old one, on which ports, with what weight."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from handler.core.intents import Wish
from handler.core.values import Backend, BackendType, Group, Key, Named, Pair, Policy, Refusal

#: The weight of the API itself for a backend server that names none (ModifyVServerGroupBackendServers).
DEFAULT_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One server's backends out, another's in. Without ``into`` it is a removal, without ``out`` an addition.

    ``out`` are backends as the run first saw them, so that they can be put back as they were.
    """

    old: str | None
    new: str | None
    out: tuple[Backend, ...] = ()
    into: tuple[Backend, ...] = ()
    gone: bool = False

    def pairs(self) -> tuple[Pair, ...]:
        """Return the old and the new backend of each port: by the same port first, then in order."""
        beside = _beside([new.key.port for new in self.into], self.out)
        return tuple(Pair(old, new) for old, new in zip(beside, self.into, strict=True) if old)


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that a wish comes to, with what cannot be done and what has to be said."""

    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


def plan(wish: Wish, start: Group, policy: Policy, unproven: Container[str] = ()) -> Plan:
    """Return the changes that fulfil a wish: explicit pairs, then the same set of ports, then in order.

    Everything is judged by ``start``, the group as this run first saw it, and by who was ``unproven`` then:
    so the same changes are found again at every look, however far they have got.
    """
    planner = _Planner(wish, start, policy, unproven)
    changes = [planner.change(old, new) for old, new in planner.matched() if old not in wish.kept]
    return Plan(
        changes=tuple(change for change in changes if change.out or change.into),
        refused=tuple(planner.refused),
        notes=tuple(planner.notes),
    )


class _Planner:
    """Makes one plan; holds what its steps share."""

    def __init__(self, wish: Wish, start: Group, policy: Policy, unproven: Container[str]) -> None:
        self.wish, self.policy, self.unproven = wish, policy, unproven
        self.present = start.servers()
        self.usual_weight = policy.weight or _commonest_weight(start.backends.values())
        self.usual_ports = policy.ports or _ports_of_every_server(self.present.values())
        self.news = _by_server(wish.launched)
        self.olds = {
            old: _chosen(self.present.get(old, ()), named)
            for old, named in _by_server(wish.terminated).items()
        }
        self.refused: list[Refusal] = []
        self.notes: dict[str, None] = {}

    def matched(self) -> Iterator[tuple[str | None, str | None]]:
        """Yield who takes whose place; one side is None where nobody is left for it."""
        explicit, passed_over = _live_ends(self.wish.pairs, self.olds)
        yield from explicit
        spoken = {side for pair in explicit for side in pair} | passed_over
        olds = [old for old, out in self.olds.items() if out and old not in spoken]
        news = [new for new in self.news if new not in spoken]
        coming = [new for new in news if not self._arrived(new)]
        arrived = sorted(
            filter(self._arrived, news), key=lambda new: (self._idles(new), new in self.unproven)
        )
        # A new one that is in and proven has taken the place of one that is out.
        absent = sum(not out and old not in spoken for old, out in self.olds.items())
        placed, arrived = arrived[:absent], sorted(arrived[absent:], key=self._idles, reverse=True)
        yield from self._alike(olds, coming, str)
        # Another one that stands where one that is left does was put beside it by a run that was cut off.
        ready = [new for new in arrived if self._idles(new) or new not in self.unproven]
        finished = dict(self._alike(olds, ready, self._stands))
        yield from finished.items()
        arrived = [new for new in arrived if new not in finished.values()]
        yield from self._alike(olds, coming, self._ports, lambda _: None)
        yield from zip(olds, arrived, strict=False)
        yield from ((None, new) for new in [*coming, *placed, *arrived[len(olds) :]])
        yield from ((old, None) for old in olds[len(arrived) :])

    @staticmethod
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

    def _ports(self, server_id: str) -> object:
        if server_id in self.news:
            return frozenset(named.port for named in self.news[server_id])
        return self._stands(server_id)

    def _stands(self, server_id: str) -> object:
        backends = self.present[server_id] if server_id in self.news else self.olds[server_id]
        return frozenset(backend.key.port for backend in backends)

    def _arrived(self, new: str) -> bool:
        here = {backend.key.port for backend in self.present.get(new, ())}
        return bool(here) and all(n.port in here or n.port is None for n in self.news[new])

    def _idles(self, new: str) -> bool:
        """Tell whether a new one that is in has not taken a place yet: it has no weight."""
        return any(backend.weight == 0 for backend in self.present[new])

    def change(self, old: str | None, new: str | None) -> Change:
        """Return the change of one pair; with a new side that cannot be, the pair is refused whole."""
        out = self.olds.get(old, ()) if old else ()
        into: tuple[Backend, ...] = ()
        if new:
            try:
                into = self._into(new, out)
            except _RefusedError as refused:
                self.refused.append(Refusal(new, str(refused)))
                return Change(None, None)
        written = {backend.key for backend in into}
        return Change(
            old, new, tuple(b for b in out if b.key not in written), into, gone=old in self.wish.gone
        )

    def _into(self, new: str, out: tuple[Backend, ...]) -> tuple[Backend, ...]:
        """Return the backends that a new server is to have.

        Raises: _RefusedError where its ports or its address cannot be known.
        """
        here = self.present.get(new, ())
        places = [(entry.port, entry) for entry in self.news[new] if entry.port is not None]
        if not places:
            beside = here if here and self.wish.completed else (*out, *here)
            ports = dict.fromkeys(backend.key.port for backend in beside)
            places = [(port, self.news[new][0]) for port in ports or self.usual_ports]
        if not places:
            raise _RefusedError("no_ports")
        replaced = _beside([port for port, _ in places], out)
        return tuple(
            self._backend(port, entry, _at(port, entry, here), old)
            for (port, entry), old in zip(places, replaced, strict=True)
        )

    def _backend(self, port: int, named: Named, here: Backend | None, replaced: Backend | None) -> Backend:
        kind = named.type or (here.type if here else _type_of(named.server_id))
        server_ip = named.server_ip or (here.key.server_ip if here else None)
        if kind != "ecs" and not server_ip:
            raise _RefusedError("server_ip_missing")
        return Backend(
            key=Key(named.server_id, port, None if kind == "ecs" else server_ip),
            weight=self._weight(named, here, replaced),
            type=kind,
            description=self._description(named, here, replaced),
        )

    def _description(self, named: Named, here: Backend | None, replaced: Backend | None) -> str:
        """Return the description: of what is in already, only the weight is ours to change."""
        if here and here.description != self.policy.waits:
            return here.description
        if named.description is not None:
            return named.description
        return (replaced.description if replaced else "") or self.policy.mark

    def _weight(self, named: Named, here: Backend | None, replaced: Backend | None) -> int:
        """Return the weight: one at 0 that is in already may be left so by a run that was cut off."""
        if named.weight is not None:
            return named.weight
        weights = [carried.weight for carried in (here, replaced) if carried]
        weight = next(filter(None, weights), None)
        if weights and weight is None:
            self.notes["weight_0_not_handed_on"] = None
        return weight or self.usual_weight


class _RefusedError(Exception):
    """A new server that cannot be given backends; the text is the reason."""


def _at(port: int, named: Named, here: Iterable[Backend]) -> Backend | None:
    """Return the backend that a new server has in this place already."""
    at = (b for b in here if b.key.port == port and named.server_ip in {None, b.key.server_ip})
    return next(at, None)


def _beside(ports: list[int], out: tuple[Backend, ...]) -> list[Backend | None]:
    """Return the old backend for each new port: one on the same port, then what is left, in order."""
    waiting: dict[int, deque[Backend]] = {}
    for backend in out:
        waiting.setdefault(backend.key.port, deque()).append(backend)
    beside = [waiting[port].popleft() if waiting.get(port) else None for port in ports]
    taken = {backend.key for backend in beside if backend}
    left = (backend for backend in out if backend.key not in taken)
    return [backend or next(left, None) for backend in beside]


def _live_ends(
    links: Iterable[tuple[str, str]], olds: Mapping[str, tuple[Backend, ...]]
) -> tuple[list[tuple[str | None, str | None]], set[str]]:
    """Return the requested pairs, and who is passed over: of old, new1, new2 only new2 is to live."""
    successor = dict(links)
    passed_over = successor.keys() & set(successor.values())
    pairs: list[tuple[str | None, str | None]] = []
    for head in (old for old in successor if old not in passed_over):
        chain = [head]
        while chain[-1] in successor:
            chain.append(successor[chain[-1]])
        *links_before, end = chain
        here = [old for old in links_before if olds.get(old)] or [head]
        pairs.append((here[0], end))
        pairs += [(old, None) for old in here[1:]]
    return pairs, set(passed_over)


def _by_server(named: Iterable[Named]) -> dict[str, list[Named]]:
    found: dict[str, list[Named]] = {}
    for entry in named:
        found.setdefault(entry.server_id, []).append(entry)
    return found


def _chosen(backends: tuple[Backend, ...], named: list[Named]) -> tuple[Backend, ...]:
    """Return the backends that are named: all of a server, or those at the ports and addresses said."""
    said = {(entry.port, entry.server_ip) for entry in named}
    return tuple(
        b for b in backends if not said.isdisjoint(product((b.key.port, None), (b.key.server_ip, None)))
    )


def _type_of(server_id: str) -> BackendType:
    """Return the type that the form of an id tells (``eni-``, ``eci-``; all else is an ECS instance)."""
    return "eni" if server_id.startswith("eni-") else "eci" if server_id.startswith("eci-") else "ecs"


def _commonest_weight(backends: Iterable[Backend]) -> int:
    """Return the weight above 0 that most backends of the group have, the greater of two as common."""
    weights = Counter(backend.weight for backend in backends if backend.weight > 0)
    return max(weights, key=lambda weight: (weights[weight], weight), default=DEFAULT_WEIGHT)


def _ports_of_every_server(servers: Iterable[tuple[Backend, ...]]) -> tuple[int, ...]:
    ports = [{backend.key.port for backend in backends} for backends in servers]
    return tuple(sorted(set.intersection(*ports))) if ports else ()
