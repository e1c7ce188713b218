"""Places: the backends that a new server gets, with their ports, weights and descriptions."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Group, Key, ServerRef, type_of

#: The API's default weight of a backend server (ModifyVServerGroupBackendServers).
DEFAULT_WEIGHT = 100


class NoPlaceError(Exception):
    """A new server cannot be given backends; the text is the reason."""


class Places:
    """Gives new units their backends in one group. ``notes`` collects what to report."""

    def __init__(self, start: Group, policy: Policy) -> None:
        self._marks = policy.marks
        self.present = start.units
        self.usual_weight = policy.weight or _commonest_weight(
            map(policy.marks.put_back, start.backends.values())
        )
        self.usual_ports = policy.ports or _ports_of_every_unit(self.present.values())
        self.notes: dict[str, None] = {}

    def of(
        self, entries: Sequence[ServerRef], out: Sequence[Backend], *, as_it_is: bool
    ) -> tuple[Backend, ...]:
        """Return the backends of a new unit that replaces ``out``.

        ``entries`` are the delivery's for this unit. If they name no port, a unit that is in already keeps
        its ports if it is to be left ``as_it_is``, else it gets those of the old unit too.

        Raises: NoPlaceError if its ports or its address cannot be known.
        """
        here = self._here(entries[0])
        said = {entry.port: entry for entry in entries if entry.port is not None}
        without = next((entry for entry in entries if entry.port is None), None)
        if without is not None:
            others = here if here and as_it_is else (*out, *here)
            ports = dict.fromkeys(backend.key.port for backend in others) or self.usual_ports
            said = {**dict.fromkeys(ports, without), **said}
        if not said:
            raise NoPlaceError("no_ports")
        replaced = replaced_by_port(list(said), out)
        return tuple(
            self._backend(port, entry, _at(port, here), old)
            for (port, entry), old in zip(said.items(), replaced, strict=True)
        )

    def lack_address(self, entries: Sequence[ServerRef]) -> bool:
        """Tell whether a new unit needs an address that nobody says."""
        entry = entries[0]
        here = self._here(entry)
        kind = entry.type or (here[0].type if here else type_of(entry.server_id))
        return kind != "ecs" and not (entry.server_ip or here)

    def _here(self, entry: ServerRef) -> tuple[Backend, ...]:
        key = Key(entry.server_id, 0, entry.server_ip)
        return self.present.get(key.unit) or self.present.get(entry.server_id, ())

    def _backend(self, port: int, ref: ServerRef, here: Backend | None, replaced: Backend | None) -> Backend:
        kind = ref.type or (here.type if here else type_of(ref.server_id))
        server_ip = ref.server_ip or (here.key.server_ip if here else None)
        if kind != "ecs" and not server_ip:
            raise NoPlaceError("server_ip_missing")
        return Backend(
            key=Key(ref.server_id, port, None if kind == "ecs" else server_ip),
            weight=self._weight(ref, here, replaced),
            type=kind,
            description=self._description(ref, here, replaced),
        )

    def _description(self, ref: ServerRef, here: Backend | None, replaced: Backend | None) -> str:
        """Return the description. A backend already in keeps its own: only its weight is ours to change."""
        if here and here.description != self._marks.waiting:
            return self._marks.kept(here)
        if ref.description is not None:
            return ref.description
        return (self._marks.handed_on(replaced.description) if replaced else "") or self._marks.ours

    def _weight(self, ref: ServerRef, here: Backend | None, replaced: Backend | None) -> int:
        """Return the weight. A weight of 0 does not carry over: an interrupted run may have left it."""
        if ref.weight is not None:
            return ref.weight
        weights = [self._marks.put_back(carried).weight for carried in (here, replaced) if carried]
        weight = next(filter(None, weights), None)
        if weights and weight is None:
            self.notes["weight_0_not_handed_on"] = None
        return weight or self.usual_weight


def replaced_by_port(ports: Sequence[int], out: Iterable[Backend]) -> list[Backend | None]:
    """Return the old backend for each new port: the one on the same port, else the next one left."""
    waiting: dict[int, deque[Backend]] = {}
    for backend in out:
        waiting.setdefault(backend.key.port, deque()).append(backend)
    same = [waiting[port].popleft() if waiting.get(port) else None for port in ports]
    taken = {backend.key for backend in same if backend}
    left = (backend for backend in out if backend.key not in taken)
    return [backend or next(left, None) for backend in same]


def _at(port: int, here: Iterable[Backend]) -> Backend | None:
    """Return the backend that a new unit already has on this port."""
    return next((b for b in here if b.key.port == port), None)


def _commonest_weight(backends: Iterable[Backend]) -> int:
    """Return the most common weight above 0 in the group; if two are as common, the greater."""
    weights = Counter(backend.weight for backend in backends if backend.weight > 0)
    return max(weights, key=lambda weight: (weights[weight], weight), default=DEFAULT_WEIGHT)


def _ports_of_every_unit(units: Iterable[tuple[Backend, ...]]) -> tuple[int, ...]:
    ports = [{backend.key.port for backend in backends} for backends in units]
    return tuple(sorted(set.intersection(*ports))) if ports else ()
