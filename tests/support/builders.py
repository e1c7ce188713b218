"""Builders: groups, requests, events, looks and clouds in a few letters.

A backend is said as ``server[:port][@ip][=weight][#description]``; port 8080 and weight 100 go without
saying: ``i-1``, ``i-2:9090=0``, ``eni-3@10.0.0.3#blue``. Several are said in one string, with spaces between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from handler.core.deciding.decide import decide
from handler.core.deciding.run_state import begin
from handler.core.model.answers import Answer, Result
from handler.core.model.marks import Marks
from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy, Target
from handler.core.model.steps import (
    Add,
    Decision,
    Do,
    Finish,
    Modify,
    Remove,
    SetWeight,
    Step,
    Wait,
    new_side,
)
from handler.core.model.values import (
    Backend,
    Cause,
    Group,
    Hook,
    Intent,
    Key,
    Listeners,
    Refusal,
    Scope,
    Server,
    ServerRef,
    Verdict,
)
from localcloud.cloud import Cloud

PORT = 8080
GROUP, BALANCER, SCALING = "rsp-web", "lb-web", "asg-web"
MARK = "slb-swap/web"
LISTENER = "http:80"

APPLIED = Answer(Result.APPLIED)

_FORM = re.compile(r"([^:@=#]+)(?::(\d+))?(?:@([^=#]+))?(?:=(\d+))?(?:#(.*))?")


def _parts(said: str) -> tuple[str, int | None, str | None, int | None, str | None]:
    found = _FORM.fullmatch(said)
    assert found, said
    server, port, ip, weight, description = found.groups()
    return server, port and int(port), ip, weight and int(weight), description  # type: ignore[return-value]


def kind(server_id: str) -> str:
    """The type that the form of an id tells."""
    prefix = server_id.split("-", 1)[0]
    return prefix if prefix in {"eni", "eci"} else "ecs"


def backend(said: str) -> Backend:
    server, port, ip, weight, description = _parts(said)
    weight = 100 if weight is None else weight
    return Backend(Key(server, port or PORT, ip), weight, kind(server), description or "")  # type: ignore[arg-type]


def backends(said: str) -> tuple[Backend, ...]:
    return tuple(backend(one) for one in said.split())


def group(said: str = "") -> Group:
    return Group(GROUP, BALANCER, {one.key: one for one in backends(said)})


def named(said: str, cause: Cause = Cause.REQUESTED) -> tuple[ServerRef, ...]:
    """Servers as a delivery names them: what is not said is None."""
    found = []
    for one in said.split():
        server, port, ip, weight, description = _parts(one)
        found.append(ServerRef(server, port, weight, None, ip, description, cause))
    return tuple(found)


def request(
    terminated: str = "",
    launched: str = "",
    pairs: str = "",
    *,
    force: str = "",
    gone: bool = False,
    **also: Any,
) -> Intent:
    """A signed request; pairs are said as ``i-1>i-2``."""
    two = tuple(tuple(pair.split(">")) for pair in pairs.split())
    return Intent(
        "web",
        "deployment",
        scope=Scope.LITERAL,
        terminated=named(terminated, Cause.GONE if gone else Cause.REQUESTED),
        launched=named(launched),
        pairs=two,  # type: ignore[arg-type]
        force=frozenset(force.split()),
        **also,
    )


def event(terminated: str = "", launched: str = "", cause: Cause = Cause.FINISHED, **also: Any) -> Intent:
    """An autoscaling event, to be completed from the scaling groups."""
    return Intent(
        "web", "autoscaling", terminated=named(terminated, cause), launched=named(launched, cause), **also
    )


def hook(instances: str, transition: str = "scale_out", **also: Any) -> Hook:
    values: dict[str, Any] = {
        "id": "ash-1",
        "token": "t-1",
        "activity_id": "asa-1",
        "scaling_group_id": SCALING,
    }
    return Hook(**{**values, "transition": transition, "instance_ids": tuple(instances.split()), **also})


def policy(**also: Any) -> Policy:
    return Policy(**{"marks": Marks("web"), **also})


def target(*, mode: str = "apply", scaling: bool = True, **also: Any) -> Target:
    return Target("web", GROUP, (SCALING,) if scaling else (), mode, policy(**also))  # type: ignore[arg-type]


def servers(said: str) -> dict[str, Server]:
    """A listing: in service, or as said after ``=`` (leaving, pending, standby, or sick: not Healthy)."""
    found = {}
    for one in said.split():
        server_id, _, state = one.partition("=")
        sick = state == "sick"
        found[server_id] = Server(server_id, "in_service" if sick or not state else state, not sick)  # type: ignore[arg-type]
    return found


def _keys(of: Group, said: str) -> list[Key]:
    wanted = said.split()
    return [key for key in of.backends if key.server_id in wanted or f"{key.server_id}:{key.port}" in wanted]


def listeners(checked: bool = False, drains: bool = False, ignores_weight: bool = False) -> Listeners:
    """The one listener that uses the group."""
    one = frozenset({LISTENER})
    return Listeners(one if checked else frozenset(), frozenset() if checked else one, drains, ignores_weight)


def verdicts(keys: Iterable[Key], verdict: Verdict) -> dict[Key, dict[str, Verdict]]:
    """What the one listener says of backends."""
    return {key: {LISTENER: verdict} for key in keys}


def view(
    of: Group | str,
    listed: str | None = None,
    *,
    source: Source | None = None,
    abnormal: str = "",
    pending: str = "",
    checked: bool = False,
    drains: bool = False,
    ignores_weight: bool = False,
    now: float = 1000.0,
    left: float = 600.0,
    **also: Any,
) -> Observed:
    """A look. Health is checked if anybody is ``abnormal`` or ``pending`` (said as ``i-1`` or ``i-1:80``)."""
    of = group(of) if isinstance(of, str) else of
    checked = checked or bool(abnormal or pending)
    health = verdicts(of.backends, Verdict.NORMAL) if checked else {}
    health.update(verdicts(_keys(of, abnormal), Verdict.ABNORMAL))
    health.update(verdicts(_keys(of, pending), Verdict.PENDING))
    return Observed(
        group=of,
        now=now,
        deadline=now + left,
        servers=servers(listed or ""),
        source=source or (Source.ABSENT if listed is None else Source.COMPLETE),
        health=health,
        listeners=listeners(checked, drains, ignores_weight),
        **also,
    )


def by_listener(of: Group | str, checks: Mapping[str, str], *, unchecking: str = "", **also: Any) -> Observed:
    """A look at a group with several listeners.

    ``checks`` has what each that checks says of servers: ``i-1=abnormal i-2:80=pending``, else normal.
    """
    of = group(of) if isinstance(of, str) else of
    health: dict[Key, dict[str, Verdict]] = {key: {} for key in of.backends}
    for name, said in checks.items():
        known = dict(one.split("=") for one in said.split())
        for key in of.backends:
            said_of = known.get(f"{key.server_id}:{key.port}") or known.get(key.server_id, "normal")
            health[key][name] = Verdict(said_of)
    using = Listeners(frozenset(checks), frozenset(unchecking.split()))
    return replace(view(of, **also), health=health, listeners=using)


def shown_backend(one: Backend) -> str:
    key = one.key
    port = "" if key.port == PORT else f":{key.port}"
    ip = f"@{key.server_ip}" if key.server_ip else ""
    return key.server_id + port + ip + ("" if one.weight == 100 else f"={one.weight}")


def shown_backends(many: Iterable[Backend]) -> str:
    return " ".join(shown_backend(one) for one in many)


def shown_group(of: Group) -> str:
    """The backends of a group in order of their keys, descriptions aside."""
    return shown_backends(of.backends[key] for key in sorted(of.backends, key=lambda k: tuple(map(str, k))))


def shown_refused(refused: Iterable[Refusal]) -> str:
    return " ".join(f"{one.subject}:{one.reason}" for one in refused)


def shown(what: Decision | Step | None) -> str:
    """A decision or a step in a line."""
    match what:
        case Do(step):
            return shown(step)
        case Wait(seconds, why):
            return f"wait {seconds:g} {why}"
        case Finish(outcome, reason):
            return f"{outcome} {reason}" if reason else outcome
        case Modify(pairs):
            return "modify " + " ".join(f"{shown_backend(p.old)}>{shown_backend(p.new)}" for p in pairs)
        case Add(added):
            return "add " + shown_backends(added)
        case Remove(removed):
            return "remove " + shown_backends(removed)
        case SetWeight(_, after):
            return "weigh " + " ".join(f"{shown_backend(b).split('=')[0]}={b.weight}" for b in after)
        case _:
            return "nothing"


class Play:
    """Plays decisions out, one at a time, on a world that does as it is told and is read without a lag."""

    def __init__(self, looked: Observed, intent: Intent, how: Policy | None = None) -> None:
        self.view, self.intent, self.policy = looked, intent, how or policy()
        self.state = begin(looked)

    @property
    def decision(self) -> Decision:
        return decide(self.view, self.intent, self.policy, self.state)

    def next(self, verdict: Verdict = Verdict.NORMAL, answer: Answer = APPLIED) -> str:
        """Do or wait as decided, and say what; new backends get the verdict."""
        decision = self.decision
        if isinstance(decision, Wait):
            self.view = replace(self.view, now=self.view.now + decision.seconds, fresh=True)
        elif isinstance(decision, Do):
            self.state = self.state.after_write(decision, answer, self.view.now, 0.5)
            if answer.result is Result.APPLIED:
                self.view = replace(self.view, group=self.state.written.expected)
                self.health(verdict, shown_backends(new_side(decision.step)))
        return shown(decision)

    def health(self, verdict: Verdict, said: str) -> None:
        """Give servers a verdict, where health is checked."""
        if self.view.listeners.checking:
            ids = " ".join(re.split("[=@]", one)[0] for one in said.split())
            keys = _keys(self.view.group, ids)
            self.view = replace(self.view, health={**self.view.health, **verdicts(keys, verdict)})

    def to_end(self, verdict: Verdict = Verdict.NORMAL, most: int = 200) -> list[str]:
        """Play until it finishes, and say all that happened."""
        said = []
        while not isinstance(self.decision, Finish):
            said.append(self.next(verdict))
            assert len(said) < most, said[-10:]
        return [*said, self.end]

    @property
    def end(self) -> str:
        return shown(self.decision)


def state(
    of: Group | str,
    listed: str | None = None,
    *,
    fresh: str = "",
    readings: Mapping[str, Any] | None = None,
    faults: Iterable[Mapping[str, Any]] = (),
    sick: str = "",
    stopped: str = "",
    reclaimed: str = "",
    quota: int = 400,
    health_check: bool = True,
    scheduler: str = "wrr",
    connection_drain: bool = False,
) -> dict[str, Any]:
    """A state of the local cloud: a group, whom the scaling group lists, and ``fresh`` instances beside."""
    of = group(of) if isinstance(of, str) else of
    lifecycle = {"leaving": "Removing", "pending": "Pending:Wait", "standby": "Standby"}
    members = [
        {
            "instance_id": one.id,
            "lifecycle_state": lifecycle.get(one.state, "InService"),
            "health_status": "Healthy" if one.healthy else "Unhealthy",
        }
        for one in servers(listed or "").values()
    ]
    known = [key.server_id for key in of.backends] + [m["instance_id"] for m in members] + fresh.split()
    listener = {
        "port": 80,
        "vserver_group_id": GROUP,
        "health_check": health_check,
        "scheduler": scheduler,
        "connection_drain": connection_drain,
    }
    return {
        "load_balancers": [
            {
                "load_balancer_id": BALANCER,
                "backend_quota": quota,
                "listeners": [listener],
                "vserver_groups": [
                    {"vserver_group_id": GROUP, "backends": [row(b) for b in of.backends.values()]}
                ],
            }
        ],
        "instances": [
            {
                "instance_id": one,
                "health": "abnormal" if one in sick.split() else "normal",
                "status": "Stopped" if one in stopped.split() else "Running",
                "operation_locks": ["Recycling"] if one in reclaimed.split() else [],
            }
            for one in dict.fromkeys(known)
        ],
        "scaling_groups": [{"scaling_group_id": SCALING, "instances": members}] if listed is not None else [],
        "readings": dict(readings or {}),
        "faults": list(faults),
    }


def row(one: Backend) -> dict[str, Any]:
    """A backend as JSON has it."""
    key = one.key
    return {
        "server_id": key.server_id,
        "port": key.port,
        "weight": one.weight,
        "type": one.type,
        "server_ip": key.server_ip,
        "description": one.description,
    }


def cloud(of: Group | str, listed: str | None = None, **also: Any) -> Cloud:
    """A local cloud in-process; see ``state``."""
    return Cloud(state(of, listed, **also))


def group_of(of: Cloud) -> Group:
    """What really is in the group, whatever a read would show."""
    found = of.slb.group(GROUP)
    return Group(
        GROUP,
        BALANCER,
        {Key(*b.key): Backend(Key(*b.key), b.weight, b.type, b.description) for b in found.backends},  # type: ignore[arg-type]
    )
