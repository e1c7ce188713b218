"""What serves: what the load balancer would do with a request at an instant, and what it would come to.

A unit of capacity is a server at an address. It serves if any running listener would send it a request by any
of its backends, and has either found it normal or checks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from localcloud.slb.health import checked
from localcloud.state.world import Backend, Instant, Listener
from tests.explore.playing import Played

Unit = tuple[str, str | None]


def unit(backend: Backend) -> Unit:
    """The unit of capacity that a backend belongs to."""
    return backend.server_id, backend.key[2]


class Served:
    """The instants of a world, by group, and who serves at each."""

    def __init__(self, played: Played) -> None:
        self.played = played
        self.world = played.cloud.world
        self.history = self.world.history
        self._on: dict[int, dict[Unit, frozenset[str]]] = {}

    @cached_property
    def _listeners(self) -> dict[str, tuple[Listener, ...]]:
        found: dict[str, tuple[Listener, ...]] = {}
        for group in self.world.groups.values():
            balancer = self.world.load_balancers[group.load_balancer_id]
            found[group.vserver_group_id] = tuple(
                one for one in balancer.listeners if one.runs and one.uses(group.vserver_group_id)
            )
        return found

    @cached_property
    def _indices(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for at, instant in enumerate(self.history):
            found.setdefault(instant.group_id, []).append(at)
        return found

    def before(self, group: str, instant: int) -> int:
        """The last instant of a group before one that is counted over all groups."""
        return max(at for at in self._indices[group] if at < instant or at == self._indices[group][0])

    def instants(self, group: str, first: int, last: int) -> list[int]:
        """The instants of a group from one up to another, the latter left out."""
        return [at for at in self._indices[group] if first <= at < last]

    def checking(self, group: str) -> frozenset[str]:
        """The listeners that check the health of a group."""
        return frozenset(name(one) for one in self._listeners[group] if one.checks(group))

    def on(self, at: int) -> dict[Unit, frozenset[str]]:
        """Of each unit that serves at an instant, the listeners that would send it requests."""
        if at not in self._on:
            instant = self.history[at]
            found: dict[Unit, set[str]] = {}
            for backend in instant.backends:
                for listener in self._listeners[instant.group_id]:
                    if self._is_sent(instant, backend, listener):
                        found.setdefault(unit(backend), set()).add(name(listener))
            self._on[at] = {one: frozenset(names) for one, names in found.items()}
        return self._on[at]

    def serving(self, at: int) -> frozenset[Unit]:
        """The units that serve at an instant."""
        return frozenset(self.on(at))

    def _is_sent(self, instant: Instant, backend: Backend, listener: Listener) -> bool:
        if backend.weight == 0:
            return False
        unchecked = not all(use.health_check for use in listener.uses_of(instant.group_id))
        return unchecked or self.status(instant, backend, listener) in {"", "normal"}

    def uses(self, at: int, backend: Backend) -> bool:
        """Whether some listener sends requests to a backend at an instant."""
        instant = self.history[at]
        return any(self._is_sent(instant, backend, one) for one in self._listeners[instant.group_id])

    def drains(self, group: str) -> bool:
        """Whether weight 0 is of no use to drain a group, or its listeners drain by themselves."""
        listeners = self._listeners[group]
        own = bool(listeners) and all(one.connection_drain for one in listeners)
        return own or any(use.scheduler == "rr" for one in listeners for use in one.uses_of(group))

    def pending(self, at: int) -> frozenset[Unit]:
        """The units with a weight above 0 of which some check has not finished."""
        instant = self.history[at]
        return frozenset(
            unit(backend)
            for backend in instant.backends
            for listener in self._listeners[instant.group_id]
            if backend.weight > 0 and self.status(instant, backend, listener) == "unavailable"
        )

    def dead(self, at: int) -> frozenset[Unit]:
        """The units that are stopped or no more, and get requests only because nothing checks them."""
        instant = self.history[at]
        return frozenset(
            one
            for one in self.on(at)
            if self.is_down(at, one[0])
            and not any(
                self.status(instant, b, listener) == "normal"
                for b in instant.backends
                if unit(b) == one and b.weight
                for listener in self._listeners[instant.group_id]
            )
        )

    def is_down(self, at: int, server: str) -> bool:
        """Whether an instance is stopped, or there is none."""
        known = self.history[at].instances.get(server)
        return known is None or known.status in {"Stopped", "Stopping"}

    def under_rr(self, at: int) -> frozenset[Unit]:
        """The units at weight 0 that are sent requests all the same."""
        instant = self.history[at]
        return frozenset(
            unit(backend)
            for backend in instant.backends
            for listener in self._listeners[instant.group_id]
            if backend.weight == 0
            and any(use.scheduler == "rr" for use in listener.uses_of(instant.group_id))
            and self.status(instant, backend, listener) in {"", "normal"}
        )

    def status(self, instant: Instant, backend: Backend, listener: Listener) -> str:
        """What a listener's check says of a backend; nothing where it does not check."""
        group = instant.group_id
        if not listener.checks(group):
            return ""
        reads = instant.fresh.get((group, backend.key))
        return checked(backend, group, listener.port, reads, instant.instances, self.world.readings)

    def _rows_of_others(self, group: str, at: int) -> Iterator[tuple[Backend, str]]:
        """Yield what the listeners of a group show, at an instant, of the backends of other groups."""
        for other in self.world.groups.keys() - {group}:
            instant = self.history[self.before(other, at)]
            for listener in self._listeners[group]:
                if listener in self._listeners[other]:
                    for backend in instant.backends:
                        yield backend, self.status(instant, backend, listener) or "unavailable"

    def doubted(self, group: str, at: int) -> set[str]:
        """The servers that a listener of a group does not find normal for another group."""
        found = self._rows_of_others(group, at)
        return {backend.server_id for backend, status in found if status != "normal"}

    def vouched_for(self, at: int) -> set[Unit]:
        """The units of a group that its listener finds normal for another group, at the same port."""
        instant = self.history[at]
        rows = self._rows_of_others(instant.group_id, at)
        found = {(b.server_id, b.port) for b, status in rows if status == "normal"}
        return {unit(b) for b in instant.backends if b.weight > 0 and (b.server_id, b.port) in found}

    def passed(self, at: int, one: Unit, required: frozenset[str]) -> bool:
        """Whether a unit serves on every listener of some."""
        return one in self.on(at) and required <= self.on(at)[one]

    def failing(self, at: int) -> set[Unit]:
        """The units that some check finds abnormal, and none normal; they may be used unchecked."""
        instant = self.history[at]
        found: dict[Unit, set[str]] = {}
        for backend in instant.backends:
            said = {self.status(instant, backend, one) for one in self._listeners[instant.group_id]}
            found.setdefault(unit(backend), set()).update(said)
        return {one for one, said in found.items() if "abnormal" in said and "normal" not in said}

    def sick(self, at: int) -> set[str]:
        """The servers of an instant of which some check of some backend fails, whatever their weight."""
        instant = self.history[at]
        return {
            backend.server_id
            for backend in instant.backends
            for listener in self._listeners[instant.group_id]
            if self.status(instant, backend, listener) == "abnormal"
        }


def name(listener: Listener) -> str:
    """A listener's name."""
    return f"{listener.protocol}:{listener.port}"
