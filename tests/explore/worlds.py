"""Worlds: what there is, and what is delivered and happens one after the other, said in clauses.

A world is its text, clauses with ``;`` between them. A clause can be taken out, and what is left is a world
again: so a world is made smaller, and so it is asked what a part of it contributes.

    target web asg=a strategy=surge drain=3    a target, the VServer group rsp-web and its scaling groups
    listener web https:443 unchecked           another listener of it; every group has one that checks health
    rule web http:80 beside i-0=100 own        a rule of a listener, and the servers of the group that it uses
    in web i-0 80=100 81=30 mark               a server of the group: ports, weights, its description
    lists a i-0 Standby                        a member of a scaling group, InService where nothing is said
    server n-0 abnormal 443=abnormal doomed    what is true of a server beside: running and well
    server n-0 beside=abnormal                 what is found of it by the checks for another group
    room 1; time 44; denied ecs                places left in the load balancer, seconds, who may not be asked
    once                                       only the last delivery comes again if it was raised or killed
    read modify_atomic=True                    a reading other than its first value
    fault 1 write 2 lost                       what goes wrong: at which attempt, at which call of that kind
    fault 0 ecs 2+ throttled                   the same, from that call on until the attempt ends
    refuse ModifyVServerGroupBackendServers X  an error that comes at each such call, until all else is over
    refuse any X of i-0                        the same, at calls that name a server; ``any`` is each write
    > request web t:i-0 l:n-0                  a delivery
    ~ launch a n-0                             what happens before the next delivery; ~+8: so long into it
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from msgspec import structs

from handler import settings
from localcloud.cloud import Cloud
from localcloud.state import world as local
from localcloud.state.readings import TABLE
from tests.support import deliveries

BALANCER = "lb-1"
#: The words of a clause that say a description; any other description is written as it is, after a ``#``.
DESCRIPTIONS = {"mark": "slb-swap/{}", "waits": "slb-swap.{}", "foreign": "blue"}
#: The values of the readings that count something, and those of all others in the order of the table.
COUNTED = {"busy_for": (0, 1), "read_lag": (0, 2), "fresh_health": (0, 2)}
READINGS: dict[str, tuple[Any, ...]] = {
    name: COUNTED.get(name, reading.values) for name, reading in TABLE.items()
}
FIRST = {name: values[0] for name, values in READINGS.items()}
#: Readings that matter here: not those that are about the wire, about what an answer lists, about a Modify of
#: unequal sides, which only others send, or about requests that no call shows.
PLAYED = (
    "modify_atomic",
    "failed_new",
    "missing_old",
    "present_new",
    "bad_new",
    "modify_over_quota",
    "busy_scope",
    "busy_for",
    "read_lag",
    "fresh_health",
    "weight0_checked",
    "released_server",
)
KEYS = {"min": "min_backends", "un": "max_unavailable", "rem": "max_removed", "drain": "drain_s"}
HEALTH = {"timeout_s": 12, "interval_s": 4}
TIME_S = 120.0


class Asked(dict[str, Any]):
    """The readings of a world, and which of them mattered."""

    def __init__(self, chosen: dict[str, Any]) -> None:
        super().__init__(chosen)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)


@dataclass(frozen=True)
class Step:
    """A delivery, or what happens: ``after`` so many seconds of the next delivery, 0 before it."""

    kind: str
    words: tuple[str, ...]
    delivered: bool
    after: float = 0.0


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the ``nth`` call of a kind (write, read, health, list, hook, ecs) of an attempt.

    If it ``lasts``, at all those that follow, too.
    """

    attempt: int
    kind: str
    nth: int
    what: str
    lasts: bool = False

    def strikes(self, nth: int) -> bool:
        """Whether it is there at a call of its kind."""
        return nth == self.nth or (self.lasts and nth > self.nth)


