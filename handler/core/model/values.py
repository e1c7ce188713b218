"""The values that all else is built on: frozen, comparable, and without access to the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cached_property
from typing import Literal, NamedTuple, TypeVar

from msgspec import Struct, field

_T = TypeVar("_T")
_K = TypeVar("_K")

BackendType = Literal["ecs", "eni", "eci"]
TriggerName = Literal["autoscaling", "deployment", "timer"]
Strategy = Literal["swap", "surge"]


def type_of(server_id: str) -> BackendType:
    """Return the type that the prefix of an id tells (``eni-``, ``eci-``; all else is an ECS instance)."""
    return "eni" if server_id.startswith("eni-") else "eci" if server_id.startswith("eci-") else "ecs"


class Key(NamedTuple):
    """What identifies a backend in a group: a server may be there on several ports.

    ``server_ip`` is None for ECS instances and the address for ENIs and ECI containers.
    """

    server_id: str
    port: int
    server_ip: str | None = None

    @property
    def unit(self) -> str:
        """The unit of capacity of this backend: its server, with its address if it has one."""
        return f"{self.server_id}@{self.server_ip}" if self.server_ip else self.server_id


def server_of(unit: str) -> str:
    """Return the server of a unit of capacity."""
    return unit.partition("@")[0]


class Backend(Struct, frozen=True):
    """One entry of a VServer group. ``weight`` is 0 to 100; 0 takes no new requests."""

    key: Key
    weight: int = 100
    type: BackendType = "ecs"
    description: str = ""


def grouped(items: Iterable[_T], group_of: Callable[[_T], _K]) -> dict[_K, tuple[_T, ...]]:
    """Return items by the group that each belongs to, in their order."""
    found: dict[_K, list[_T]] = {}
    for item in items:
        found.setdefault(group_of(item), []).append(item)
    return {group: tuple(members) for group, members in found.items()}


class Group(Struct, frozen=True, dict=True):
    """A VServer group as it was read, or as our model says it is after a step."""

    id: str
    load_balancer_id: str
    backends: Mapping[Key, Backend]

    @cached_property
    def units(self) -> Mapping[str, tuple[Backend, ...]]:
        """The backends of each unit of capacity, in the group's order."""
        return grouped(self.backends.values(), lambda backend: backend.key.unit)

    @cached_property
    def servers(self) -> Mapping[str, tuple[Backend, ...]]:
        """The backends of each server, at all its addresses, in the group's order."""
        return grouped(self.backends.values(), lambda backend: backend.key.server_id)


class Cause(str, Enum):
    """Why a delivery names a server; decides whether the server may still serve."""

    REQUESTED = "requested"  #: by a signed request; a terminated one still serves
    GONE = "gone"  #: a request's ``gone: true``
    DELETED = "deleted"  #: ECS says so; gone once ECS no longer knows it
    FINISHED = "finished"  #: by a finished scaling activity; gone once no longer listed
    HOOK = "hook"  #: by a lifecycle hook: waiting to enter, or still serving and about to leave
    INTERRUPTED = "interrupted"  #: a preemptible instance with about five minutes left


class ServerRef(Struct, frozen=True):
    """A server that a delivery names, and the details given; None leaves a detail to the rules.

    An empty ``description`` asks for none.
    """

    server_id: str
    port: int | None = None
    weight: int | None = None
    type: BackendType | None = None
    server_ip: str | None = None
    description: str | None = None
    cause: Cause = Cause.REQUESTED

    def names(self, key: Key) -> bool:
        """Tell whether it names a backend: the same server, at the port and the address if it gives them."""
        said = self.port in {None, key.port} and self.server_ip in {None, key.server_ip}
        return self.server_id == key.server_id and said


class Hook(Struct, frozen=True):
    """A lifecycle hook that waits for us. ``token`` is None if the message lost it."""

    id: str
    token: str | None
    activity_id: str | None
    scaling_group_id: str
    transition: Literal["scale_out", "scale_in"]
    instance_ids: tuple[str, ...]


class Scope(str, Enum):
    """Whether an intent is taken literally, or completed from the scaling groups."""

    LITERAL = "literal"
    RECONCILE = "reconcile"


class Intent(Struct, frozen=True):
    """What a delivery asks of one target."""

    target: str
    trigger: TriggerName
    event_ids: tuple[str, ...] = ()
    scope: Scope = Scope.RECONCILE
    terminated: tuple[ServerRef, ...] = ()
    launched: tuple[ServerRef, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    force: frozenset[str] = frozenset()
    dry_run: bool = False
    strategy: Strategy | None = None
    hooks: tuple[Hook, ...] = ()


ServerState = Literal["in_service", "pending", "leaving", "standby"]


class Server(Struct, frozen=True):
    """What a scaling group says of one of its instances.

    ``in_service`` is InService or Protected, ``pending`` is Pending or Pending:Wait, ``leaving`` is Removing,
    Removing:Wait or Stopped, ``standby`` is any other (Auto Scaling, DescribeScalingInstances).
    """

    id: str
    state: ServerState
    healthy: bool = True


InstanceStatus = Literal["pending", "starting", "running", "stopping", "stopped"]


class Instance(Struct, frozen=True):
    """What ECS says of an instance (DescribeInstances).

    ``reclaimed``: it is preemptible and locked as ``Recycling``, about to be released within minutes
    (ECS, Handle spot instance interruption events).
    """

    id: str
    status: InstanceStatus
    reclaimed: bool


class Verdict(str, Enum):
    """What the health check of one listener says of one backend (DescribeHealthStatus)."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    PENDING = "pending"  #: no verdict yet
    MIXED = "mixed"  #: normal for some group or rule of the listener, not for another: in service, not proven


class Listeners(Struct, frozen=True):
    """What the running listeners that use a group, directly or by a rule, do with its backends.

    A listener is named by protocol and port, as ``https:443``.
    """

    checking: frozenset[str] = frozenset()  #: they check health
    unchecking: frozenset[str] = frozenset()  #: they do not, at least for some of their requests
    drains: bool = False  #: all of them have connection drain on
    ignores_weight: bool = False  #: at least one schedules by ``rr``, which ignores weight 0


class Pair(Struct, frozen=True):
    """An old backend, and the new one that takes its place."""

    old: Backend
    new: Backend


class Refusal(Struct, frozen=True):
    """Something asked for but not done. ``override`` is what a request's ``force`` has to name."""

    subject: str
    reason: str
    override: str | None = None
    numbers: Mapping[str, int | str] = field(default_factory=dict)
