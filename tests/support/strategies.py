"""Groups, looks, requests and events for property tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.values import (
    Backend,
    Cause,
    Group,
    Intent,
    Key,
    Scope,
    Server,
    ServerRef,
    Verdict,
)
from tests.support.builders import BALANCER, GROUP, LISTENER, MARK, kind, listeners, policy

Draw = Callable[[st.SearchStrategy[Any]], Any]

OLD = ("i-1", "i-2", "i-3", "i-4", "i-5", "eni-1", "eci-1")
NEW = ("i-6", "i-7", "i-8", "i-9", "eni-2")
PORTS = (80, 81)
ADDRESSES = {"eni-1": ("10.0.0.1", "10.0.0.11"), "eni-2": ("10.0.0.2",), "eci-1": ("10.0.0.3",)}
NOW = 1000.0

WEIGHTS = st.sampled_from((100, 100, 100, 50, 0))
DESCRIPTIONS = st.sampled_from(("", "", "blue", MARK, policy().marks.waiting))


@dataclass(frozen=True)
class Case:
    """What one decision begins with."""

    view: Observed
    intent: Intent
    policy: Policy


def _addresses(draw: Draw, server_id: str) -> tuple[str | None, ...]:
    known = ADDRESSES.get(server_id, ())
    return tuple(draw(st.lists(st.sampled_from(known), min_size=1, unique=True))) if known else (None,)


@st.composite
def groups(draw: Draw, most: int = 6) -> Group:
    """Groups of servers of every type, on one port or two, ENIs with one address or two."""
    ids = draw(st.lists(st.sampled_from((*OLD, "i-6", "eni-2")), max_size=most, unique=True))
    found: dict[Key, Backend] = {}
    for server_id in ids:
        ports = draw(st.lists(st.sampled_from(PORTS), min_size=1, unique=True))
        for port in ports:
            for address in _addresses(draw, server_id):
                key = Key(server_id, port, address)
                found[key] = Backend(key, draw(WEIGHTS), kind(server_id), draw(DESCRIPTIONS))  # type: ignore[arg-type]
    return Group(GROUP, BALANCER, found)


@st.composite
def policies(draw: Draw, **also: Any) -> Policy:
    values = {
        "ports": draw(st.sampled_from(((), (80,), (80, 81)))),
        "weight": draw(st.sampled_from((None, None, 70))),
        "strategy": draw(st.sampled_from(("swap", "surge"))),
        "max_unavailable": draw(st.sampled_from(("25%", "50%", "100%", "0%", 0, 1, 2))),
        "min_backends": draw(st.integers(0, 3)),
        "max_removed": draw(st.sampled_from(("50%", "100%", "0%", 1))),
        "exclusive": draw(st.booleans()),
        "drain_s": draw(st.sampled_from((0, 0, 5))),
        "max_per_call": draw(st.sampled_from((2, 3, 20))),
    }
    return policy(**{**values, **also})


@st.composite
def views(
    draw: Draw, of: Group, servers: dict[str, Server] | None = None, *, source: Source | None = None
) -> Observed:
    """Looks at a group, each of its backends with any verdict."""
    checked = draw(st.booleans())
    verdicts = st.sampled_from(
        (Verdict.NORMAL, Verdict.NORMAL, Verdict.NORMAL, Verdict.ABNORMAL, Verdict.PENDING)
    )
    return Observed(
        group=of,
        now=NOW,
        deadline=NOW + 600,
        servers=servers or {},
        source=source or (Source.COMPLETE if servers else Source.ABSENT),
        health={key: {LISTENER: draw(verdicts)} for key in of.backends} if checked else {},
        listeners=listeners(checked, draw(st.booleans()), draw(st.booleans())),
    )


@st.composite
def entries(draw: Draw, server_id: str, *, of: Group | None = None) -> list[ServerRef]:
    """What a request says of one server: all its ports, or some; with an address where it needs one."""
    cause = Cause.REQUESTED
    if of is None:
        address = ADDRESSES.get(server_id, (None,))[0]
        ports = draw(st.sampled_from(((None,), (None,), (80,), (81,), (80, 81))))
        return [
            ServerRef(
                server_id,
                port,
                draw(st.sampled_from((None, None, None, 30))),
                None,
                address,
                draw(st.sampled_from((None, None, "red"))),
                cause,
            )
            for port in ports
        ]
    here = [key for key in of.backends if key.server_id == server_id]
    if not here or draw(st.booleans()):
        return [ServerRef(server_id, cause=cause)]
    chosen = draw(st.lists(st.sampled_from(here), min_size=1, unique=True))
    return [ServerRef(server_id, key.port, server_ip=key.server_ip, cause=cause) for key in chosen]


@st.composite
def requests(draw: Draw, of: Group, *, forced: bool = False) -> Intent:
    """Requests over a group: of servers that are there or not, paired or not, gone or serving."""
    olds = draw(st.lists(st.sampled_from(OLD), max_size=5, unique=True))
    news = draw(st.lists(st.sampled_from(NEW), max_size=5, unique=True))
    pairs = tuple(zip(olds, news, strict=False))[: draw(st.integers(0, 3))]
    if draw(st.booleans()):
        news.reverse()
    cause = Cause.GONE if draw(st.booleans()) else Cause.REQUESTED
    terminated = [replace(n, cause=cause) for old in olds for n in draw(entries(old, of=of))]
    launched = [named for new in news for named in draw(entries(new))]
    every = frozenset({"min_backends", "max_unavailable", "max_removed"})
    return Intent(
        "web",
        "deployment",
        scope=Scope.LITERAL,
        terminated=tuple(terminated),
        launched=tuple(launched),
        pairs=pairs,
        force=every if forced else draw(st.sampled_from((frozenset(), frozenset(), every))),
        strategy=draw(st.sampled_from((None, "swap", "surge"))),
    )


@st.composite
def request_cases(draw: Draw, *, forced: bool = False, **also: Any) -> Case:
    of = draw(groups())
    return Case(draw(views(of)), draw(requests(of, forced=forced)), draw(policies(**also)))


@st.composite
def event_cases(draw: Draw, **also: Any) -> Case:
    """Autoscaling events and timers, with a listing that knows some of the group and some besides."""
    of = draw(groups())
    states = st.sampled_from(("in_service", "in_service", "in_service", "leaving", "pending", "standby"))
    ids = [i for i in dict.fromkeys((*of.servers, *NEW)) if kind(i) == "ecs"]
    listed = draw(st.lists(st.sampled_from(ids), unique=True)) if ids else []
    servers = {one: Server(one, draw(states), draw(st.sampled_from((True, True, False)))) for one in listed}
    causes = st.sampled_from((Cause.FINISHED, Cause.FINISHED, Cause.HOOK, Cause.INTERRUPTED, Cause.DELETED))
    some = [one for one in OLD if kind(one) == "ecs"]
    terminated = tuple(
        ServerRef(one, cause=draw(causes))
        for one in draw(st.lists(st.sampled_from(some), max_size=3, unique=True))
    )
    cause = draw(st.sampled_from((Cause.FINISHED, Cause.HOOK)))
    fresh = [one for one in NEW if kind(one) == "ecs"]
    launched = tuple(
        ServerRef(one, cause=cause) for one in draw(st.lists(st.sampled_from(fresh), max_size=3, unique=True))
    )
    intent = Intent(
        "web", draw(st.sampled_from(("autoscaling", "timer"))), terminated=terminated, launched=launched
    )
    source = draw(st.sampled_from((Source.COMPLETE,) * 4 + (Source.SOME_EMPTY, Source.EMPTY, Source.SHORT)))
    return Case(draw(views(of, servers, source=source)), intent, draw(policies(**also)))
