"""Health: what a check finds, what DescribeHealthStatus shows, and what would be sent traffic."""

from collections.abc import Mapping
from typing import NamedTuple

from localcloud.errors import ApiError
from localcloud.readings import Readings
from localcloud.state import Backend, Instance, Instant, Listener, LoadBalancer, World


class HealthRow(NamedTuple):
    """One row of DescribeHealthStatus: a listener and a backend; nothing says of which group."""

    listener_port: int
    protocol: str
    backend: Backend
    status: str


def checked(
    backend: Backend, reads: int | None, instances: Mapping[str, Instance], readings: Readings
) -> str:
    """What a listener that checks shows of a backend; `reads` is None once the backend is proven.

    Readings: weight0_checked, of a backend at weight 0; fresh_health, of a healthy one that is not proven.
    `unavailable` is "not checked, or not yet" (DescribeHealthStatus).
    """
    if backend.weight == 0 and not readings["weight0_checked"]:
        return "unavailable"
    instance = instances.get(backend.server_id)
    found = "abnormal" if instance is None else instance.health_on(backend.port)
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
            for backend in backends:
                status = "unavailable"
                if listener.health_check:
                    at = (group_id, backend.key)
                    status = checked(backend, world.fresh.get(at), world.instances, world.readings)
                    if at in world.fresh and _progresses(world, backend, status):
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


def _progresses(world: World, backend: Backend, status: str) -> bool:
    if status == "normal":
        return True
    unchecked = backend.weight == 0 and not world.readings["weight0_checked"]
    instance = world.instances.get(backend.server_id)
    return not unchecked and instance is not None and instance.health_on(backend.port) == "normal"


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


def verdict(
    world: World, instant: Instant, backend: Backend, listeners: tuple[Listener, ...]
) -> tuple[str, bool]:
    """Of a backend at an instant: its health, and whether the load balancer would send traffic to it.

    Weight 0 takes no new requests, but `rr` knows no weights (CLB: Overview of VServer groups, 2026).
    Reading `used_before_check`: of a backend whose check has not finished.
    """
    health, used, status = "unavailable", not listeners and backend.weight > 0, ""
    for listener in listeners:
        if listener.health_check and not status:
            reads = instant.fresh.get((instant.group_id, backend.key))
            health = status = checked(backend, reads, instant.instances, world.readings)
        if used or (backend.weight == 0 and listener.scheduler != "rr"):
            continue
        if not listener.health_check or status == "normal":
            used = True
        elif status == "unavailable":
            used = bool(world.readings["used_before_check"])
    return health, used
