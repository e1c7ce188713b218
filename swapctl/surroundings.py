"""What surrounds a target in the cloud: its group, listeners, scaling groups, instances, room and rights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from aliyunsdkslb.request.v20140515.DescribeVServerGroupsRequest import DescribeVServerGroupsRequest

from handler.cloud import parsing
from handler.cloud.client import Client
from handler.cloud.ecs import CloudEcs
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.policy import Target
from handler.core.model.values import Group, Listeners, Verdict
from swapctl import patience, remedies
from swapctl.findings import Finding, good, look, wrong
from swapctl.view import several

#: Backends of a load balancer, all its groups together (CLB, Quotas: slb_quota_backendservers_num, 2025-06).
QUOTA: Final = 200
#: Groups of a load balancer that are counted.
_MOST_GROUPS: Final = 50
_WRITES: Final = (
    "slb:AddVServerGroupBackendServers, slb:ModifyVServerGroupBackendServers, "
    "slb:RemoveVServerGroupBackendServers, slb:SetVServerGroupAttribute, ess:CompleteLifecycleAction, "
    "ess:RecordLifecycleActionHeartbeat"
)


def of_target(client: Client, target: Target, *, several_writers: bool = False) -> Iterator[Finding]:
    """Yield what is found of a target. Only reads."""
    slb = CloudSlb(client)
    try:
        group = slb.group(target.vserver_group_id)
    except CallFailed as failed:
        remedy = "check the id and the region" if failed.answer.result is Result.GONE else ""
        yield _failed(f"{target.name}: group", failed.answer, remedy)
        return
    units = group.units
    yield good(
        f"{target.name}: group",
        f"{several(len(units), 'server')}, {several(len(group.backends), 'backend')} "
        f"on {group.load_balancer_id}",
    )
    yield from _balancer(group, target, several_writers=several_writers)
    yield from _listeners(client, slb, group, target)
    yield from _scaling_groups(client, group, target)
    yield from _instances(client, group, target)
    yield from _room(client, slb, group, target)


def _balancer(group: Group, target: Target, *, several_writers: bool) -> Iterator[Finding]:
    """Yield what is wrong with what the settings say of the load balancer: shares are by it."""
    about, actual = f"{target.name}: load_balancer_id", group.load_balancer_id
    if target.load_balancer_id is None:
        if several_writers:
            yield look(about, "not said: two writers may wait for one load balancer", f'say "{actual}"')
    elif target.load_balancer_id != actual:
        yield wrong(about, f"{target.load_balancer_id}, but the group is of {actual}", f'say "{actual}"')


def of_key() -> Finding:
    """Return what a check cannot find out of the key, since it writes nothing."""
    return look(
        "rights to write", "not tried, since a check writes nothing", f"needed: {_WRITES}; {remedies.RIGHTS}"
    )


def _failed(about: str, answer: Answer, remedy: str = "") -> Finding:
    return wrong(about, f"{answer.code} {answer.message}".strip(), remedy or remedies.of(answer))


def _listeners(client: Client, slb: CloudSlb, group: Group, target: Target) -> Iterator[Finding]:
    about = f"{target.name}: listeners"
    try:
        found = slb.listeners(group)
    except CallFailed as failed:
        yield _failed(about, failed.answer)
        return
    names = sorted(found.checking | found.unchecking)
    if not names:
        yield look(
            about, "none that runs uses the group: it serves nobody", "attach it to a listener or a rule"
        )
        return
    yield good(about, " ".join(names))
    yield _checks(about, found)
    yield from patience.of_checks(client, group, found, target)
    if found.ignores_weight and target.policy.drain_s:
        yield look(
            about, "one schedules by rr, which ignores weight 0", "drain_s does nothing there; use wrr"
        )
    if found.checking:
        yield from _health(slb, group, found, target)


def _health(slb: CloudSlb, group: Group, found: Listeners, target: Target) -> Iterator[Finding]:
    try:
        health = slb.health(group)
    except CallFailed as failed:
        yield _failed(f"{target.name}: health", failed.answer)
        return
    for name in sorted(found.checking):
        said = Counter(of_backend.get(name, Verdict.PENDING) for of_backend in health.values())
        what = ", ".join(f"{count} {verdict.value}" for verdict, count in said.items()) or "no backend"
        sick = said[Verdict.ABNORMAL]
        yield (look if sick else good)(f"{target.name}: health on {name}", what)


def _checks(about: str, found: Listeners) -> Finding:
    if not found.checking:
        return look(
            about, "none checks health: a new server counts as soon as it is in", "turn health checks on"
        )
    unchecked = " ".join(sorted(found.unchecking))
    return look(about, f"{unchecked} does not check health") if unchecked else good(about, "all check health")


def _scaling_groups(client: Client, group: Group, target: Target) -> Iterator[Finding]:
    ess = CloudEss(client)
    listed: set[str] = set()
    for scaling_group_id in target.scaling_group_ids:
        about = f"{target.name}: {scaling_group_id}"
        try:
            listing = ess.listing(scaling_group_id)
        except CallFailed as failed:
            gone = failed.answer.result is Result.GONE
            yield _failed(about, failed.answer, "check the id and the region" if gone else "")
            continue
        states = Counter(server.state for server in listing.servers)
        what = ", ".join(f"{count} {state}" for state, count in states.items()) or "lists no instance"
        listed |= {server.id for server in listing.servers}
        yield (good if listing.servers else look)(about, what)
        if group.id in listing.attached:
            yield wrong(
                about,
                "Auto Scaling itself has the group attached: nothing will be written",
                "DetachVServerGroups",
            )
    if target.scaling_group_ids:
        others = sorted(group.servers.keys() - listed)
        if others:
            yield look(
                f"{target.name}: group",
                f"listed by no scaling group: {' '.join(others[:20])}",
                "slb-swap plan --timer",
            )


def _instances(client: Client, group: Group, target: Target) -> Iterator[Finding]:
    about = f"{target.name}: instances"
    ids = tuple(server for server in group.servers if server.startswith("i-"))
    if not ids:
        return
    try:
        found = CloudEcs(client).instances(ids)
    except CallFailed as failed:
        if failed.answer.may_pass:
            yield _failed(about, failed.answer)
        else:
            yield look(
                about, f"may not be read ({failed.answer.code}): runs go on without", "ecs:DescribeInstances"
            )
        return
    unknown = [one for one in ids if one not in found]
    down = [f"{one.id} {one.status}" for one in found.values() if one.status != "running"]
    locked = [one.id for one in found.values() if one.reclaimed]
    for what, servers in (
        ("unknown to ECS", unknown),
        ("not running", down),
        ("about to be reclaimed", locked),
    ):
        if servers:
            yield look(
                about,
                f"{what}: {', '.join(servers[:20])}",
                "slb-swap plan --timer shows what is done for them",
            )
    if not (unknown or down or locked):
        yield good(about, "all run")


def _room(client: Client, slb: CloudSlb, group: Group, target: Target) -> Iterator[Finding]:
    """Yield whether new backends find room beside the old ones."""
    about = f"{target.name}: room"
    try:
        answer = client.call(DescribeVServerGroupsRequest, {"LoadBalancerId": group.load_balancer_id})
        rows = parsing.rows(answer, "VServerGroups", "VServerGroup")
        ids = [str(row.get("VServerGroupId")) for row in rows][:_MOST_GROUPS]
        used = sum(len(slb.group(one).backends) if one != group.id else len(group.backends) for one in ids)
    except CallFailed as failed:
        yield _failed(about, failed.answer)
        return
    except parsing.Malformed as why:
        yield look(about, f"not known: {why}")
        return
    what = f"{used} of {QUOTA} backends of {group.load_balancer_id} are used, if the quota is the usual one"
    needed = max((len(backends) for backends in group.units.values()), default=1)
    if QUOTA - used >= needed:
        yield good(about, what)
    elif target.policy.strategy == "surge":
        yield look(about, f"{what}: no room to surge", 'raise slb_quota_backendservers_num, or use "swap"')
    else:
        yield look(about, f"{what}: a group of one cannot be replaced without room", "raise the quota")
