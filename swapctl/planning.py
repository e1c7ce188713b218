"""What the function would do: its own run as a dry run, over ports that cannot write."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec.structs import replace

from handler import outcome
from handler.cloud.client import Client
from handler.cloud.ecs import CloudEcs
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Listing, Observed
from handler.core.model.policy import Target
from handler.core.model.steps import Step, described
from handler.core.model.values import Group, Hook, Instance, Intent, Key, Listeners, Server, Verdict
from handler.core.planning.merging import merge
from handler.running import delivering
from handler.running.delivering import Done
from handler.running.ports import Clock, Ecs, Ess, Means, Slb
from handler.triggers.messages import Ignored, Rejected
from swapctl import remedies

#: Seconds for which a cloud that is busy or silent is asked again.
PATIENCE_S = 60.0

_NOT_SENT = Answer(Result.PERMANENT, "NotSent", "A plan writes nothing.")


class RunningClock:
    """The clock of this machine."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    jitter = staticmethod(random.random)


class _ReadSlb:
    """A load balancer that is only read."""

    def __init__(self, slb: Slb) -> None:
        self._slb = slb

    def group(self, vserver_group_id: str) -> Group:
        return self._slb.group(vserver_group_id)

    def listeners(self, group: Group) -> Listeners:
        return self._slb.listeners(group)

    def health(self, group: Group) -> Mapping[Key, Mapping[str, Verdict]]:
        return self._slb.health(group)

    def do(self, group: Group, step: Step) -> Answer:
        del group, step
        return _NOT_SENT


class _ReadEss:
    """Auto Scaling that is only read: no hook is completed or kept alive."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess

    def listing(self, scaling_group_id: str) -> Listing:
        return self._ess.listing(scaling_group_id)

    def named(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> Listing:
        return self._ess.named(scaling_group_id, instance_ids)

    def listed(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> tuple[Server, ...]:
        return self._ess.listed(scaling_group_id, instance_ids)

    def pending_hooks(self, activity_id: str) -> tuple[Hook, ...]:
        return self._ess.pending_hooks(activity_id)

    def complete(self, hook: Hook, result: Literal["CONTINUE", "ABANDON"]) -> Answer:
        del hook, result
        return _NOT_SENT

    def heartbeat(self, hook: Hook) -> Answer:
        del hook
        return _NOT_SENT


def over(client: Client, intents: Sequence[Intent], targets: Sequence[Target]) -> list[dict[str, Any]]:
    """Return the plan of each intent on the real cloud; writes nothing."""
    return plan(
        intents,
        targets,
        lambda: CloudSlb(client),
        CloudEss(client),
        CloudEcs(client),
        RunningClock(),
        calls=lambda: client.calls,
    )


def plan(
    intents: Sequence[Intent],
    targets: Sequence[Target],
    slb: Callable[[], Slb],
    ess: Ess,
    ecs: Ecs,
    clock: Clock,
    *,
    calls: Callable[[], int] = lambda: 0,
) -> list[dict[str, Any]]:
    """Return for each intent the result of a dry run, with its waves, its capacity and what ECS says.

    Events are merged as the function merges them. Nothing is written, whatever is asked for.
    """
    dry = [replace(intent, dry_run=True) for intent in merge(intents)]
    deadline = clock.now() + PATIENCE_S
    means = Means(lambda _: _ReadSlb(slb()), _ReadEss(ess), ecs, clock, deadline, lambda *_, **__: None)
    done, _ = delivering.deliver(dry, targets, means, calls=calls)
    return [{**outcome.of_done(one), **_more(one)} for one in done]


def summed_up(
    targets: Sequence[dict[str, Any]], rejected: Sequence[Rejected], ignored: Sequence[Ignored]
) -> dict[str, Any]:
    """Return the plan of a whole delivery, in the form of the function's results."""
    told = outcome.summed_up(targets, rejected, ignored, "")
    return {key: value for key, value in told.items() if key != "request_id"}


def _more(done: Done) -> dict[str, Any]:
    """Return what a plan tells beyond a result."""
    run = done.run
    if run is None or run.planned is None:
        problem = run.observed.problem if run is not None else None
        return {"waves": [], "capacity": None, "instances": [], "problem": problem and _told(problem)}
    limits = run.goal.capacity
    return {
        "waves": [{"why": why, "steps": [described(s) for s in steps]} for why, steps in run.planned.waves],
        "capacity": {"baseline": limits.baseline, "floor": limits.floor},
        "instances": _unfit(run.observed),
        "problem": None,
    }


def _told(problem: Answer) -> dict[str, str]:
    """Return why the group could not be read, and what to do about that."""
    return {"code": problem.code, "message": problem.message, "remedy": remedies.of(problem)}


def _unfit(observed: Observed) -> list[dict[str, str]]:
    """Return what ECS says of the group's and the named servers that do not run, or are not there."""
    return [
        {"server_id": server_id, "state": state}
        for server_id in sorted(observed.asked)
        if (state := _state(observed.instance(server_id), observed.is_unknown_to_ecs(server_id)))
    ]


def _state(instance: Instance | None, unknown: bool) -> str:
    if instance is None:
        return "unknown to ECS" if unknown else ""
    if instance.reclaimed:
        return "about to be reclaimed"
    return "" if instance.status == "running" else instance.status
