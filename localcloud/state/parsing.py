"""A state that came as JSON, in the shape of docs/local-cloud.md; what is wrong is refused, its key named."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from localcloud.state.fields import FieldError, Fields
from localcloud.state.readings import validated
from localcloud.state.world import (
    DEFAULT_QUOTA,
    Attachment,
    Backend,
    Group,
    Instance,
    LifecycleAction,
    Listener,
    LoadBalancer,
    Member,
    Rule,
    ScalingGroup,
    World,
)

T = TypeVar("T")
RELEASED = "Released"
HEALTH = ("normal", "abnormal", "unavailable")
#: Reasons for which ECS locks an instance (DescribeInstances, LockReason).
LOCKS = ("Recycling", "financial", "security", "dedicatedhostfinancial", "refunded")
STATES = (
    "InService", "Pending", "Pending:Wait", "Protected", "Standby", "Stopped", "Removing", "Removing:Wait",
)  # fmt: skip


def backend(f: Fields, *, ported: bool = True) -> Backend:
    """A backend of a VServer group, or of the default group, which has no ports."""
    f.known("server_id", "port", "weight", "type", "server_ip", "description", "health_reads")
    return Backend(
        server_id=f.text("server_id"),
        port=f.number("port", None if ported else 0, 1 if ported else 0, 65535),
        weight=f.number("weight", 100, 0, 100),
        type=f.text("type", "ecs", ("ecs", "eni", "eci")),
        server_ip=f.optional("server_ip"),
        description=f.text("description", ""),
    )


def _rule(f: Fields) -> Rule:
    f.known(
        "rule_id", "vserver_group_id", "name", "domain", "url", "listener_sync", "health_check", "scheduler"
    )
    return Rule(
        f.text("rule_id"),
        f.optional("vserver_group_id"),
        f.text("name", ""),
        f.text("domain", ""),
        f.text("url", ""),
        f.flag("listener_sync", True),
        f.flag("health_check", True),
        f.text("scheduler", "wrr", ("wrr", "rr", "wlc")),
    )


def _listener(f: Fields) -> Listener:
    f.known(
        "port", "protocol", "vserver_group_id", "health_check", "scheduler", "connection_drain",
        "connection_drain_timeout", "backend_server_port", "status", "rules",
    )  # fmt: skip
    return Listener(
        port=f.number("port", None, 1, 65535),
        protocol=f.text("protocol", "http", ("http", "https", "tcp", "udp")),
        vserver_group_id=f.optional("vserver_group_id"),
        health_check=f.flag("health_check", True),
        scheduler=f.text("scheduler", "wrr", ("wrr", "rr", "wlc", "sch", "tch", "qch")),
        connection_drain=f.flag("connection_drain", False),
        connection_drain_timeout=f.number("connection_drain_timeout", 300, 10, 900),
        backend_server_port=f.number("backend_server_port", 80, 1, 65535),
        status=f.text("status", "running", ("running", "stopped", "starting", "stopping", "configuring")),
        rules=f.each("rules", _rule),
    )


def _instance(f: Fields) -> Instance:
    f.known(
        "instance_id",
        "status",
        "zone_id",
        "health",
        "health_by_port",
        "health_by_listener",
        "health_by_group",
        "operation_locks",
    )
    return Instance(
        instance_id=f.text("instance_id"),
        status=f.text(
            "status", "Running", ("Running", "Starting", "Stopping", "Stopped", "Pending", RELEASED)
        ),
        zone_id=f.text("zone_id", Instance("").zone_id),
        health=f.text("health", "normal", HEALTH),
        health_by_port=_by_port(f, "health_by_port"),
        health_by_listener=_by_port(f, "health_by_listener"),
        health_by_group=_by_group(f, "health_by_group"),
        operation_locks=f.texts("operation_locks", LOCKS),
    )


def _by_port(f: Fields, key: str) -> Mapping[int, str]:
    found = f.raw(key, {})
    if not isinstance(found, Mapping) or not all(
        str(port).isdigit() and health in HEALTH for port, health in found.items()
    ):
        raise FieldError(f"{f.at(key)}: ports with one of {', '.join(HEALTH)} are needed")
    return {int(port): health for port, health in found.items()}


def _by_group(f: Fields, key: str) -> Mapping[str, str]:
    found = f.raw(key, {})
    if not isinstance(found, Mapping) or not all(health in HEALTH for health in found.values()):
        raise FieldError(f"{f.at(key)}: VServer groups with one of {', '.join(HEALTH)} are needed")
    return dict(found)


def instance(value: object) -> Instance:
    """One instance, as it stands in the list `instances`."""
    return _instance(Fields(value, "instance"))


def _attachment(f: Fields, groups: Mapping[str, Group]) -> Attachment:
    f.known("load_balancer_id", "vserver_group_id", "port", "weight")
    group_id = f.text("vserver_group_id")
    owner = groups[group_id].load_balancer_id if group_id in groups else "lb-elsewhere"
    return Attachment(
        f.text("load_balancer_id", owner),
        group_id,
        f.number("port", 80, 1, 65535),
        f.number("weight", 50, 0, 100),
    )


def _member(f: Fields) -> Member:
    f.known("instance_id", "lifecycle_state", "health_status", "scaling_activity_id")
    return Member(
        f.text("instance_id"),
        f.text("lifecycle_state", "InService", STATES),
        f.text("health_status", "Healthy", ("Healthy", "Unhealthy")),
        f.optional("scaling_activity_id"),
    )


def _action(f: Fields) -> LifecycleAction:
    f.known(
        "lifecycle_hook_id", "lifecycle_action_token", "instance_ids", "scaling_activity_id", "status",
        "result", "heartbeats", "waited_s",
    )  # fmt: skip
    return LifecycleAction(
        f.text("lifecycle_hook_id"),
        f.text("lifecycle_action_token"),
        f.texts("instance_ids"),
        f.text("scaling_activity_id", "asa-local"),
        f.text("status", "Pending", ("Pending", "Timeout", "Completed")),
        f.text("result", "CONTINUE", ("CONTINUE", "ABANDON", "ROLLBACK")),
        f.number("heartbeats", 0, 0, 10**6),
        f.number("waited_s", 600, 0, 10**6),
    )


def _unique(named: Iterable[tuple[str, object]]) -> None:
    """Refuse what is there twice, by the path of the second of its kind."""
    seen: dict[object, str] = {}
    for path, value in named:
        if value in seen:
            raise FieldError(f"{path}: {value!r} is there twice, first at {seen[value]}")
        seen[value] = path


def _at(path: str, values: Iterable[T]) -> Iterator[tuple[str, T]]:
    return ((f"{path}[{n}]", value) for n, value in enumerate(values))


def _used(balancers: Iterable[LoadBalancer]) -> Iterator[tuple[str, str | None]]:
    """The VServer groups that listeners and rules send requests to, each with its path."""
    for at, balancer in _at("load_balancers", balancers):
        for of, listener in _at(f"{at}.listeners", balancer.listeners):
            yield f"{of}.vserver_group_id", listener.vserver_group_id
            yield from (
                (f"{r}.vserver_group_id", rule.vserver_group_id)
                for r, rule in _at(f"{of}.rules", listener.rules)
            )


def world(data: object) -> World:
    """The world that a state describes; `faults` are the caller's to read."""
    top = Fields(data, "").known("load_balancers", "instances", "scaling_groups", "readings", "faults")
    new = World(readings=validated(top.raw("readings", {})))
    health_reads: dict[tuple[str, Any], int] = {}

    def group(f: Fields, owner: str) -> Group:
        f.known("vserver_group_id", "name", "backends")
        group_id = f.text("vserver_group_id")

        def member(b: Fields) -> Backend:
            value = backend(b)
            if b.has("health_reads"):
                health_reads[group_id, value.key] = b.number("health_reads", None, 0, 10**6)
            return value

        backends = f.each("backends", member)
        _unique((at, b.key) for at, b in _at(f.at("backends"), backends))
        return Group(group_id, owner, f.text("name", group_id), backends)

    def balancer(f: Fields) -> tuple[LoadBalancer, tuple[Group, ...]]:
        f.known(
            "load_balancer_id",
            "name",
            "status",
            "listeners",
            "vserver_groups",
            "backend_servers",
            "backend_quota",
            "tags",
        )
        owner = f.text("load_balancer_id")
        return LoadBalancer(
            owner,
            f.text("name", owner),
            f.text("status", "active", ("active", "inactive", "locked")),
            f.each("listeners", _listener),
            f.each("backend_servers", lambda b: backend(b, ported=False)),
            f.number("backend_quota", DEFAULT_QUOTA, 0, 10**6),
            f.strings("tags"),
        ), f.each("vserver_groups", lambda g: group(g, owner))

    balancers = top.each("load_balancers", balancer)
    groups = [g for _, owned in balancers for g in owned]
    _unique((f"{at}.load_balancer_id", b.load_balancer_id) for at, (b, _) in _at("load_balancers", balancers))
    _unique(
        (f"{of}.vserver_group_id", g.vserver_group_id)
        for at, (_, owned) in _at("load_balancers", balancers)
        for of, g in _at(f"{at}.vserver_groups", owned)
    )
    new.load_balancers = {b.load_balancer_id: b for b, _ in balancers}
    new.groups = {g.vserver_group_id: g for g in groups}
    for path, used in _used(b for b, _ in balancers):
        if used is not None and used not in new.groups:
            raise FieldError(f"{path}: {used!r} is no VServer group")

    def scaling_group(f: Fields) -> ScalingGroup:
        f.known("scaling_group_id", "name", "vserver_groups", "instances", "lifecycle_actions")
        return ScalingGroup(
            f.text("scaling_group_id"),
            f.text("name", f.text("scaling_group_id")),
            f.each("vserver_groups", lambda a: _attachment(a, new.groups), bare="vserver_group_id"),
            f.each("instances", _member),
            f.each("lifecycle_actions", _action),
        )

    scaling_groups, instances = top.each("scaling_groups", scaling_group), top.each("instances", _instance)
    _unique((f"{at}.scaling_group_id", s.scaling_group_id) for at, s in _at("scaling_groups", scaling_groups))
    _unique((f"{at}.instance_id", i.instance_id) for at, i in _at("instances", instances))
    new.scaling_groups = {s.scaling_group_id: s for s in scaling_groups}
    known = {i.instance_id: i for i in instances}
    mentioned = [b.server_id for g in groups for b in g.backends]
    mentioned += [b.server_id for balancer, _ in balancers for b in balancer.backend_servers]
    mentioned += [m.instance_id for s in new.scaling_groups.values() for m in s.instances]
    everything = known | {i: Instance(i) for i in mentioned if i not in known}
    new.instances = {i: value for i, value in everything.items() if value.status != RELEASED}
    new.fresh = dict(health_reads)
    for g in groups:
        new.record(g.vserver_group_id, g.backends, "")
    return new
