"""Level (a): the function's ports over the local cloud's models, in-process, with a clock that is turned."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from handler.cloud.errors import classify
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.observed import Listing
from handler.core.model.policy import Target
from handler.core.model.steps import Add, Modify, Remove, SetWeight, Step
from handler.core.model.values import (
    Backend,
    Group,
    Hook,
    Instance,
    Intent,
    Key,
    Listeners,
    Server,
    Verdict,
)
from handler.running import loop
from handler.running.hooks import Hooks
from handler.running.loop import Run
from handler.running.pacing import Pacing
from handler.running.ports import Means, Slb
from localcloud.cloud import Cloud
from localcloud.faults import GarbageAnswer
from localcloud.http import ConnectionCut
from localcloud.rpc.errors import ApiError
from localcloud.slb.entries import Entry
from localcloud.state import world as local
from tests.support.tasks import alone

T = TypeVar("T")

STATES = {
    "InService": "in_service",
    "Protected": "in_service",
    "Pending": "pending",
    "Pending:Wait": "pending",
    "Removing": "leaving",
    "Removing:Wait": "leaving",
    "Stopped": "leaving",
    "Standby": "standby",
}


class Killed(BaseException):
    """The process is gone: nothing of the run goes on."""


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, at: float = 1000.0, seed: int = 0) -> None:
        self.at = at
        self._random = random.Random(seed)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += max(seconds, 0.001)

    def jitter(self) -> float:
        return self._random.random()


class Calls:
    """Counts the calls, and lets a test say what goes wrong at one: ``before`` may raise what it likes."""

    def __init__(self, cloud: Cloud, before: Callable[[str], None] = lambda action: None) -> None:
        self.cloud = cloud
        self.actions: list[str] = []
        self._before = before

    def make(self, action: str, work: Callable[[], T]) -> T:
        """Make one call; raises CallFailed with what the error table says of what came instead."""
        self.actions.append(action)
        self._before(action)
        try:
            return self.cloud.under_faults(action, work)
        except ApiError as error:
            result = classify(action, error.code, error.status, error.message)
            raise CallFailed(Answer(result, error.code, error.message)) from None
        except ConnectionCut:
            raise CallFailed(Answer(Result.UNKNOWN, "SDK.HttpError")) from None
        except GarbageAnswer:
            raise CallFailed(Answer(Result.UNKNOWN, "MalformedAnswer")) from None

    @property
    def writes(self) -> list[str]:
        return [action for action in self.actions if not action.startswith("Describe")]


def _local(backend: Backend) -> local.Backend:
    key = backend.key
    return local.Backend(
        key.server_id, key.port, backend.weight, backend.type, key.server_ip, backend.description
    )


def _ours(backend: local.Backend) -> Backend:
    return Backend(Key(*backend.key), backend.weight, backend.type, backend.description)  # type: ignore[arg-type]


class ModelSlb:
    """``running.ports.Slb`` over the SLB model."""

    def __init__(self, calls: Calls) -> None:
        self._calls, self._slb = calls, calls.cloud.slb

    def group(self, vserver_group_id: str) -> Group:
        found = self._calls.make(
            "DescribeVServerGroupAttribute", lambda: self._slb.describe(vserver_group_id)
        )
        return Group(
            found.vserver_group_id,
            found.load_balancer_id,
            {Key(*b.key): _ours(b) for b in found.backends},
        )

    def _uses(self, group: Group) -> dict[str, local.Listener]:
        balancer = self._slb.world.load_balancers[group.load_balancer_id]
        using = (each for each in balancer.listeners if each.runs and each.uses(group.id))
        return {f"{each.protocol}:{each.port}": each for each in using}

    def _checking(self, group: Group) -> frozenset[str]:
        return frozenset(name for name, each in self._uses(group).items() if each.checks(group.id))

    def listeners(self, group: Group) -> Listeners:
        uses, checking = self._uses(group), self._checking(group)
        unchecking = (
            name for name, each in uses.items() if not all(use.health_check for use in each.uses_of(group.id))
        )
        return Listeners(
            checking,
            frozenset(unchecking),
            drains=bool(uses) and all(each.connection_drain for each in uses.values()),
            ignores_weight=any(
                use.scheduler == "rr" for each in uses.values() for use in each.uses_of(group.id)
            ),
        )

    def health(self, group: Group) -> Mapping[Key, Mapping[str, Verdict]]:
        checking = self._checking(group)
        found = {key: dict.fromkeys(checking, Verdict.PENDING) for key in group.backends}
        if not checking:
            return found
        rows = self._calls.make("DescribeHealthStatus", lambda: self._slb.health(group.load_balancer_id))
        for row in rows:
            key, name = Key(*row.backend.key), f"{row.protocol}:{row.listener_port}"
            if key in found and name in checking and row.status != "unavailable":
                found[key][name] = Verdict(row.status)
        return found

    def do(self, group: Group, step: Step) -> Answer:
        slb = self._slb
        try:
            match step:
                case Modify(pairs):
                    old = [
                        Entry(p.old.key.server_id, p.old.key.port, None, p.old.type, p.old.key.server_ip)
                        for p in pairs
                    ]
                    new = [_local(p.new) for p in pairs]
                    action = "ModifyVServerGroupBackendServers"
                    written = self._calls.make(action, lambda: slb.modify(group.id, old, new))
                case Add(backends):
                    action, entries = "AddVServerGroupBackendServers", [_local(b) for b in backends]
                    written = self._calls.make(action, lambda: slb.add(group.id, entries))
                case Remove(backends):
                    action, entries = "RemoveVServerGroupBackendServers", [_local(b) for b in backends]
                    written = self._calls.make(action, lambda: slb.remove(group.id, entries))
                case SetWeight(_, after):
                    action, entries = "SetVServerGroupAttribute", [_local(b) for b in after]
                    written = self._calls.make(action, lambda: slb.set(group.id, entries))
        except CallFailed as failed:
            return failed.answer
        listed = {Key(*row.key): _ours(row) for row in written.rows}
        return Answer(
            Result.APPLIED, group=Group(group.id, group.load_balancer_id, listed) if listed else None
        )


class ModelEss:
    """``running.ports.Ess`` over the ESS model."""

    def __init__(self, calls: Calls) -> None:
        self._calls, self._ess = calls, calls.cloud.ess

    def listing(self, scaling_group_id: str) -> Listing:
        group = self._ess.world.scaling_groups.get(scaling_group_id)
        if group is None:
            raise CallFailed(Answer(Result.GONE, "InvalidScalingGroupId.NotFound"))
        found = self._calls.make("DescribeScalingInstances", lambda: self._ess.members(scaling_group_id))
        return Listing(
            servers=tuple(_server(member) for _, member in found),
            complete=True,
            attached=frozenset(each.vserver_group_id for each in group.vserver_groups),
            counted=len(group.instances),
        )

    def named(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> Listing:
        group = self._ess.world.scaling_groups.get(scaling_group_id)
        if group is None:
            raise CallFailed(Answer(Result.GONE, "InvalidScalingGroupId.NotFound"))
        return Listing(
            servers=self.listed(scaling_group_id, instance_ids),
            complete=True,
            attached=frozenset(each.vserver_group_id for each in group.vserver_groups),
            counted=len(group.instances),
        )

    def listed(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> tuple[Server, ...]:
        if not instance_ids:
            return ()
        found = self._calls.make(
            "DescribeScalingInstances", lambda: self._ess.members(scaling_group_id, instance_ids)
        )
        return tuple(_server(member) for _, member in found)

    def pending_hooks(self, activity_id: str) -> tuple[Hook, ...]:
        actions = self._calls.make(
            "DescribeLifecycleActions", lambda: self._ess.actions(activity_id, "Pending")
        )
        return tuple(
            Hook(a.lifecycle_hook_id, a.lifecycle_action_token, activity_id, "", "scale_out", a.instance_ids)
            for a in actions
        )

    def complete(self, hook: Hook, result: str) -> Answer:
        return self._tell(
            hook, "CompleteLifecycleAction", lambda token: self._ess.complete(hook.id, token, result)
        )

    def heartbeat(self, hook: Hook) -> Answer:
        return self._tell(
            hook, "RecordLifecycleActionHeartbeat", lambda token: self._ess.heartbeat(hook.id, token)
        )

    def _tell(self, hook: Hook, action: str, work: Callable[[str], None]) -> Answer:
        token = hook.token
        if token is None:
            return Answer(Result.PERMANENT, "MissingToken")
        try:
            self._calls.make(action, lambda: work(token))
        except CallFailed as failed:
            return failed.answer
        return Answer(Result.APPLIED)


class ModelEcs:
    """``running.ports.Ecs`` over the ECS model."""

    def __init__(self, calls: Calls) -> None:
        self._calls, self._ecs = calls, calls.cloud.ecs
        self._allowed = False

    def instances(self, ids: tuple[str, ...]) -> Mapping[str, Instance]:
        found: dict[str, Instance] = {}
        asked = tuple(dict.fromkeys(ids))
        for start in range(0, len(asked), 100):
            some = asked[start : start + 100]
            listed = self._calls.make("DescribeInstances", lambda some=some: self._ecs.instances(some))
            found.update((one.instance_id, _instance(one)) for one in listed)
            self._allowed = self._allowed or bool(found)
            if not self._allowed:
                # The wire asks in a dry run whether it may ask at all.
                self._calls.make("DescribeInstances", lambda: None)
                self._allowed = True
        return found


def _instance(one: local.Instance) -> Instance:
    status: Any = one.status.lower()
    return Instance(one.instance_id, status, "Recycling" in one.operation_locks)


def _server(member: local.Member) -> Server:
    return Server(
        member.instance_id,
        STATES[member.lifecycle_state],  # type: ignore[arg-type]
        member.health_status == "Healthy",
    )


def means_of(
    calls: Calls,
    clock: FakeClock,
    deadline: float,
    *,
    slb: Callable[[Calls], Slb] = ModelSlb,
    log: Callable[..., None] = lambda name, **said: None,
    **also: Any,
) -> Means:
    """Return the means of a delivery over the models."""
    return Means(lambda _: slb(calls), ModelEss(calls), ModelEcs(calls), clock, deadline, log, **also)


def run(
    cloud: Cloud,
    target: Target,
    intent: Intent,
    *,
    clock: FakeClock | None = None,
    timeout_s: float = 600.0,
    before: Callable[[str], None] = lambda action: None,
    log: Callable[..., None] = lambda name, **said: None,
    pacing: Pacing | None = None,
) -> tuple[Run, Calls]:
    """Run one intent over one target at level (a); returns the run and the calls that it made."""
    clock = clock or FakeClock()
    cloud.use_clock(clock.now)
    calls = Calls(cloud, before)
    means = means_of(calls, clock, clock.now() + timeout_s, log=log, pacing=pacing or Pacing())
    hooks = Hooks(intent.hooks, means)
    return alone(loop.run(target, intent, means), clock, hooks.keep_alive), calls