@dataclass
class Setup:
    """A world's text, read."""

    targets: list[dict[str, Any]] = field(default_factory=list)
    batch: int = 20
    backends: dict[str, list[local.Backend]] = field(default_factory=dict)
    listeners: dict[str, dict[tuple[str, int], local.Listener]] = field(default_factory=dict)
    members: dict[str, list[local.Member]] = field(default_factory=dict)
    instances: dict[str, local.Instance] = field(default_factory=dict)
    room: int = 200
    time_s: float = TIME_S
    denied: set[str] = field(default_factory=set)
    once: bool = False
    readings: dict[str, Any] = field(default_factory=lambda: dict(FIRST))
    has_rules: bool = False
    faults: list[Fault] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_of: list[tuple[str, str, str]] = field(default_factory=list)  #: action, code, server
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """A world by its clauses."""

    clauses: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.clauses)

    def without(self, *clauses: str) -> World:
        """The same world without some clauses."""
        return World(tuple(clause for clause in self.clauses if clause not in clauses))

    def changed(self, clause: str, other: str) -> World:
        """The same world with another clause in the place of one."""
        return World(tuple(other if one == clause else one for one in self.clauses))

    @cached_property
    def setup(self) -> Setup:
        """What the clauses say; raises ValueError where one says nothing."""
        return read(self.clauses)

    @property
    def targets(self) -> Any:
        """The function's settings for this world."""
        loaded = configured(json.dumps(self.setup.targets))
        batch = self.setup.batch
        return tuple(
            structs.replace(one, policy=structs.replace(one.policy, max_per_call=batch))
            for one in loaded.targets
        ), loaded.secrets.values

    def cloud(self) -> Cloud:
        """The cloud at the beginning."""
        setup, cloud = self.setup, Cloud()
        world = cloud.world
        listeners = tuple(one for of_group in setup.listeners.values() for one in of_group.values())
        count = sum(map(len, setup.backends.values()))
        world.load_balancers[BALANCER] = local.LoadBalancer(
            BALANCER, listeners=listeners, backend_quota=count + setup.room
        )
        for name, backends in setup.backends.items():
            world.groups[name] = local.Group(name, BALANCER, name, tuple(backends))
        world.instances = dict(setup.instances)
        for name, members in setup.members.items():
            world.scaling_groups[name] = local.ScalingGroup(name, "", (), tuple(members))
        return cloud


def of_text(text: str) -> World:
    """Read a world as ``str`` writes it."""
    return World(tuple(filter(None, (clause.strip() for clause in text.split(";")))))


@lru_cache(maxsize=512)
def configured(targets: str) -> settings.Settings:
    """The function's settings with these targets; raises ValueError where they cannot be used."""
    try:
        return settings.load({"SWAP_TARGETS": targets, "SWAP_WEBHOOK_SECRETS": deliveries.SECRET})
    except settings.BadSettings as why:
        raise ValueError(str(why)) from None


def read(clauses: tuple[str, ...]) -> Setup:
    """Read the clauses of a world."""
    setup = Setup()
    for clause in sorted(clauses, key=_rank):
        first, *words = clause.split()
        if first == ">":
            setup.steps.append(Step(words[0], tuple(words[1:]), True))
        elif first.startswith("~"):
            setup.steps.append(Step(words[0], tuple(words[1:]), False, float(first[1:] or 0)))
        else:
            _READ[first](setup, words)
    for name in {server for of in setup.members.values() for server in (one.instance_id for one in of)}:
        setup.instances.setdefault(name, local.Instance(name))
    for backends in setup.backends.values():
        for backend in backends:
            setup.instances.setdefault(backend.server_id, local.Instance(backend.server_id))
    setup.instances = {name: one for name, one in setup.instances.items() if one.status != "unknown"}
    return setup


def _rank(clause: str) -> int:
    """Targets come first, and rules after the listeners that have them."""
    return {"target": 0, "rule": 2}.get(clause.split(maxsplit=1)[0], 1)


def _target(setup: Setup, words: list[str]) -> None:
    name, *said = words
    group = f"rsp-{name}"
    found: dict[str, Any] = {"name": name, "vserver_group_id": group, "health": HEALTH}
    for word in said:
        key, _, value = word.partition("=")
        if key == "asg":
            found["scaling_group_ids"] = [f"asg-{one}" for one in value.split(",")]
            for one in found["scaling_group_ids"]:
                setup.members.setdefault(one, [])
        elif key == "batch":
            setup.batch = int(value)
        elif key == "exclusive":
            found["exclusive"] = True
        elif key == "ports":
            found["ports"] = [int(port) for port in value.split(",")]
        elif key in {"mode", "strategy"}:
            found[key] = value
        else:
            found[KEYS.get(key, key)] = int(value) if value.isdigit() else value
    setup.targets.append(found)
    setup.backends[group] = []
    port = 80 + 10 * (len(setup.targets) - 1)
    setup.listeners[group] = {("http", port): local.Listener(port, vserver_group_id=group)}


def _listener(setup: Setup, words: list[str]) -> None:
    name, at, *said = words
    protocol, _, port = at.partition(":")
    setup.listeners[f"rsp-{name}"][protocol, int(port)] = local.Listener(
        int(port),
        protocol,
        f"rsp-{name}",
        health_check="unchecked" not in said,
        scheduler="rr" if "rr" in said else "wrr",
        connection_drain="drains" in said,
    )


