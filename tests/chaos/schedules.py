"""What happens in a schedule: servers come and go, messages are held back, doubled, lost, and calls fail.

A schedule is drawn whole before it is played, by a naive idea of who is in service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos import worlds
from tests.chaos.worlds import World

WRITES = (
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
    "SetVServerGroupAttribute",
)
READS = (
    "DescribeVServerGroupAttribute",
    "DescribeHealthStatus",
    "DescribeScalingInstances",
    "DescribeScalingGroups",
    "DescribeLoadBalancerListeners",
    "DescribeVServerGroups",
    "DescribeInstances",
)
OTHERS = ("CompleteLifecycleAction", "DescribeLifecycleActions", "RecordLifecycleActionHeartbeat")
ERRORS = (
    ("BackendServer.configuring", None),
    ("VServerGroupProcessing", None),
    ("ServiceIsConfiguring", None),
    ("OperationFailed.ServiceGroupProcessing", None),
    ("Throttling", None),
    ("Throttling.User", None),
    ("InternalError", 500),
    ("ServiceUnavailable", 503),
    ("InvalidParameter", 503),
    ("SystemBusy", 449),
)
#: Of these, what only says that it is too early.
BUSY = frozenset(code for code, _ in ERRORS if code not in {"InternalError", "InvalidParameter"})


@dataclass(frozen=True)
class Change:
    """Something that becomes of a server: see ``playing``, which does it."""

    what: str
    servers: tuple[str, ...]
    token: str = ""


@dataclass(frozen=True)
class Send:
    """Messages that are delivered together, by one of the ways that there are."""

    messages: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Break:
    """From here on these faults are in force, counted anew."""

    faults: tuple[dict[str, Any], ...]


Event = Change | Send | Break


@dataclass
class Schedule:
    """``how``: one delivery after the other, queued up to eight at once, or with several writers at once."""

    seed: int
    world: World
    how: str
    events: list[Event] = field(default_factory=list)
    last: tuple[dict[str, Any], ...] = ()  #: what is delivered, undisturbed, at the end
    named: set[str] = field(
        default_factory=set
    )  #: servers that a finished activity in ``last`` says are gone
    wanted: tuple[str, ...] = ()  #: whom the last request wants

    def said(self, side: str) -> set[str]:
        """Whom any request of the schedule names as terminated, or as launched."""
        requests = [one["request"] for one in self._messages("request")]
        return {_id(entry) for request in requests for entry in request[side]}

    @property
    def interrupted(self) -> set[str]:
        """Preemptible servers that are about to go, whatever is listed."""
        return {server for one in self._messages("interruption") for server in one["servers"]}

    @property
    def changed(self) -> set[str]:
        """Whom anything happens to, or any message names."""
        changes = (event.servers for event in self.events if isinstance(event, Change))
        kinds = ("hook", "interruption", "ScaleInSuccess", "ScaleOutSuccess", "ScaleOutError")
        told = (message["servers"] for kind in kinds for message in self._messages(kind))
        named = self.said("terminated") | self.said("launched")
        return named.union(*changes, *told)

    @property
    def doomed(self) -> set[str]:
        """Preemptible servers that ECS is about to reclaim."""
        changes = [event for event in self.events if isinstance(event, Change)]
        return {server for change in changes if change.what == "reclaim" for server in change.servers}

    @property
    def named_weights(self) -> set[int]:
        """Weights that a request gives."""
        entries = [entry for one in self._messages("request") for entry in one["request"]["launched"]]
        return {entry["weight"] for entry in entries if isinstance(entry, dict)}

    @property
    def checked(self) -> bool:
        """Whether the listeners check health."""
        return bool(self.world.state["load_balancers"][0]["listeners"][0]["health_check"])

    def _messages(self, kind: str) -> list[dict[str, Any]]:
        sent = [message for event in self.events if isinstance(event, Send) for message in event.messages]
        return [message for message in (*sent, *self.last) if message["kind"] == kind]


def variant_of(seed: int) -> tuple[int, bool]:
    """The settings of a schedule, and whether it has several writers: what a local cloud is started with."""
    return seed % len(worlds.SETTINGS), seed // len(worlds.SETTINGS) % 6 == 0


def _id(entry: Any) -> str:
    """The id of an entry of a request."""
    return str(entry["server_id"] if isinstance(entry, dict) else entry)


def draw(seed: int) -> Schedule:
    rng = Random(seed)
    variant, several = variant_of(seed)
    world = worlds.draw(rng, variant)
    how = "several" if several else rng.choice(("turns", "turns", "queue"))
    drawn = _Drawn(rng, Schedule(seed, world, how))
    if world.by_request:
        drawn.requests()
    else:
        drawn.activities()
    return drawn.schedule


class _Drawn:
    """Draws one schedule."""

    def __init__(self, rng: Random, schedule: Schedule) -> None:
        self.rng, self.schedule = rng, schedule
        self.serving = list(schedule.world.ours)
        self.count = 0
        self.held: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []

    def activities(self) -> None:
        """Scaling activities, hooks and interruptions of the scaling group; the timer beside them."""
        kinds: list[tuple[Callable[[], list[dict[str, Any]]], int]] = [
            (self._replace, 6),
            (self._scale_in, 3),
            (self._scale_out, 4),
            (self._hook_out, 3),
            (self._hook_in, 3),
            (self._interrupt, 1),
            (self._failed_launch, 1),
            (self._sicken, 1),
            (self._standby, 1),
            (self._reclaim, 2),
            (self._ask, 2),
        ]
        for _ in range(self.rng.randint(1, 4)):
            if self.rng.random() < 0.75:
                self._break()
            (make,) = self.rng.choices([k for k, _ in kinds], [w for _, w in kinds])
            self._send(make())
        last = [message for message in self.sent + self.held if message["kind"] != "request"]
        self.rng.shuffle(last)
        self.schedule.last = tuple(last)
        for message in last:
            if message["kind"] in {"ScaleInSuccess", "ScaleOutError"}:
                self.schedule.named.update(message["servers"])

    def requests(self) -> None:
        """Deployments: what a request says, and nothing else. The last one says whom it wants, in full."""
        ever, there = list(self.serving), list(self.serving)
        for _ in range(self.rng.randint(1, 4)):
            if self.rng.random() < 0.75:
                self._break()
            old = self._some(self.serving, 0, 4)
            new = self._new(self.rng.randint(0 if old else 1, 4))
            self._change("come", new, sick=0.15)
            if gone := self.rng.random() < 0.2:
                self._change("release", old)
                there = [one for one in there if one not in old]
            if self.rng.random() < 0.1:
                new += self._some([one for one in self.serving if one not in old], 0, 1)
            launched = [{"server_id": one, "weight": 30} if self.rng.random() < 0.1 else one for one in new]
            body = {"terminated": old, "launched": launched, "gone": gone}
            if old and new and self.rng.random() < 0.3:
                body["pairs"] = [[old[0], new[0]]]
            if self.rng.random() < 0.3:
                body["strategy"] = self.rng.choice(("swap", "surge"))
            self.serving = [one for one in self.serving if one not in old] + new
            ever += new
            there += [one for one in new if one not in there]
            self._send([{"kind": "request", "request": body}])
        wanted = self._some(there, 1, 5) + self._new(1)
        self._change("come", wanted[-1:])
        force = ["min_backends", "max_unavailable", "max_removed"]
        unwanted = [one for one in dict.fromkeys(ever) if one not in wanted]
        self.schedule.wanted = tuple(wanted)
        self.schedule.last = (
            {
                "kind": "request",
                "request": {"terminated": unwanted, "launched": wanted, "force": force},
            },
        )

    # ---- what comes and goes: the changes are in the schedule at once, the messages are the answer

    def _replace(self) -> list[dict[str, Any]]:
        return self._scale_in() + self._scale_out()

    def _scale_in(self) -> list[dict[str, Any]]:
        out = self._some(self.serving, 1, 4)
        self._gone(out)
        self._change("leave", out)
        return [{"kind": "ScaleInSuccess", "servers": out}] if out else []

    def _scale_out(self) -> list[dict[str, Any]]:
        new = self._new(self.rng.randint(1, 4))
        self._change("come", new, sick=0.12)
        self._change("join", new)
        self.serving += new
        return [{"kind": "ScaleOutSuccess", "servers": new}]

    def _hook_out(self) -> list[dict[str, Any]]:
        new, token = self._new(self.rng.randint(1, 2)), self._token()
        self._change("come", new, sick=0.1)
        self.schedule.events.append(Change("wait_to_join", tuple(new), token))
        return [{"kind": "hook", "transition": "SCALE_OUT", "servers": new, "token": token}]

    def _hook_in(self) -> list[dict[str, Any]]:
        out, token = self._some(self.serving, 1, 2), self._token()
        self._gone(out)
        if out:
            self.schedule.events.append(Change("wait_to_leave", tuple(out), token))
        return [{"kind": "hook", "transition": "SCALE_IN", "servers": out, "token": token}] if out else []

    def _interrupt(self) -> list[dict[str, Any]]:
        out = self._some(self.serving, 1, 1)
        self._gone(out)
        if not out:
            return []
        self._send([{"kind": "interruption", "servers": out}])
        more = self._scale_out()
        self._change("leave", out)
        return [{"kind": "ScaleInSuccess", "servers": out}, *more]

    def _failed_launch(self) -> list[dict[str, Any]]:
        return [{"kind": "ScaleOutError", "servers": self._new(1)}]

    def _sicken(self) -> list[dict[str, Any]]:
        self._change("sicken", self._some(self.serving, 1, 2))
        return []

    def _reclaim(self) -> list[dict[str, Any]]:
        """ECS locks a server that it will reclaim: nobody says so, or says it late, or it came like that."""
        out = self._some(self.serving, 1, 1)
        self._change("reclaim", out)
        self._gone(out)
        if self.rng.random() < 0.3:
            return [{"kind": "interruption", "servers": one} for one in [out] if one]
        more = self._scale_out()
        if self.rng.random() < 0.3:
            self._change("reclaim", more[0]["servers"][:1])
            self._gone(more[0]["servers"][:1])
        return more

    def _ask(self) -> list[dict[str, Any]]:
        """A deployment in a target that has a scaling group: what is said has happened there already."""
        out, more = self._scale_in(), self._scale_out()
        old = out[0]["servers"] if out else []
        body = {"terminated": old, "launched": more[0]["servers"], "gone": self.rng.random() < 0.5}
        return [{"kind": "request", "request": body}, *out]

    def _standby(self) -> list[dict[str, Any]]:
        self._change("stand_by", self._some(self.serving, 1, 1))
        return []

    def _gone(self, servers: list[str]) -> None:
        self.serving = [one for one in self.serving if one not in servers]

    def _change(self, what: str, servers: list[str], sick: float = 0.0) -> None:
        if servers:
            self.schedule.events.append(Change(what, tuple(servers)))
        ill = tuple(one for one in servers if self.rng.random() < sick)
        if ill:
            self.schedule.events.append(Change(self.rng.choice(("sicken", "stop")), ill))

    def _some(self, of: list[str], least: int, most: int) -> list[str]:
        return self.rng.sample(of, min(len(of), self.rng.randint(least, most)))

    def _new(self, count: int) -> list[str]:
        self.count += count
        return [f"i-new{n}" for n in range(self.count - count, self.count)]

    def _token(self) -> str:
        self.count += 1
        return f"token-{self.count}"

    # ---- how it is told

    def _send(self, messages: list[dict[str, Any]]) -> None:
        """Send messages together or one by one, some of them again, later, out of order, or never."""
        rng = self.rng
        if messages and rng.random() < 0.1:
            messages = messages[:-1]  # lost
        self.held += messages
        if rng.random() < 0.2:
            return  # told later
        now, self.held = self.held, []
        self.sent += now
        again = self._few(self.sent) if rng.random() < 0.4 else []
        rng.shuffle(now)
        asked = [(one,) for one in (*now, *again) if one["kind"] == "request"]
        now, again = ([one for one in some if one["kind"] != "request"] for some in (now, again))
        batches = [tuple(now)] if rng.random() < 0.5 else [(one,) for one in now]
        batches += [tuple(again), *asked] if again else asked
        if rng.random() < 0.3:
            batches.insert(rng.randint(0, len(batches)), ({"kind": "timer"},))
        self.schedule.events += [Send(batch) for batch in batches if batch]

    def _few(self, of: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self.rng.sample(of, min(len(of), self.rng.randint(1, 3)))

    def _break(self) -> None:
        self.schedule.events.append(Break(tuple(self._fault() for _ in range(self.rng.randint(0, 3)))))

    def _fault(self) -> dict[str, Any]:
        rng = self.rng
        action = rng.choice((*WRITES, *WRITES, *READS, *OTHERS, "*", "*"))
        fault: dict[str, Any] = {"action": action}
        if rng.random() < 0.7:
            fault["nth"] = rng.randint(1, 3 if action in WRITES else 12)
        else:
            fault["every"] = rng.randint(3, 9)
        fault["times"] = rng.randint(1, 3)
        kind = rng.choice(("error", "error", "kill", "kill", "drop_response", "reset", "garbage", "delay"))
        if kind == "error":
            fault["error"], status = rng.choice(ERRORS)
            if status is not None:
                fault["status"] = status
            return fault
        fault["effect"] = kind
        if kind == "kill":
            fault["times"] = 1
            fault["after"] = rng.random() < 0.5
        if kind == "delay":
            fault["seconds"] = rng.choice((0.002, 0.01))
        return fault
