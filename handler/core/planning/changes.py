"""Changes: what of an old server goes, and what of the new one that takes its place comes."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import product

from handler.core.model.values import Backend, Group, Pair, Policy, Refusal, ServerRef
from handler.core.planning.desired import Desired
from handler.core.planning.matching import Matching
from handler.core.planning.placement import NoPlaceError, Places, beside


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
        olds = beside([new.key.port for new in self.into], self.out)
        return tuple(Pair(old, new) for old, new in zip(olds, self.into, strict=True) if old)


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that a wish comes to, with what cannot be done and what has to be said."""

    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


def changes(wish: Desired, start: Group, policy: Policy, unproven: Container[str] = ()) -> Changes:
    """Return the changes that fulfil a wish.

    Everything is judged by ``start``, the group as this run first saw it, and by who was ``unproven`` then:
    so the same changes are found again at every look, however far they have got. A new one that can have no
    place is refused, and with it the pair: its old one stays.
    """
    places = Places(start, policy)
    news, named_olds = _by_server(wish.launched), _by_server(wish.terminated)
    olds = {old: _chosen(places.present.get(old, ()), named) for old, named in named_olds.items()}
    changes: list[Change] = []
    refused: list[Refusal] = []
    matching = Matching(olds, news, places.present, unproven, all_named=not wish.completed)
    for old, new in matching.matches(wish.pairs):
        if old in wish.kept:
            continue
        out = olds.get(old or "", ())
        try:
            into = places.of(news[new], out, as_it_is=wish.completed) if new else ()
        except NoPlaceError as error:
            refused.append(Refusal(new or "", str(error)))
            continue
        written = {backend.key for backend in into}
        out = tuple(backend for backend in out if backend.key not in written)
        changes.append(Change(old, new, out, into, gone=old in wish.gone))
    return Changes(tuple(changes), tuple(refused), tuple(places.notes))


def _by_server(named: Iterable[ServerRef]) -> dict[str, list[ServerRef]]:
    found: dict[str, list[ServerRef]] = {}
    for entry in named:
        found.setdefault(entry.server_id, []).append(entry)
    return found


def _chosen(backends: tuple[Backend, ...], named: list[ServerRef]) -> tuple[Backend, ...]:
    """Return the backends that are named: all of a server, or those at the ports and addresses said."""
    said = {(entry.port, entry.server_ip) for entry in named}
    return tuple(
        b for b in backends if not said.isdisjoint(product((b.key.port, None), (b.key.server_ip, None)))
    )
