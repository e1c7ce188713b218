"""Plays a schedule on a local cloud with warm workers, and gathers what the oracle judges."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from localcloud.rpc.credentials import Identity
from localcloud.serving import LocalCloud
from localcloud.state.world import Instance, LifecycleAction, Member
from show.signing import SECRET
from tests.chaos import messages, worlds
from tests.chaos.schedules import Break, Change, Schedule, Send
from tests.chaos.worlds import BALANCER, OTHER, SCALING
from tests.support.level_c import Http, Reply, quick_template

#: Seconds of an invocation, on a clock that is turned: a run that waits for nothing ends sooner than in 600.
TIMEOUT_S = 150
MOST_AT_ONCE = 8
#: Deliveries of the last message until nothing is left that may pass.
LAST_TRIES = 8


@dataclass(frozen=True)
class Began:
    """The beginning of an invocation."""

    instant: int  #: the next index of an instant
    call: int  #: the next of a call
    listed: frozenset[str]  #: who was in the scaling group, or entered


@dataclass
class Seen:
    """What came of a schedule: but for ``replies``, nothing is the function's own account of it."""

    schedule: Schedule
    replies: list[Reply] = field(default_factory=list)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  #: by group
    runs: list[Began] = field(default_factory=list)
    listings: list[tuple[int, frozenset[str]]] = field(
        default_factory=list
    )  #: whenever it changed: next call, who
    released: dict[str, int] = field(default_factory=dict)  #: the next instant when a server ceased to be
    locked: dict[str, int] = field(default_factory=dict)  #: ... when ECS was to reclaim it
    queued: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    ending: int = 0  #: ... when the last, undisturbed deliveries began
    settled: bool = True  #: the last delivery did not have to be tried until patience was over
    late_writes: list[dict[str, Any]] = field(default_factory=list)
    drained: bool = True


@contextmanager
def stage(variant: int, *, several: bool) -> Iterator[Stage]:
    """A local cloud for the schedules of one variant."""
    with tempfile.TemporaryDirectory() as folder:
        template = quick_template(Path(folder), "template.fc2.yml")
        template.write_text(template.read_text().replace("Timeout: 600", f"Timeout: {TIMEOUT_S}"))
        with LocalCloud(
            template=template,
            params={"LoadBalancerIds": BALANCER, "ScalingGroupIds": SCALING},
            env={
                "SWAP_TARGETS": json.dumps(worlds.settings(variant)),
                "SWAP_WEBHOOK_SECRETS": SECRET,
                "LOG_LEVEL": "ERROR",
            },
            instances={} if several else None,
            warm=True,
        ) as cloud:
            yield Stage(cloud)


