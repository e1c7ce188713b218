"""Changes: which backends of an old unit go, and which of its replacement come."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Group, Key, Pair, Refusal, ServerRef, server_of, type_of
from handler.core.planning.desired import Desired
from handler.core.planning.matching import Matching
from handler.core.planning.placement import NoPlaceError, Places, replaced_by_port


class Change(Struct, frozen=True, dict=True):
    """One unit's backends out, another's in. Without ``into`` it is a removal, without ``out`` an addition.

    ``out`` are backends as the run first saw them, so that they can be put back as they were. ``together`` is
    a pair of servers whose changes are done all or none, because it takes more units than it brings.
    """

    old: str | None
    new: str | None
    out: tuple[Backend, ...] = ()
    into: tuple[Backend, ...] = ()
    gone: bool = False
    together: tuple[str, str] | None = None

    @property
    def subject(self) -> str:
        """The unit that a refusal of the change names: the new one, or the old one of a removal."""
        return (self.new if self.into else self.old) or ""

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Which new backend replaces which old one: by the same port first, then in order."""
        olds = replaced_by_port([new.key.port for new in self.into], self.out)
        return tuple(Pair(old, new) for old, new in zip(olds, self.into, strict=True) if old)


class Changes(Struct, frozen=True):
    """The changes that lead to the desired state, with refusals and notes."""

    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


def changes(desired: Desired, start: Group, policy: Policy, unproven: Container[str] = ()) -> Changes:
    """Return the changes that lead to the desired state.

    They are judged by ``start``, the group at the run's first look, and by the units ``unproven`` then: so
    each look finds the same changes, however far they have got. A new unit without a place is refused, and
    its old one stays. Events never give an address: there a unit that needs one takes nobody's place.
    """
    places = Places(start, policy)
    news = _units(desired.launched, start)
    nowhere = [] if desired.literal else [unit for unit, refs in news.items() if places.lack_address(refs)]
    news = {unit: refs for unit, refs in news.items() if unit not in nowhere}
    olds = {
        unit: _chosen(places.present.get(unit, ()), refs)
        for unit, refs in _units(desired.terminated, start).items()
    }
    found: list[Change] = []
    refused = [Refusal(unit, "server_ip_missing") for unit in nowhere]
    staying_old: set[str] = set()  # their pair is refused: the rest of them stays too
    idle = {ref.server_id for ref in desired.launched if ref.weight == 0}  # they replace nothing
    staying = desired.kept | desired.doomed | idle
    matching = Matching(olds, news, places.present, unproven, staying, desired.literal)
    for old, new in matching.matches(desired.pairs):
        if not desired.kept.isdisjoint({server_of(old or ""), server_of(new or "")}):
            continue
        out = olds.get(old or "", ())
        try:
            into = places.of(news[new], out, as_it_is=not desired.literal) if new else ()
        except NoPlaceError as error:
            refused.append(Refusal(new or "", str(error)))
            staying_old.add(server_of(old or ""))
            continue
        written = {backend.key for backend in into}
        out = tuple(backend for backend in out if backend.key not in written)
        found.append(Change(old, new, out, into, gone=server_of(old or "") in desired.gone))
    found = [c for c in found if c.into or c.gone or server_of(c.old or "") not in staying_old]
    return Changes(_bound(found), tuple(refused), tuple(places.notes))


def _units(refs: Iterable[ServerRef], start: Group) -> dict[str, list[ServerRef]]:
    """Return the entries of each unit; a server without an address stands for all its units in the group."""
    present: dict[str, dict[str, Key]] = {}
    for key in start.backends:
        present.setdefault(key.server_id, {})[key.unit] = key
    found: dict[str, list[ServerRef]] = {}
    for ref in refs:
        if ref.server_ip is None:
            alone = {ref.server_id: Key(ref.server_id, 0)}
            for unit, key in present.get(ref.server_id, alone).items():
                found.setdefault(unit, []).append(replace(ref, server_ip=key.server_ip))
        else:
            found.setdefault(_unit(ref, present), []).append(ref)
    return found


def _unit(ref: ServerRef, present: Mapping[str, Mapping[str, Key]]) -> str:
    """Return the unit of a server at an address; an ECS instance is one unit, whatever the address."""
    at_address = Key(ref.server_id, 0, ref.server_ip).unit
    here = present.get(ref.server_id, {})
    is_ecs = (ref.type or type_of(ref.server_id)) == "ecs" or ref.server_id in here
    return ref.server_id if is_ecs and at_address not in here else at_address


def _chosen(backends: tuple[Backend, ...], refs: list[ServerRef]) -> tuple[Backend, ...]:
    """Return the named backends: all of a unit, or those at the ports and addresses given."""
    said = {(ref.port, ref.server_ip) for ref in refs}
    return tuple(
        b for b in backends if not said.isdisjoint(product((b.key.port, None), (b.key.server_ip, None)))
    )


def _bound(found: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes; those that replace a server by fewer units than it had are bound together.

    If the rest of the server may not be removed, the whole pair is left.
    """
    made = tuple(found)
    paired = {server_of(c.old): server_of(c.new or "") for c in made if c.old and c.into}
    removed = {server_of(c.old) for c in made if c.old and not c.into and not c.gone}
    return tuple(
        replace(c, together=(server_of(c.old), paired[server_of(c.old)]))
        if c.old and server_of(c.old) in removed and server_of(c.old) in paired
        else c
        for c in made
    )
