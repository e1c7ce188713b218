"""The values that everything else is said in: frozen, comparable, without behaviour that looks outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple

BackendType = Literal["ecs", "eni", "eci"]
TriggerName = Literal["autoscaling", "deployment", "timer"]
Strategy = Literal["swap", "surge"]
Mode = Literal["apply", "plan", "off"]

#: Backend servers that one call may carry; documented for every write to a VServer group.
MAX_PER_CALL = 20


class Key(NamedTuple):
    """What tells one backend of a group from another: a server may be there on several ports.

    ``server_ip`` is None for ECS instances and the address for ENIs and ECI containers.
    """

    server_id: str
    port: int
    server_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """One entry of a VServer group. ``weight`` is 0 to 100; 0 takes no new requests."""

    key: Key
    weight: int = 100
    type: BackendType = "ecs"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A VServer group as it was read, or as our model says it is after a step."""

    id: str
    load_balancer_id: str
    backends: Mapping[Key, Backend]

    def servers(self) -> dict[str, tuple[Backend, ...]]:
        """Return the backends of each server, in the group's order."""
        found: dict[str, tuple[Backend, ...]] = {}
        for key, backend in self.backends.items():
            found[key.server_id] = (*found.get(key.server_id, ()), backend)
        return found


class Cause(str, Enum):
    """Why a delivery names a server; decides whether it may still be serving."""

    REQUESTED = "requested"  #: by a signed request; a terminated one still serves
    GONE = "gone"  #: a request's ``gone: true``, or ECS says Deleted
    FINISHED = "finished"  #: by a finished scaling activity: gone, once no longer listed
    HOOK = "hook"  #: by a lifecycle hook: waiting to enter, or still serving and about to leave
    INTERRUPTED = "interrupted"  #: a preemptible instance with some five minutes left


@dataclass(frozen=True, slots=True)
class ServerRef:
    """A server that a delivery names, with what it says of it; None is left to the rules.

    An empty ``description`` asks for none.
    """

    server_id: str
    port: int | None = None
    weight: int | None = None
    type: BackendType | None = None
    server_ip: str | None = None
    description: str | None = None
    cause: Cause = Cause.REQUESTED


@dataclass(frozen=True, slots=True)
class Hook:
    """A lifecycle hook that waits for us. ``token`` is None when the message lost it."""

    id: str
    token: str | None
    activity_id: str | None
    scaling_group_id: str
    transition: Literal["scale_out", "scale_in"]
    instance_ids: tuple[str, ...]
    default_result: str | None = None


class Scope(str, Enum):
    """Whether an intent is the whole wish, or is completed from the scaling groups."""

    LITERAL = "literal"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True)
class Intent:
    """What a delivery asks for in one target."""

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


@dataclass(frozen=True, slots=True)
class Policy:
    """How a target may be changed. The defaults are those of ``SWAP_TARGETS``."""

    mark: str
    ports: tuple[int, ...] = ()
    weight: int | None = None
    strategy: Strategy = "swap"
    max_unavailable: int | str = "25%"
    min_backends: int = 1
    max_removed: int | str = "50%"
    exclusive: bool = False
    drain_s: float = 0
    health_timeout_s: float = 120
    health_interval_s: float = 2
    max_per_call: int = MAX_PER_CALL

    @property
    def waits(self) -> str:
        """The mark of a new one at weight 0: tells what a run that was cut off left from what drains."""
        return self.mark.replace("/", ".", 1)

    def owns(self, backends: Iterable[Backend]) -> bool:
        """Tell whether backends of a server carry our mark."""
        return any(backend.description in {self.mark, self.waits} for backend in backends)


@dataclass(frozen=True, slots=True)
class Target:
    """A configured VServer group, with its scaling groups and its policy."""

    name: str
    vserver_group_id: str
    scaling_group_ids: tuple[str, ...]
    mode: Mode
    policy: Policy


ServerState = Literal["in_service", "pending", "leaving", "standby"]


@dataclass(frozen=True, slots=True)
class Server:
    """What a scaling group says of one of its instances.

    ``in_service`` is InService or Protected, ``pending`` is Pending or Pending:Wait, ``leaving`` is Removing,
    Removing:Wait or Stopped, ``standby`` is Standby (Auto Scaling, DescribeScalingInstances).
    """

    id: str
    state: ServerState
    healthy: bool = True


InstanceStatus = Literal["pending", "starting", "running", "stopping", "stopped"]


@dataclass(frozen=True, slots=True)
class Instance:
    """What ECS says of an instance (DescribeInstances).

    ``reclaimed``: it is preemptible and locked as ``Recycling``, about to be released within minutes
    (ECS, Handle spot instance interruption events).
    """

    id: str
    status: InstanceStatus
    reclaimed: bool


class Verdict(str, Enum):
    """What the load balancer's health checks say of one backend, over every listener that uses the group."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    PENDING = "pending"
    UNCHECKED = "unchecked"  #: no listener or rule uses the group, or none of them checks


@dataclass(frozen=True, slots=True)
class Listeners:
    """What the listeners that use a group do with its backends."""

    checked: bool  #: at least one of them checks health
    drains: bool  #: every one of them has connection drain on
    ignores_weight: bool  #: at least one schedules by ``rr``, to which weight 0 says nothing


@dataclass(frozen=True, slots=True)
class Pair:
    """An old instance's backend, and the new one's that takes its place on that port."""

    old: Backend
    new: Backend


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was asked for and is not done. ``override`` is the word for a request's ``force``."""

    subject: str
    reason: str
    override: str | None = None
    numbers: Mapping[str, int | str] = field(default_factory=dict)
