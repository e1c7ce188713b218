"""Intents: merged where a delivery has several for one target, completed from the scaling groups.

| named by the event as     | listed            | then it is                                              |
|---------------------------|-------------------|---------------------------------------------------------|
| launched                  | in service        | launched                                                |
| launched by a hook        | pending           | launched                                                |
| launched                  | pending           | early: the delivery is to come again                    |
| launched                  | otherwise, or not | not launched: the event is late                         |
| terminated                | leaving           | terminated, still serving                               |
| terminated, finished      | no                | terminated, gone                                        |
| terminated by a hook      | no                | terminated, still serving                               |
| terminated                | in service        | looked at again, then left: ``still_in_service``        |
| interrupted               | in any way        | terminated, still serving, if something replaces it     |
| deleted (ECS)             | in any way        | terminated, gone                                        |
| not at all                | in service        | launched, if the group has no backend of it, or one     |
|                           |                   | that still waits for its weight                         |
| not at all                | leaving           | terminated, still serving                               |
| not at all, in the group  | no                | stale on an exclusive target or if marked, else a stray |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from handler.core.model.observed import Observed, Source
from handler.core.model.values import Backend, Cause, Group, Intent, Policy, Refusal, Scope, Server, ServerRef

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Desired:
    """An intent, completed: who goes, who comes, and what is left alone with a reason.

    ``completed`` is False for a request, which means exactly what it says. ``kept`` are named as terminated
    but stay, with whatever was to replace them. ``gone`` are servers that cannot be serving any more,
    ``inferred`` those that only we concluded to be stale. ``early`` are named as launched and listed as
    pending. ``unsettled`` says that a listing contradicts the event, as one that lags would.
    """

    terminated: tuple[ServerRef, ...]
    launched: tuple[ServerRef, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    gone: frozenset[str] = frozenset()
    inferred: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    refused: tuple[Refusal, ...] = ()
    strays: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    unsettled: bool = False
    completed: bool = True


def merge(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """Return one intent for each target, in order of first mention: a batch is one wish, not several.

    A request stays apart from what is completed from the scaling groups, since it means exactly what it says.
    """
    merged: dict[tuple[object, ...], Intent] = {}
    for intent in intents:
        like = (intent.target, intent.scope, intent.dry_run, intent.strategy, intent.force)
        before = merged.get(like)
        merged[like] = intent if before is None else _joined(before, intent)
    return tuple(merged.values())


def _joined(one: Intent, other: Intent) -> Intent:
    return replace(
        one,
        event_ids=_each_once(one.event_ids + other.event_ids),
        terminated=_each_once(one.terminated + other.terminated),
        launched=_each_once(one.launched + other.launched),
        pairs=_each_once(one.pairs + other.pairs),
        hooks=_each_once(one.hooks + other.hooks),
    )


def _each_once(items: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))


def doubtful(intent: Intent, group: Group, servers: Mapping[str, Server], policy: Policy) -> tuple[str, ...]:
    """Return the servers whose absence from the listing would take them out: to be asked for by their id.

    So are those that a request names: a listing that misses one would let it go though it is in service.
    """
    exactly = intent.scope is Scope.LITERAL
    named = {n.server_id for n in intent.terminated if exactly or n.cause in {Cause.FINISHED, Cause.HOOK}}
    return tuple(
        server_id
        for server_id, backends in group.servers().items()
        if server_id not in servers
        and (server_id in named or (not exactly and (policy.exclusive or policy.owns(backends))))
    )


def desired(intent: Intent, view: Observed, policy: Policy, start: Group) -> Desired:
    """Return what the intent wishes for, given what the scaling groups say now.

    ``start`` is the group as this run first saw it: who is stale or new is judged by it all along the run.
    """
    if intent.scope is Scope.LITERAL:
        return _requested(intent, view)
    present = start.servers()
    launched = _launched(intent, view, policy, present)
    coming = {named.server_id for named in launched}
    terminated: dict[str, ServerRef] = {}
    gone: set[str] = set()
    refused: list[Refusal] = []
    unsettled = _is_early(intent, view, coming)
    for named in _decisive(intent.terminated, view):
        server_id = named.server_id
        if server_id in coming:
            continue
        if server_id not in present:
            if named.cause is Cause.INTERRUPTED or not view.serves(server_id):
                terminated[server_id] = named  # out already: a new one that is in has taken its place
            continue
        match _fate(named, view):
            case "gone":
                gone.add(server_id)
                terminated[server_id] = named
            case "leaving":
                terminated[server_id] = named
            case "still_in_service":
                unsettled = True
                refused.append(Refusal(server_id, "still_in_service"))
            case "source_incomplete":
                refused.append(Refusal(server_id, "source_incomplete"))
    stale: list[str] = []
    strays: list[str] = []
    spoken = {refusal.subject for refusal in refused} | coming
    for server_id, backends in present.items():
        if server_id in terminated or server_id in spoken:
            continue
        server = view.servers.get(server_id)
        if server is not None:
            if server.state == "leaving":
                terminated[server_id] = ServerRef(server_id)
        elif view.source is not Source.ABSENT:
            ours = policy.exclusive or policy.owns(backends)
            (stale if ours else strays).append(server_id)
    if stale and view.source is not Source.COMPLETE:
        refused += [Refusal(server_id, "source_incomplete") for server_id in stale]
        stale = []
    terminated.update((server_id, ServerRef(server_id)) for server_id in stale)
    return Desired(
        terminated=tuple(terminated.values()),
        launched=launched,
        gone=frozenset(gone),
        inferred=frozenset(stale),
        refused=tuple(refused),
        strays=tuple(strays),
        early=tuple(n.server_id for n in intent.launched if _is_pending(n, view)),
        unsettled=unsettled or view.source is Source.SHORT,
    )


def _requested(intent: Intent, view: Observed) -> Desired:
    still = {
        named.server_id
        for named in intent.terminated
        if view.serves(named.server_id) and "still_in_service" not in intent.force
    }
    return Desired(
        terminated=intent.terminated,
        launched=intent.launched,
        pairs=intent.pairs,
        completed=False,
        kept=frozenset(still),
        gone=frozenset(n.server_id for n in intent.terminated if n.cause is Cause.GONE),
        refused=tuple(
            Refusal(server_id, "still_in_service", override="still_in_service") for server_id in sorted(still)
        ),
    )


def _launched(
    intent: Intent, view: Observed, policy: Policy, present: Mapping[str, tuple[Backend, ...]]
) -> tuple[ServerRef, ...]:
    chosen: dict[str, ServerRef] = {}
    for named in intent.launched:
        server = view.servers.get(named.server_id)
        if server is None:
            continue
        entering = named.cause is Cause.HOOK and server.state == "pending"
        if entering or (server.state == "in_service" and server.healthy):
            chosen.setdefault(named.server_id, named)
    finished = {server_id for server_id, backends in present.items() if not _waits(backends, policy)}
    known = finished | {named.server_id for named in intent.terminated}
    for server in view.servers.values():
        if server.state == "in_service" and server.healthy and server.id not in known:
            chosen.setdefault(server.id, ServerRef(server.id))
    return tuple(chosen.values())


def _waits(backends: Iterable[Backend], policy: Policy) -> bool:
    """Tell whether a server that is in was to get its weight from a run that was cut off."""
    return any(backend.weight == 0 and backend.description == policy.waits for backend in backends)


def _is_early(intent: Intent, view: Observed, coming: set[str]) -> bool:
    """Tell whether the event names a launched server that the listing does not show as such yet."""
    return view.source is not Source.ABSENT and any(n.server_id not in coming for n in intent.launched)


def _is_pending(named: ServerRef, view: Observed) -> bool:
    server = view.servers.get(named.server_id)
    return named.cause is not Cause.HOOK and server is not None and server.state == "pending"


#: What may become of a server that an event names as terminated; of several that hold, the first counts.
_FATES = ("gone", "leaving", "still_in_service", "source_incomplete", "left")


def _decisive(terminated: Iterable[ServerRef], view: Observed) -> tuple[ServerRef, ...]:
    """Return each server once, by that naming of it which decides its fate."""
    found: dict[str, ServerRef] = {}
    for named in terminated:
        other = found.setdefault(named.server_id, named)
        found[named.server_id] = min(other, named, key=lambda one: _FATES.index(_fate(one, view)))
    return tuple(found.values())


def _fate(named: ServerRef, view: Observed) -> str:
    """Return what becomes of a server that an event names as terminated; see the table above."""
    if named.cause is Cause.GONE:
        return "gone"
    if named.cause is Cause.INTERRUPTED:
        return "leaving"
    server = view.servers.get(named.server_id)
    if server is not None:
        return {"leaving": "leaving", "in_service": "still_in_service"}.get(server.state, "left")
    if view.source not in {Source.COMPLETE, Source.SOME_EMPTY}:
        return "source_incomplete"
    return "gone" if named.cause is Cause.FINISHED else "leaving"
