"""Health: what a check finds, what DescribeHealthStatus shows, and what would be sent traffic."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from localcloud.rpc.errors import ApiError
from localcloud.state.readings import Readings
from localcloud.state.world import Backend, Instance, Instant, Listener, LoadBalancer, World


class HealthRow(NamedTuple):
    """One row of DescribeHealthStatus: a listener and a backend; nothing says of which group."""

    listener_port: int
    protocol: str
    backend: Backend
    status: str


def checked(
    backend: Backend,
    group_id: str,
    listener_port: int,
    reads: int | None,
    instances: Mapping[str, Instance],
    readings: Readings,
) -> str:
    """What the listener of a port, which checks, shows of a group's backend; `reads` is None once proven.

    Readings: weight0_checked, of a backend at weight 0; fresh_health, of a healthy one that is not proven.
    `unavailable` is "not checked, or not yet" (DescribeHealthStatus).
    """
    if backend.weight == 0 and not readings["weight0_checked"]:
        return "unavailable"
    instance = instances.get(backend.server_id)
    found = "abnormal" if instance is None else instance.health_on(backend.port, listener_port, group_id)
    if found == "normal" and reads is not None and reads < int(readings["fresh_health"]):
        return "unavailable"
    return found


def describe(
    world: World, load_balancer: LoadBalancer, port: int | None = None, protocol: str | None = None
) -> list[HealthRow]:
    """DescribeHealthStatus of a load balancer or one of its listeners; counts as a health read."""
    listeners = [
        each
        for each in load_balancer.listeners
        if port in {None, each.port} and protocol in {None, each.protocol}
    ]
    if port is not None and not listeners:
        raise ApiError("ListenerNotFound")
    rows: list[HealthRow] = []
    seen: set[tuple[str, tuple[str, int, str | None]]] = set()
    for listener in listeners:
        for group_id, backends in _behind(world, load_balancer, listener):
            checks = listener.checks(group_id)
            for backend in backends:
                status = "unavailable"
                if checks:
                    at = (group_id, backend.key)
                    reads = world.fresh.get(at)
                    status = checked(backend, group_id, listener.port, reads, world.instances, world.readings)
                    if at in world.fresh and _progresses(world, listener, group_id, backend, status):
                        seen.add(at)
                rows.append(HealthRow(listener.port, listener.protocol, backend, status))
    if seen:
        _count(world, seen)
    return rows


def _behind(
    world: World, load_balancer: LoadBalancer, listener: Listener
) -> list[tuple[str, tuple[Backend, ...]]]:
    ids = [listener.vserver_group_id, *(rule.vserver_group_id for rule in listener.rules)]
    used = dict.fromkeys(i for i in ids if i is not None)
    groups = [(i, world.groups[i].backends) for i in used if i in world.groups]
    if listener.vserver_group_id is None and load_balancer.backend_servers:
        port = listener.backend_server_port
        groups.append(
            ("", tuple(Backend(b.server_id, port, b.weight, b.type) for b in load_balancer.backend_servers))
        )
    return groups


def _progresses(world: World, listener: Listener, group_id: str, backend: Backend, status: str) -> bool:
    if status == "normal":
        return True
    unchecked = backend.weight == 0 and not world.readings["weight0_checked"]
    instance = world.instances.get(backend.server_id)
    if unchecked or instance is None:
        return False
    return instance.health_on(backend.port, listener.port, group_id) == "normal"


def _count(world: World, seen: set[tuple[str, tuple[str, int, str | None]]]) -> None:
    needed = int(world.readings["fresh_health"])
    fresh, proven = dict(world.fresh), set()
    for at in seen:
        reads = fresh[at] + 1
        if reads < needed:
            fresh[at] = reads
        else:
            del fresh[at]
            if needed:
                proven.add(at[0])
    world.fresh = fresh
    for group_id in sorted(proven):
        world.record(group_id, world.groups[group_id].backends, "DescribeHealthStatus")


class Sender(NamedTuple):
    """A running listener that sends requests to a group, by itself or by rules."""

    port: int
    checks: bool
    unchecked: bool  #: some of its requests go to servers that it does not check for them
    ignores_weight: bool  #: schedules by `rr` (CLB: Overview of VServer groups, 2026)


def senders(listeners: Iterable[Listener], group_id: str) -> tuple[Sender, ...]:
    """The running listeners that use a group."""
    return tuple(
        Sender(
            listener.port,
            any(use.health_check for use in uses),
            not all(use.health_check for use in uses),
            any(use.scheduler == "rr" for use in uses),
        )
        for listener in listeners
        if listener.runs and (uses := listener.uses_of(group_id))
    )


def verdict(world: World, instant: Instant, backend: Backend, using: tuple[Sender, ...]) -> tuple[str, bool]:
    """Of a backend at an instant: its health, and whether any listener would send traffic to it.

    Weight 0 takes no new requests, but for `rr`. Its health is abnormal if any listener finds it so, else
    normal if any does. Reading `used_before_check`: of a backend whose check has not finished.
    """
    health, used = "unavailable", not using and backend.weight > 0
    reads = instant.fresh.get((instant.group_id, backend.key)) if using else None
    for port, checks, unchecked, ignores_weight in using:
        status = ""
        if checks:
            status = checked(backend, instant.group_id, port, reads, instant.instances, world.readings)
            if status == "abnormal" or health == "unavailable":
                health = status
        if used or (backend.weight == 0 and not ignores_weight):
            continue
        used = unchecked or (
            status != "abnormal" and (status != "unavailable" or bool(world.readings["used_before_check"]))
        )
    return health, used