def _rule(setup: Setup, words: list[str]) -> None:
    name, at, group, *said = words
    protocol, _, port = at.partition(":")
    listeners, key = setup.listeners[f"rsp-{name}"], (protocol, int(port))
    rules = listeners[key].rules
    rule = local.Rule(
        f"rule-{at}-{len(rules)}",
        f"rsp-{group}",
        url=f"/{len(rules)}",
        listener_sync="own" not in said,
        health_check="unchecked" not in said,
    )
    listeners[key] = replace(listeners[key], rules=(*rules, rule))
    backends = setup.backends.setdefault(f"rsp-{group}", [])
    for server, _, weight in (word.partition("=") for word in said if "=" in word):
        backends.append(local.Backend(server, 80, int(weight), type_of(server)))
    setup.has_rules = True


def type_of(server: str) -> str:
    """The type of a backend that the form of an id tells."""
    prefix = server.split("-", 1)[0]
    return prefix if prefix in {"eni", "eci"} else "ecs"


def _in(setup: Setup, words: list[str]) -> None:
    name, server, *said = words
    server, _, address = server.partition("@")
    description = ""
    for word in said:
        if word in DESCRIPTIONS:
            description = DESCRIPTIONS[word].format(name)
        elif word.startswith("#"):
            description = word[1:]
    for port, _, weight in (word.partition("=") for word in said if "=" in word):
        backend = local.Backend(server, int(port), int(weight), type_of(server), address or None, description)
        setup.backends[f"rsp-{name}"].append(backend)


def _lists(setup: Setup, words: list[str]) -> None:
    name, server, *said = words
    setup.members.setdefault(f"asg-{name}", []).append(member(server, said))


def member(server: str, said: list[str]) -> local.Member:
    """A member of a scaling group in the words of a clause."""
    states = [word for word in said if word != "unwell"] or ["InService"]
    return local.Member(server, states[0], "Unhealthy" if "unwell" in said else "Healthy")


def _server(setup: Setup, words: list[str]) -> None:
    name = words[0]
    setup.instances[name] = instance(setup.instances.get(name, local.Instance(name)), words[1:])


def instance(before: local.Instance, said: list[str] | tuple[str, ...]) -> local.Instance:
    """What is known of a server, in the words of a clause."""
    found = before
    for word in said:
        key, _, value = word.partition("=")
        if word in {"normal", "abnormal"}:
            found = replace(found, health=word, **_by_listener(found, None))
        elif key.isdigit():
            found = replace(found, **_by_listener(found, {int(key): value}))
        elif value:
            found = replace(found, health_by_group={**found.health_by_group, f"rsp-{key}": value})
        elif word == "doomed":
            found = replace(found, operation_locks=("Recycling",))
        else:
            found = replace(found, status=word if word == "unknown" else word.capitalize())
    return found


def _by_listener(before: local.Instance, more: dict[int, str] | None) -> dict[str, Any]:
    known = {} if more is None else {**before.health_by_listener, **more}
    return {"health_by_listener": known}


def _room(setup: Setup, words: list[str]) -> None:
    setup.room = int(words[0])


def _time(setup: Setup, words: list[str]) -> None:
    setup.time_s = float(words[0])


def _denied(setup: Setup, words: list[str]) -> None:
    setup.denied.update(words)


def _once(setup: Setup, words: list[str]) -> None:
    if words:
        raise ValueError(f"once: {words}")
    setup.once = True


def _reading(setup: Setup, words: list[str]) -> None:
    name, _, value = words[0].partition("=")
    setup.readings[name] = next(one for one in READINGS[name] if str(one) == value)


def _fault(setup: Setup, words: list[str]) -> None:
    nth = words[2].rstrip("+")
    setup.faults.append(Fault(int(words[0]), words[1], int(nth), words[3], nth != words[2]))


def _refuse(setup: Setup, words: list[str]) -> None:
    if len(words) > 2:
        setup.refuse_of.append((words[0], words[1], words[3]))
    else:
        setup.refuse[words[0]] = words[1]


_READ = {
    "target": _target,
    "listener": _listener,
    "rule": _rule,
    "in": _in,
    "lists": _lists,
    "server": _server,
    "room": _room,
    "time": _time,
    "denied": _denied,
    "once": _once,
    "read": _reading,
    "fault": _fault,
    "refuse": _refuse,
}
