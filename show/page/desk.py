"""What the page shows and does: one local cloud with the function, and a twin of it that only plans."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.serving import LocalCloud
from localcloud.state.history import render
from localcloud.state.readings import TABLE
from show.local import ask, log, request, send
from show.page.runs import meanings, runs
from show.page.world import EVENTS, ROOT, deliveries, environment, state, targets

CALLS_SHOWN, RUNS_SHOWN = 60, 40
ACTIONS = (
    "ModifyVServerGroupBackendServers", "AddVServerGroupBackendServers", "RemoveVServerGroupBackendServers",
    "SetVServerGroupAttribute", "DescribeVServerGroupAttribute", "DescribeHealthStatus",
    "DescribeScalingInstances",
)  # fmt: skip


class Refused(Exception):  # noqa: N818 - an answer
    """What was asked cannot be done; the message says why, for the page."""


class Desk:
    """The local cloud behind the page. `servers` None: the world of events/; else a group of so many.

    `world` and `wanted` are a state and targets in place of those; `port` is the local cloud's own.
    """

    def __init__(
        self,
        servers: int | None = None,
        *,
        world: Mapping[str, Any] | None = None,
        wanted: list[dict[str, Any]] | None = None,
        port: int = 0,
    ) -> None:
        self._state = state(servers) if world is None else dict(world)
        self._targets = targets(servers) if wanted is None else wanted
        self.cloud = LocalCloud(
            copy.deepcopy(self._state),
            port=port,
            template=ROOT / "template.yml",
            env=environment(self._targets),
        )
        self._twin: LocalCloud | None = None
        self._lock = threading.Lock()
        self._meanings = meanings()
        self.busy = 0

    def close(self) -> None:
        """End both."""
        self.cloud.close()
        if self._twin is not None:
            self._twin.close()

    # ---- what is shown

    def mark(self) -> tuple[Any, ...]:
        """Changes whenever `shown` does; cheap enough to ask ten times a second."""
        with self.cloud.gateway.lock:
            world, gateway = self.cloud.cloud.world, self.cloud.gateway
            marks = (id(world), len(world.history), len(gateway.calls), id(world.readings))
            groups = tuple((g, s.instances) for g, s in world.scaling_groups.items())
            faults = tuple(self.cloud.cloud.faults.faults)
        logs = len(log(self.cloud))
        activities = tuple(one["status"] for one in self.cloud.activities.reports())
        return (*marks, groups, faults, logs, activities, self.busy)

    def shown(self) -> dict[str, Any]:
        """Everything that the page shows and that changes."""
        # The log is read first, so that a run is not shown as ended beside a group of before.
        told = runs(log(self.cloud))[-RUNS_SHOWN:]
        with self.cloud.gateway.lock:
            now = self.cloud.cloud.state()
            calls = list(self.cloud.gateway.calls)
            world = self.cloud.cloud.world.copy()
        world.history = list({instant.group_id: instant for instant in world.history}.values())
        latest = {one["vserver_group_id"]: one for one in render(world)}
        return {
            "groups": [_group(b, g, latest) for b in now["load_balancers"] for g in b["vserver_groups"]],
            "instances": now["instances"],
            "scaling_groups": [
                {"id": s["scaling_group_id"], "instances": s["instances"]} for s in now["scaling_groups"]
            ],
            "readings": now["readings"],
            "faults": now["faults"],
            "calls": [_call(n, c) for n, c in enumerate(calls, 1)][-CALLS_SHOWN:],
            "calls_made": len(calls),
            "runs": told,
            "activities": self.cloud.activities.reports()[-10:],
            "busy": self.busy,
        }

    def fixed(self) -> dict[str, Any]:
        """Everything that the page shows and that does not change."""
        return {
            "deliveries": deliveries(),
            "targets": self._targets,
            "readings": {
                name: {"values": list(one.values), "counted": one.counted, "why": one.why}
                for name, one in TABLE.items()
            },
            "meanings": self._meanings,
            "actions": list(ACTIONS),
        }

    # ---- what is done

    def deliver(self, name: str, *, plan: bool) -> dict[str, Any]:
        """Hand a file of events/ over, or have it planned by the twin."""
        known = {one["name"] for one in deliveries()}
        if name not in known:
            raise Refused(f"there is no delivery {name!r}")
        return self._handed(self._planner() if plan else self.cloud, name)

    def request(self, body: Mapping[str, Any], *, plan: bool) -> dict[str, Any]:
        """Send a signed request; as a dry run, if it is to be planned."""
        asked = {**body, "dry_run": True} if plan else body
        return self._counted(lambda: _told(*request(self.cloud, asked)))

    def undo(self, run_id: str, target: str) -> dict[str, Any]:
        """Send the request that a run's result names as its reverse."""
        for run in runs(log(self.cloud)):
            for one in run["targets"]:
                if (run["id"], one["target"]) == (run_id, target) and one["reverse"]:
                    return self.request(one["reverse"], plan=False)
        raise Refused("there is nothing to undo")

    def happen(self, what: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Let something happen: `replace`, `out`, `in`, `reclaim`, `health` of an instance, `timer`."""
        if what in {"replace", "out", "in", "reclaim"}:
            group = next(iter(self.cloud.cloud.world.scaling_groups), "")
            return _told(*ask(self.cloud, "POST", f"/_local/scaling_groups/{group}/{what}", order))
        if what == "health":
            body = {k: order[k] for k in ("status", "health") if k in order}
            return _told(*ask(self.cloud, "PUT", f"/_local/instances/{order.get('instance_id', '')}", body))
        if what == "timer":
            return _told(*ask(self.cloud, "POST", "/_local/timers/reconcile"))
        raise Refused(f"{what!r} cannot be made to happen")

    def put(self, what: str, value: Any) -> dict[str, Any]:
        """Switch readings or faults."""
        if what not in {"readings", "faults"}:
            raise Refused(f"{what!r} cannot be switched")
        status, answer = ask(self.cloud, "PUT", f"/_local/{what}", value)
        return _told(status, answer if status >= 400 else {})

    def reset(self) -> dict[str, Any]:
        """Begin anew, once runs have ended: a state that is put ends activities alone."""
        ask(self.cloud, "PUT", "/_local/state", self._state)
        ask(self.cloud, "POST", "/_local/async/drain?timeout=30")
        ask(self.cloud, "DELETE", "/_local/logs")
        return _told(*ask(self.cloud, "PUT", "/_local/state", self._state)) | {"answer": None}

    def lines(self, run_id: str) -> list[str]:
        """The log lines of a run."""
        return [line for line in log(self.cloud) if f'"{run_id}"' in line]

    def _handed(self, cloud: LocalCloud, name: str) -> dict[str, Any]:
        expect = json.loads((EVENTS / f"{Path(name).stem}.expect.json").read_text(encoding="utf-8"))
        body = (EVENTS / name).read_bytes()
        if expect["via"] == "http":
            return self._counted(lambda: _told(*send(cloud, json.loads(body))))
        return self._counted(lambda: _told(*ask(cloud, "POST", "/_local/deliver/swap", body)))

    def _counted(self, work: Any) -> dict[str, Any]:
        with self._lock:
            self.busy += 1
        try:
            return dict(work())
        finally:
            with self._lock:
                self.busy -= 1

    def _planner(self) -> LocalCloud:
        """The twin, in the state of now."""
        with self._lock:
            if self._twin is None:
                self._twin = LocalCloud(
                    {}, template=ROOT / "template.yml", env=environment(self._targets, "plan")
                )
            with self.cloud.gateway.lock:
                now = self.cloud.cloud.state()
            ask(self._twin, "PUT", "/_local/state", {**now, "faults": []})
            return self._twin


def _told(status: int, answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict) and isinstance(answer.get("body"), str) and "statusCode" in answer:
        answer = json.loads(answer["body"])
    return {"status": status, "answer": answer}


def _group(
    balancer: Mapping[str, Any], group: Mapping[str, Any], latest: Mapping[str, Any]
) -> dict[str, Any]:
    backends = latest[group["vserver_group_id"]]["backends"] if group["vserver_group_id"] in latest else []
    return {
        "id": group["vserver_group_id"],
        "name": group["name"],
        "load_balancer_id": balancer["load_balancer_id"],
        "backends": backends,
    }


def _call(number: int, call: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("action", "status", "code")
    return {"n": number, **{key: call[key] for key in keys}, "fault": call.get("fault")}
