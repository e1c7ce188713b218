"""What is known now, on which the next decision is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from handler.core.model.answers import Answer
from handler.core.model.values import Group, Key, Listeners, Server, Verdict


class Source(str, Enum):
    """How far the scaling groups' answers can be believed."""

    COMPLETE = "complete"  #: every scaling group listed instances, and as many as it counted
    SOME_EMPTY = (
        "some_empty"  #: one of several listed none: enough for named instances, not to infer stale ones
    )
    EMPTY = "empty"  #: none listed anything: no truth
    SHORT = "short"  #: fewer than counted: no truth yet
    ABSENT = "absent"  #: the target has no scaling group


@dataclass(frozen=True, slots=True)
class Listing:
    """The instances of one scaling group, as far as they could be read.

    ``complete`` is False when the pages do not add up to TotalCount; ``attached`` holds the VServer groups
    that Auto Scaling itself keeps.
    """

    servers: tuple[Server, ...]
    complete: bool
    attached: frozenset[str] = frozenset()


def believed(listings: Sequence[Listing]) -> Source:
    """Return how far the answers of a target's scaling groups can be believed."""
    if not listings:
        return Source.ABSENT
    if not all(listing.complete for listing in listings):
        return Source.SHORT
    empty = sum(not listing.servers for listing in listings)
    if empty == len(listings):
        return Source.EMPTY
    return Source.SOME_EMPTY if empty else Source.COMPLETE


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at a target.

    ``problem`` is set when the look failed; the rest is then as it was before. ``fresh`` is False while the
    group is our model of what we wrote rather than what was read. ``now`` and ``deadline`` are seconds of one
    clock.
    """

    group: Group
    now: float
    deadline: float
    servers: Mapping[str, Server] = field(default_factory=dict)
    source: Source = Source.ABSENT
    attached: bool = False
    health: Mapping[Key, Verdict] = field(default_factory=dict)
    listeners: Listeners = field(default=Listeners(checked=False, drains=False, ignores_weight=False))
    fresh: bool = True
    problem: Answer | None = None

    def verdict(self, key: Key) -> Verdict:
        """Return the verdict on a backend; one without a row yet is pending where health is checked."""
        return self.health.get(key, Verdict.PENDING if self.listeners.checked else Verdict.UNCHECKED)

    def serves(self, server_id: str) -> bool:
        """Tell whether a scaling group lists the server in service (InService or Protected)."""
        server = self.servers.get(server_id)
        return server is not None and server.state == "in_service"

    def leaves(self, server_id: str) -> bool:
        """Tell whether a scaling group is taking the server out, whatever we do (Removing, Removing:Wait)."""
        server = self.servers.get(server_id)
        return server is not None and server.state == "leaving"