class Stage:
    """A running local cloud, on which one schedule after the other is played."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.http = Http(cloud.endpoint)
        self._seen: Seen | None = None
        add = cloud.identities.add

        def watched(identity: Identity) -> Identity:
            # Every invocation has keys of its own: so this is when one begins.
            if self._seen is not None and identity.name.endswith("/swap"):
                self._seen.runs.append(Began(len(self._history), len(cloud.gateway.calls), self._listed()))
            return add(identity)

        cloud.identities.add = watched  # type: ignore[method-assign]

    def play(self, schedule: Schedule) -> Seen:
        """Play a schedule to its end, and say what was seen."""
        http, cloud = self.http, self.cloud
        with cloud.gateway.lock:
            cloud.cloud.replace(schedule.world.state)
            cloud.gateway.calls.clear()
        http.send("DELETE", "/_local/logs")
        queued = len(http.send("GET", "/_local/async").json()["finished"])
        self._seen = seen = Seen(schedule)
        rng = Random(schedule.seed)
        threads: list[threading.Thread] = []
        for event in schedule.events:
            match event:
                case Break(faults):
                    self._join(threads)
                    cloud.cloud.put_faults(list(faults))
                case Change():
                    self._join(threads if rng.random() < 0.7 else [])
                    self._change(event, seen)
                case Send():
                    self._send(event, schedule.how, rng, threads)
        self._join(threads)
        seen.drained = self._drain()
        self._end(seen)
        seen.state = http.state()
        groups = [place.group for place in schedule.world.places]
        seen.histories = {group: http.history(group) for group in (*groups, OTHER)}
        seen.calls = http.calls()
        reports = http.send("GET", "/_local/async").json()
        seen.queued = [*reports["finished"][queued:], *reports["pending"]]
        letters = http.send("GET", "/_local/queues").json().get("slb-swap-failed", [])
        seen.dead_letters = [letter["requestContext"]["requestId"] for letter in letters]
        seen.lines = [line for name in ("swap", "webhook") for line in self._log(name)]
        self._seen = None
        return seen

    # ---- the end: nothing is broken any more, everybody is well, and what was told is told again

    def _end(self, seen: Seen) -> None:
        self.cloud.cloud.put_faults([])
        self._heal()
        seen.ending = len(self._history)
        # The last message may be raised for ever: the floor can hold up a lifecycle hook that wants to leave.
        told = self._until_it_stands(self._last(seen.schedule), seen)
        if seen.schedule.world.readings.get("read_lag"):
            # Its first look may have lagged behind what a run that was killed just before had written.
            told = self._until_it_stands(self._last(seen.schedule), seen)
        seen.settled = self._until_it_stands(self._tick, seen) and (told or not seen.schedule.wanted)
        again = self._last(seen.schedule) if seen.schedule.wanted else self._tick
        # Some go at each tick of the timer where the floor holds the others up, and where no check tells who
        # of the stale is gone.
        for _ in range(LAST_TRIES):
            before, held_up = len(self.cloud.gateway.calls), _is_held_up(seen.replies[-1])
            seen.replies.append(again())
            made = self.cloud.gateway.calls[before:]
            told_only = ("Describe", "Complete", "Record")
            seen.late_writes = [call for call in made if not call["action"].startswith(told_only)]
            if not seen.late_writes or (seen.schedule.checked and not held_up):
                break

    def _until_it_stands(self, message: Callable[[], Reply], seen: Seen) -> bool:
        for _ in range(LAST_TRIES):
            reply = message()
            seen.replies.append(reply)
            if reply.status not in {502, 503}:
                return True
        return False

    def _last(self, schedule: Schedule) -> Callable[[], Reply]:
        if schedule.wanted:
            return lambda: self._request(schedule.last[0])
        return lambda: self.http.deliver(messages.as_events(schedule.last))

    def _tick(self) -> Reply:
        return self.http.deliver(messages.timer())

    def _heal(self) -> None:
        world = self.cloud.cloud.world
        with self.cloud.gateway.lock:
            for instance in list(world.instances.values()):
                if (instance.status, instance.health) != ("Running", "normal"):
                    world.set_instance(replace(instance, status="Running", health="normal"), "healed")

    # ---- what happens

    def _change(self, change: Change, seen: Seen) -> None:
        world = self.cloud.cloud.world
        with self.cloud.gateway.lock:
            for server in change.servers:
                match change.what:
                    case "come":
                        world.set_instance(Instance(server))
                    case "sicken" | "stop" if server in world.instances:
                        ill: Any = (
                            {"health": "abnormal"} if change.what == "sicken" else {"status": "Stopped"}
                        )
                        world.set_instance(replace(world.instances[server], **ill), change.what)
                    case "reclaim" if server in world.instances:
                        seen.locked.setdefault(server, len(world.history))
                        locked = replace(world.instances[server], operation_locks=("Recycling",))
                        world.set_instance(locked, "reclaim")
                    case "join":
                        self._members({server: "InService"})
                    case "stand_by":
                        self._members({server: "Standby"}, only_known=True)
                    case "leave" | "release":
                        self._members({server: None})
                        seen.released[server] = len(world.history)
                        world.release(server)
            if change.what.startswith("wait"):
                joins = change.what == "wait_to_join"
                state = "Pending:Wait" if joins else "Removing:Wait"
                self._members(dict.fromkeys(change.servers, state), only_known=not joins)
                action = LifecycleAction(
                    "ash-1", change.token, change.servers, scaling_activity_id=change.token
                )
                group = world.scaling_groups[SCALING]
                world.scaling_groups[SCALING] = replace(
                    group, lifecycle_actions=(*group.lifecycle_actions, action)
                )

    def _listed(self) -> frozenset[str]:
        group = self.cloud.cloud.world.scaling_groups.get(SCALING)
        members = group.instances if group else ()
        here = {"InService", "Protected", "Pending:Wait"}
        return frozenset(member.instance_id for member in members if member.lifecycle_state in here)

    def _members(self, states: dict[str, str | None], *, only_known: bool = False) -> None:
        """Set the lifecycle state of servers in the scaling group; None takes them out of it."""
        world = self.cloud.cloud.world
        if SCALING not in world.scaling_groups:
            return
        group = world.scaling_groups[SCALING]
        members = {member.instance_id: member for member in group.instances}
        for server, state in states.items():
            if state is None:
                members.pop(server, None)
            elif server in members or not only_known:
                members[server] = Member(server, state)
        world.scaling_groups[SCALING] = replace(group, instances=tuple(members.values()))
        if self._seen is not None:
            self._seen.listings.append((len(self.cloud.gateway.calls), self._listed()))

    # ---- how it is told

    def _send(self, event: Send, how: str, rng: Random, threads: list[threading.Thread]) -> None:
        way = self._way(event, how, rng)
        if how != "several":
            self._tell(way)
            if how == "turns":
                self._drain()
            return
        if len(threads) >= MOST_AT_ONCE:
            self._join(threads)
        threads.append(threading.Thread(target=self._tell, args=(way,), daemon=True))
        threads[-1].start()

    def _tell(self, way: Callable[[], Reply]) -> None:
        reply = way()
        if self._seen is not None:
            self._seen.replies.append(reply)

    def _way(self, event: Send, how: str, rng: Random) -> Callable[[], Reply]:
        """One of the ways on which such messages come: into the queue, or waited for."""
        first, http = event.messages[0], self.http
        queued = how == "queue" or rng.random() < 0.2
        if first["kind"] == "request":
            return lambda: self._request(first, queued=queued)
        if not queued:
            return lambda: http.deliver(messages.as_events(event.messages))
        if first["kind"] == "timer":
            return lambda: http.send("POST", "/_local/timers/reconcile")
        if len(event.messages) == 1 and first["kind"] != "interruption":
            body = messages.as_notification(first) if first["kind"] == "hook" else messages.as_events([first])
            return lambda: http.send("POST", "/_local/topics/slb-swap-scaling", body)
        body = messages.as_events(event.messages)
        return lambda: http.send("POST", "/_local/topics/slb-swap-scaling", body)

    def _request(self, message: messages.Message, *, queued: bool = False) -> Reply:
        body, headers = messages.request(message, time.time())
        return self.http.webhook(body, headers | ({"Prefer": "respond-async"} if queued else {}))

    def _join(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.join(120)
        threads.clear()

    def _drain(self) -> bool:
        return self.http.send("POST", "/_local/async/drain?timeout=120").status == 200

    def _log(self, name: str) -> list[str]:
        return list(self.http.send("GET", f"/_local/logs?function={name}").json())

    @property
    def _history(self) -> list[Any]:
        return self.cloud.cloud.world.history


def _is_held_up(reply: Reply) -> bool:
    """Tell whether a run refused something for a limit that the next run measures afresh."""
    refused = [one for target in reply.json().get("targets", ()) for one in target["refused"]]
    return any(one["reason"] in {"max_unavailable", "max_removed"} for one in refused)
