"""One look at a target: all that the next decision knows of the cloud."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property

from msgspec import Struct, field

from handler.core.model.answers import Answer
from handler.core.model.values import Backend, Group, Instance, Key, Listeners, Server, Verdict, server_of

#: Verdicts of a backend that some check finds normal.
SOME_NORMAL = frozenset({Verdict.NORMAL, Verdict.MIXED})


class Source(str, Enum):
    """How far the scaling groups' answers can be believed."""

    COMPLETE = "complete"  #: every scaling group listed as many instances as it counts
    SOME_EMPTY = "some_empty"  #: of several, some list nothing: named instances go, others stay
    EMPTY = "empty"  #: none lists anything: not believed
    SHORT = "short"  #: fewer than counted: not believed yet
    ABSENT = "absent"  #: the target has no scaling group


class Listing(Struct, frozen=True):
    """The instances of one scaling group, as far as they could be read.

    ``complete`` is False if the pages do not add up to TotalCount. ``attached`` are the VServer groups that
    Auto Scaling itself keeps. ``counted`` is how many instances DescribeScalingGroups counts, None if it does
    not say.
    """

    servers: tuple[Server, ...]
    complete: bool
    attached: frozenset[str] = frozenset()
    counted: int | None = None


def believed(listings: Sequence[Listing], missing: int = 0) -> Source:
    """Return how far a target's scaling groups can be believed; ``missing`` is how many do not exist."""
    if not listings and not missing:
        return Source.ABSENT
    if not all(listing.complete for listing in listings):
        return Source.SHORT
    # A silent scaling group lists nothing, and no count confirms that.
    silent = missing + sum(not listing.servers and listing.counted != 0 for listing in listings)
    if silent == len(listings) + missing:
        return Source.EMPTY
    return Source.SOME_EMPTY if silent else Source.COMPLETE


class Observed(Struct, frozen=True, dict=True):
    """One look at a target.

    ``health`` has the verdict of each listener that checks. ``missing`` are scaling groups that do not exist.
    ``asked`` are the instances that ECS was asked for, ``instances`` those that it knows, None if we may not
    read them. ``problem`` is set if the look failed; the rest is then from the look before.
    ``others_unread`` is set if only Auto Scaling or ECS failed; what they say is then from the look before.
    ``fresh`` is False while the group is our model of what we wrote, not a reading. ``now`` and ``deadline``
    are seconds of one clock.
    """

    group: Group
    now: float
    deadline: float
    servers: Mapping[str, Server] = field(default_factory=dict)
    source: Source = Source.ABSENT
    attached: bool = False
    missing: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    instances: Mapping[str, Instance] | None = field(default_factory=dict)
    health: Mapping[Key, Mapping[str, Verdict]] = field(default_factory=dict)
    listeners: Listeners = Listeners()
    fresh: bool = True
    problem: Answer | None = None
    others_unread: Answer | None = None

    def verdict(self, key: Key, listener: str) -> Verdict:
        """Return what a listener's check says of a backend; pending if there is no row yet."""
        return self.health.get(key, {}).get(listener, Verdict.PENDING)

    def is_normal(self, key: Key, listeners: Iterable[str]) -> bool:
        """Tell whether all of these listeners find a backend normal."""
        said = self.health.get(key, {})
        return all(said.get(listener) is Verdict.NORMAL for listener in listeners)

    def is_proven(self, key: Key, gates: Collection[str]) -> bool:
        """Tell whether a backend is normal on every gate; without gates, whether its instance is up."""
        return self.is_normal(key, gates) if gates else not self._is_dead(key.server_id)

    def is_normal_for_some(self, key: Key) -> bool:
        """Tell whether any listener finds a backend normal."""
        return not SOME_NORMAL.isdisjoint(self.health.get(key, {}).values())

    def is_abnormal(self, key: Key, listeners: Iterable[str]) -> bool:
        """Tell whether any of these listeners finds a backend abnormal."""
        return any(self.verdict(key, listener) is Verdict.ABNORMAL for listener in listeners)

    def gets_requests(self, backend: Backend) -> bool:
        """Tell whether a backend is in service: it has a weight, and is not abnormal on every listener.

        A listener that does not check sends it requests whatever the others find, but in vain if the instance
        is down or no more.
        """
        if backend.weight == 0:
            return False
        verdicts = {self.verdict(backend.key, listener) for listener in self.listeners.checking}
        if self.listeners.unchecking or not verdicts:
            return not verdicts.isdisjoint(SOME_NORMAL) or not self._is_dead(backend.key.server_id)
        return verdicts != {Verdict.ABNORMAL}

    @cached_property
    def serving(self) -> frozenset[str]:
        """The units of which some backend is in service."""
        return frozenset(key.unit for key, b in self.group.backends.items() if self.gets_requests(b))

    def is_listed_in_service(self, unit: str) -> bool:
        """Tell whether a scaling group lists the server in service (InService or Protected)."""
        server = self.servers.get(server_of(unit))
        return server is not None and server.state == "in_service"

    def is_leaving(self, unit: str) -> bool:
        """Tell whether a scaling group is taking the server out (Removing, Removing:Wait, Stopped)."""
        server = self.servers.get(server_of(unit))
        return server is not None and server.state == "leaving"

    def instance(self, server_id: str) -> Instance | None:
        """Return what ECS says of an instance; None if it says nothing."""
        return (self.instances or {}).get(server_id)

    def is_unknown_to_ecs(self, server_id: str) -> bool:
        """Tell whether ECS was asked for an instance and does not know it."""
        return self.instances is not None and server_id in self.asked and server_id not in self.instances

    def is_down(self, server_id: str) -> bool:
        """Tell whether ECS says that an instance stops or is stopped."""
        instance = self.instance(server_id)
        return instance is not None and instance.status in {"stopping", "stopped"}

    def why_not_launched(self, server_id: str) -> str:
        """Return why an instance may not be put in, judged by ECS; empty if it may."""
        instance = self.instance(server_id)
        if instance is None:
            return "unknown_server" if self.is_unknown_to_ecs(server_id) else ""
        if instance.reclaimed:
            return "being_reclaimed"
        return "not_running" if self.is_down(server_id) else ""

    def _is_dead(self, server_id: str) -> bool:
        return self.is_down(server_id) or self.is_released(server_id)

    def shows_that_it_serves(self, server_id: str) -> bool:
        """Tell whether a scaling group lists a server in service, or any check finds it normal."""
        normal = (self.is_normal_for_some(key) for key in self.health if key.server_id == server_id)
        return self.is_listed_in_service(server_id) or any(normal)

    def may_serve(self, server_id: str) -> bool:
        """Tell whether a server may serve: a check finds it normal, or it runs and a listener checks none."""
        instance = self.instance(server_id)
        if self.is_unknown_to_ecs(server_id) or self.is_down(server_id):
            return False
        said = [
            verdict
            for key, by in self.health.items()
            if key.server_id == server_id
            for verdict in by.values()
        ]
        is_unchecked = not said or bool(self.listeners.unchecking)
        return not SOME_NORMAL.isdisjoint(said) or (instance is not None and is_unchecked)

    def is_released(self, server_id: str) -> bool:
        """Tell whether an instance is no more: ECS does not know it, and nothing contradicts that.

        A scaling group that lists the server does, in whatever state, as does a check that finds it normal.
        ECS is not believed where it knows nobody, unless the scaling groups list nobody either.
        """
        if not self.is_unknown_to_ecs(server_id) or server_id in self.servers:
            return False
        is_believed = self.instances or (self.source is Source.COMPLETE and not self.servers)
        return bool(is_believed) and not self.shows_that_it_serves(server_id)
