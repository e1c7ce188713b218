"""The state of the local cloud: frozen values in dictionaries, so that copies may share them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from localcloud.state.readings import Readings, validated

REGION = "cn-hangzhou"
ACCOUNT = "1234567890123456"
DEFAULT_QUOTA = 200  # slb_quota_backendservers_num (CLB: Quotas)

Key = tuple[str, int, str | None]


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend of a VServer group: ECS is known by server and port, ENI and ECI by their address as well."""

    server_id: str
    port: int
    weight: int = 100
    type: str = "ecs"
    server_ip: str | None = None
    description: str = ""
    key: Key = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        ip = None if self.type == "ecs" else self.server_ip
        object.__setattr__(self, "key", (self.server_id, self.port, ip))


@dataclass(frozen=True, slots=True)
class Rule:
    """A forwarding rule of a listener, which may send what it matches to a group of its own."""

    rule_id: str
    vserver_group_id: str | None = None
    name: str = ""
    domain: str = ""
    url: str = ""
    listener_sync: bool = True
    health_check: bool = True
    scheduler: str = "wrr"


class Use(NamedTuple):
    """How a listener sends requests to a group: by itself, or by a rule that may check for itself."""

    health_check: bool
    scheduler: str


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener: health check, scheduler and connection drain are its own, not the group's."""

    port: int
    protocol: str = "http"
    vserver_group_id: str | None = None
    health_check: bool = True
    scheduler: str = "wrr"
    connection_drain: bool = False
    connection_drain_timeout: int = 300
    backend_server_port: int = 80
    status: str = "running"
    rules: tuple[Rule, ...] = ()

    def uses(self, group_id: str) -> bool:
        """Whether this listener, or one of its rules, is set to send requests to the group."""
        return bool(self.uses_of(group_id))

    def uses_of(self, group_id: str) -> tuple[Use, ...]:
        """How this listener and its rules use a group; "" is the default group.

        A rule with ListenerSync on checks and schedules as its listener does (SLB: CreateRules).
        """
        own = Use(self.health_check, self.scheduler)
        found = [own] if (self.vserver_group_id or "") == group_id else []
        return (
            *found,
            *(
                own if rule.listener_sync else Use(rule.health_check, rule.scheduler)
                for rule in self.rules
                if rule.vserver_group_id == group_id
            ),
        )

    @property
    def runs(self) -> bool:
        """Whether it takes requests, and checks: one that is stopped or stopping does not."""
        return self.status not in {"stopped", "stopping"}

    def checks(self, group_id: str) -> bool:
        """Whether any of its uses of a group checks health."""
        return self.runs and any(use.health_check for use in self.uses_of(group_id))


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer; `backend_servers` is its default group, which has no ports."""

    load_balancer_id: str
    name: str = ""
    status: str = "active"
    listeners: tuple[Listener, ...] = ()
    backend_servers: tuple[Backend, ...] = ()
    backend_quota: int = DEFAULT_QUOTA
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Group:
    """A VServer group, its backends in the order in which they came."""

    vserver_group_id: str
    load_balancer_id: str
    name: str = ""
    backends: tuple[Backend, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """A server: an ECS instance, or what stands behind an ENI or ECI id."""

    instance_id: str
    status: str = "Running"
    zone_id: str = REGION + "-h"
    health: str = "normal"
    health_by_port: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    health_by_listener: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    health_by_group: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    operation_locks: tuple[str, ...] = ()

    def health_on(self, port: int, listener_port: int, group_id: str) -> str:
        """What a finished check of this port finds, made for a group by the listener of the other port.

        A server that does not run answers nothing. What is found for a group goes before what is found by a
        listener, and that before the rest: a rule may check another path than its listener.
        """
        if self.status != "Running":
            return "abnormal"
        found = self.health_by_group.get(group_id) or self.health_by_listener.get(listener_port)
        return found or self.health_by_port.get(port, self.health)


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of a scaling group."""

    instance_id: str
    lifecycle_state: str = "InService"
    health_status: str = "Healthy"
    scaling_activity_id: str | None = None


@dataclass(frozen=True, slots=True)
class LifecycleAction:
    """What a lifecycle hook waits for, until its token is completed."""

    lifecycle_hook_id: str
    lifecycle_action_token: str
    instance_ids: tuple[str, ...] = ()
    scaling_activity_id: str = "asa-local"
    status: str = "Pending"
    result: str = "CONTINUE"
    heartbeats: int = 0
    waited_s: int = 600


@dataclass(frozen=True, slots=True)
class Attachment:
    """A VServer group that Auto Scaling itself fills from a scaling group (AttachVServerGroups)."""

    load_balancer_id: str
    vserver_group_id: str
    port: int = 80
    weight: int = 50


@dataclass(frozen=True, slots=True)
class ScalingGroup:
    """A scaling group with its instances and pending lifecycle actions."""

    scaling_group_id: str
    name: str = ""
    vserver_groups: tuple[Attachment, ...] = ()
    instances: tuple[Member, ...] = ()
    lifecycle_actions: tuple[LifecycleAction, ...] = ()


class Instant(NamedTuple):
    """One state a group was in, with what its health depends on; written out only when somebody asks."""

    group_id: str
    backends: tuple[Backend, ...]
    fresh: Mapping[tuple[str, Key], int]
    instances: Mapping[str, Instance]
    action: str
    request_id: str | None


class Write(NamedTuple):
    """The last write of a load balancer or a group: when, by the world's clock, and what it held up since."""

    at: float
    refused: int = 0


@dataclass(slots=True)
class World:
    """All there is. `fresh` counts the health reads that found a backend, not yet proven, healthy."""

    load_balancers: dict[str, LoadBalancer] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    scaling_groups: dict[str, ScalingGroup] = field(default_factory=dict)
    readings: Readings = field(default_factory=lambda: validated({}))
    fresh: dict[tuple[str, Key], int] = field(default_factory=dict)
    before: dict[str, tuple[tuple[Backend, ...], int]] = field(default_factory=dict)
    written: dict[str, Write] = field(default_factory=dict)
    history: list[Instant] = field(default_factory=list)
    history_limit: int | None = None
    request_id: str | None = None
    created: int = 0
    clock: Callable[[], float] = time.monotonic
    watcher: Callable[[Instant], None] | None = None

    def copy(self) -> "World":
        """A world that goes its own way from here, unwatched; values are shared, since none ever changes."""
        return World(
            dict(self.load_balancers), dict(self.groups), self.instances, dict(self.scaling_groups),
            self.readings, self.fresh, dict(self.before), dict(self.written), list(self.history),
            self.history_limit, self.request_id, self.created, self.clock,
        )  # fmt: skip

    def record(self, group_id: str, backends: tuple[Backend, ...], action: str) -> None:
        """Write down that the group is, or for an instant was, in this state."""
        if self.history_limit == 0:
            return
        instant = Instant(group_id, backends, self.fresh, self.instances, action, self.request_id)
        self.history.append(instant)
        if self.watcher is not None:
            self.watcher(instant)
        if self.history_limit is not None and len(self.history) > self.history_limit:
            del self.history[0]

    def put_backends(self, group: Group, backends: tuple[Backend, ...], action: str) -> None:
        """Make this the state of the group. What was added is not proven; what left needs no proof."""
        old, new = {b.key for b in group.backends}, {b.key for b in backends}
        if old != new:
            fresh = {k: n for k, n in self.fresh.items() if k[0] != group.vserver_group_id or k[1] in new}
            for key in new - old:
                fresh[group.vserver_group_id, key] = 0
            self.fresh = fresh
        self.groups[group.vserver_group_id] = Group(
            group.vserver_group_id, group.load_balancer_id, group.name, backends
        )
        self.record(group.vserver_group_id, backends, action)

    def set_instance(self, instance: Instance, action: str = "") -> None:
        """Replace what is known of an instance, which may change what its groups can serve."""
        self.instances = {**self.instances, instance.instance_id: instance}
        self._touch(lambda backend: backend.server_id == instance.instance_id, action)

    def release(self, instance_id: str, action: str = "") -> None:
        """The instance is no more. Reading `released_server`: whether its backends leave their groups."""
        self.instances = {k: v for k, v in self.instances.items() if k != instance_id}
        used = [g for g in self.groups.values() if any(b.server_id == instance_id for b in g.backends)]
        if used and self.readings["released_server"] == "removed":
            for group in used:
                left = tuple(b for b in group.backends if b.server_id != instance_id)
                self.put_backends(group, left, action or "released")
            return
        self._touch(lambda backend: backend.server_id == instance_id, action or "released")

    def _touch(self, concerned: Callable[[Backend], bool], action: str) -> None:
        for group in self.groups.values():
            if any(concerned(backend) for backend in group.backends):
                self.record(group.vserver_group_id, group.backends, action)
