"""The desired state: an intent, completed by what the scaling groups and ECS say of its servers.

| the event names it as     | listed as         | then it is                                              |
|---------------------------|-------------------|---------------------------------------------------------|
| launched                  | in service        | launched                                                |
| launched by a hook        | pending           | launched                                                |
| launched                  | pending           | not in service yet: raised, to be delivered again       |
| launched                  | anything else     | not launched: the event is late                         |
| terminated                | leaving           | terminated, still serving                               |
| terminated, finished      | nothing           | terminated, gone; still serving, if a check finds it    |
|                           |                   | normal, or it runs and nothing checks it                |
| terminated by a hook      | nothing           | terminated, still serving                               |
| terminated                | in service        | looked at again, then left: ``still_in_service``        |
| interrupted               | anything          | terminated, still serving, if something replaces it     |
| deleted (ECS)             | in service        | left: raised, to be delivered again                     |
| deleted (ECS)             | leaving           | terminated, still serving                               |
| deleted (ECS)             | anything else     | terminated, gone, once ECS no longer knows it           |
| nothing                   | in service        | launched, if not in the group, waiting for its weight   |
|                           |                   | or put in by us and neither passed a check nor failed    |
| nothing                   | leaving           | terminated, still serving                               |
| nothing, in the group     | nothing           | stale if marked or ``exclusive``, else unmanaged        |

Whatever the event says, an instance that ECS is about to reclaim goes once it is replaced, and is never
launched. A stopped instance is not launched either. A server that ECS no longer knows is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.values import (
    Backend,
    Cause,
    Group,
    Intent,
    Key,
    Refusal,
    Scope,
    Server,
    ServerRef,
)


class Desired(Struct, frozen=True):
    """Which servers go, which come, and which are left alone with a reason.

    ``literal`` is True for a request, which means exactly what it says. ``kept`` servers are named but stay
    as they are, and so do their counterparts. ``gone`` servers cannot be serving any more, ``inferred``
    servers are stale only by our own conclusion, ``doomed`` servers serve until they are replaced.
    ``not_in_service_yet``: launched, but listed as pending. ``not_deleted_yet``: said to be deleted, but
    still known. ``not_in_group``: to be taken out by a request, but not in at the start. ``contradicted``: a
    listing contradicts the event, as a lagging one would.
    """

    terminated: tuple[ServerRef, ...]
    launched: tuple[ServerRef, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    gone: frozenset[str] = frozenset()
    inferred: frozenset[str] = frozenset()
    doomed: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    refused: tuple[Refusal, ...] = ()
    unmanaged: tuple[str, ...] = ()
    not_in_service_yet: tuple[str, ...] = ()
    not_deleted_yet: tuple[str, ...] = ()
    not_in_group: tuple[str, ...] = ()
    contradicted: bool = False
    literal: bool = False


def doubtful(intent: Intent, group: Group, servers: Mapping[str, Server], policy: Policy) -> tuple[str, ...]:
    """Return the servers to look up by id, because not being listed would take them out.

    This includes servers that a request takes out: if the listing misses one in service, nothing refuses
    that.
    """
    literal = intent.scope is Scope.LITERAL
    named = {n.server_id for n in intent.terminated if literal or n.cause in {Cause.FINISHED, Cause.HOOK}}
    return tuple(
        server_id
        for server_id, backends in group.servers.items()
        if server_id not in servers
        and (server_id in named or (not literal and (policy.exclusive or _is_ours(backends, policy))))
    )


def to_ask_ecs(intent: Intent, group: Group, servers: Mapping[str, Server]) -> tuple[str, ...]:
    """Return the ECS instances whose state matters to the run: named, in the group, or listed."""
    named = (ref.server_id for ref in (*intent.terminated, *intent.launched))
    known = dict.fromkeys((*named, *(key.server_id for key in group.backends), *servers))
    return tuple(server_id for server_id in known if server_id.startswith("i-"))


def desired(
    intent: Intent,
    observed: Observed,
    policy: Policy,
    start: Group,
    untried: Iterable[Key] = (),
) -> Desired:
    """Return the desired state, given what the scaling groups and ECS say now.

    ``start`` is the group at the run's first look: throughout the run it decides which servers are stale or
    new. ``untried`` are those of its backends that a run has put in and that no check had found normal.
    """
    if intent.scope is Scope.LITERAL:
        return _requested(intent, observed, start)
    return _Reconciling(intent, observed, policy, start, untried).desired()


def _requested(intent: Intent, observed: Observed, start: Group) -> Desired:
    still = {
        ref.server_id
        for ref in intent.terminated
        if observed.is_listed_in_service(ref.server_id) and "still_in_service" not in intent.force
    }
    present = start.servers
    unfit = {
        ref.server_id: why
        for ref in intent.launched
        if not _has_weight(ref, present) and (why := observed.why_not_launched(ref.server_id))
    }
    return Desired(
        terminated=intent.terminated,
        launched=intent.launched,
        pairs=intent.pairs,
        literal=True,
        kept=frozenset(still | unfit.keys()),
        gone=frozenset(
            ref.server_id
            for ref in intent.terminated
            if ref.cause is Cause.GONE or observed.is_released(ref.server_id)
        ),
        refused=(
            *(Refusal(server_id, "still_in_service", "still_in_service") for server_id in sorted(still)),
            *(Refusal(server_id, why) for server_id, why in unfit.items()),
        ),
        not_in_group=_not_in_group(intent, present),
    )


def _has_weight(ref: ServerRef, present: Mapping[str, tuple[Backend, ...]]) -> bool:
    """Tell whether the named backends of a server are in, and with a weight unless 0 is asked for."""
    here = [backend for backend in present.get(ref.server_id, ()) if ref.names(backend.key)]
    return any(backend.weight or ref.weight == 0 for backend in here)


def _not_in_group(intent: Intent, present: Mapping[str, tuple[Backend, ...]]) -> tuple[str, ...]:
    """Return the servers that a request takes out but of which the group has no such backend.

    A server in the middle of a chain of pairs is left out: it need never have been in.
    """
    inner = {new for _, new in intent.pairs}
    named = (ref for ref in intent.terminated if ref.server_id not in inner)
    return tuple(
        dict.fromkeys(
            ref.server_id
            for ref in named
            if not any(ref.names(backend.key) for backend in present.get(ref.server_id, ()))
        )
    )


def _is_ours(backends: Iterable[Backend], policy: Policy) -> bool:
    return any(map(policy.marks.owns, backends))


#: Fates of a server that an event names as terminated. If several mentions differ, the first counts.
_FATES = ("gone", "leaving", "doomed", "not_deleted_yet", "still_in_service", "source_incomplete", "stays")


class _Reconciling:
    """An event or the timer, completed from the scaling groups and ECS."""

    def __init__(
        self, intent: Intent, observed: Observed, policy: Policy, start: Group, untried: Iterable[Key]
    ) -> None:
        self._intent, self._observed, self._policy = intent, observed, policy
        self._present = start.servers
        self._untried = {key.server_id for key in untried}
        self._refused: dict[str, Refusal] = {}

    def desired(self) -> Desired:
        launched = self._launched()
        coming = {ref.server_id for ref in launched}
        fates = {ref.server_id: (ref, fate) for ref, fate in self._named() if ref.server_id not in coming}
        fates |= {
            server_id: (ServerRef(server_id), fate)
            for server_id, backends in self._present.items()
            if server_id not in coming
            and server_id not in fates
            and (fate := self._unnamed(server_id, backends))
        }

        def having(*wanted: str) -> tuple[str, ...]:
            return tuple(server_id for server_id, (_, fate) in fates.items() if fate in wanted)

        for reason in ("still_in_service", "source_incomplete"):
            self._refuse(reason, *having(reason))
        # Servers that serve until replaced come last: the others need their replacements sooner.
        leaving = having("gone", "leaving", "stale") + having("doomed")
        return Desired(
            terminated=tuple(fates[server_id][0] for server_id in leaving),
            launched=launched,
            gone=frozenset(having("gone")),
            inferred=frozenset(having("stale")),
            doomed=frozenset(having("doomed")),
            refused=tuple(self._refused.values()),
            unmanaged=having("unmanaged"),
            not_in_service_yet=tuple(ref.server_id for ref in self._intent.launched if self._is_pending(ref)),
            not_deleted_yet=having("not_deleted_yet"),
            contradicted=self._is_contradicted(coming) or bool(having("still_in_service")),
        )

    def _refuse(self, reason: str, *servers: str) -> None:
        for server_id in servers:
            self._refused.setdefault(server_id, Refusal(server_id, reason))

    def _is_contradicted(self, coming: set[str]) -> bool:
        source = self._observed.source
        late = [ref.server_id for ref in self._intent.launched]
        unfit = {one.subject for one in self._refused.values() if one.reason != "unknown_server"}
        late = [one for one in late if one not in coming and one not in unfit]
        return source is Source.SHORT or (source is not Source.ABSENT and bool(late))

    def _is_pending(self, ref: ServerRef) -> bool:
        server = self._observed.servers.get(ref.server_id)
        return ref.cause is not Cause.HOOK and server is not None and server.state == "pending"

    # What comes.

    def _launched(self) -> tuple[ServerRef, ...]:
        chosen: dict[str, ServerRef] = {}
        for ref in self._intent.launched:
            server = self._observed.servers.get(ref.server_id)
            if server is None:
                continue
            entering = ref.cause is Cause.HOOK and server.state == "pending"
            if entering or (server.state == "in_service" and server.healthy):
                chosen.setdefault(ref.server_id, ref)
        named = {ref.server_id for ref in self._intent.terminated}
        for server in self._observed.servers.values():
            if server.state != "in_service" or not server.healthy or server.id in named:
                continue
            if server.id not in self._present or server.id in self._untried or self._waits(server.id):
                chosen.setdefault(server.id, ServerRef(server.id))
        return tuple(ref for ref in chosen.values() if self._may_enter(ref.server_id))

    def _may_enter(self, server_id: str) -> bool:
        if any(backend.weight for backend in self._present.get(server_id, ())):
            return True
        why = self._observed.why_not_launched(server_id)
        if why:
            self._refuse(why, server_id)
        return not why

    def _waits(self, server_id: str) -> bool:
        """Tell whether a server in the group still waits for its weight, after a run that was cut off."""
        waiting = self._policy.marks.waiting
        return any(b.weight == 0 and b.description == waiting for b in self._present[server_id])

    # What goes.

    def _named(self) -> Iterable[tuple[ServerRef, str]]:
        """Return each server named as terminated once, with the mention that decides its fate."""
        found: dict[str, tuple[ServerRef, str]] = {}
        for ref in self._intent.terminated:
            fate = self._fate(ref)
            known = found.setdefault(ref.server_id, (ref, fate))
            if _FATES.index(fate) < _FATES.index(known[1]):
                found[ref.server_id] = (ref, fate)
        return found.values()

    def _fate(self, ref: ServerRef) -> str:
        """Return the fate of a server that the event names as terminated; see the table above."""
        server_id, observed = ref.server_id, self._observed
        if server_id not in self._present:
            # It is out already, and a new server in the group has taken its place.
            out = ref.cause is Cause.INTERRUPTED or not observed.is_listed_in_service(server_id)
            return "leaving" if out else "stays"
        if ref.cause is Cause.GONE or observed.is_released(server_id):
            return "gone"
        if ref.cause is Cause.DELETED:
            return self._deleted(server_id)
        if ref.cause is Cause.INTERRUPTED:
            return "doomed"
        server = observed.servers.get(server_id)
        if server is not None:
            return {"leaving": "leaving", "in_service": "still_in_service"}.get(server.state, "stays")
        if observed.source not in {Source.COMPLETE, Source.SOME_EMPTY}:
            return "source_incomplete"
        return "gone" if ref.cause is Cause.FINISHED and not observed.may_serve(server_id) else "leaving"

    def _deleted(self, server_id: str) -> str:
        """Return the fate of a server that an event calls deleted but that is not known to be gone."""
        observed = self._observed
        if observed.is_leaving(server_id):
            return "leaving"
        is_there = observed.instance(server_id) is not None or observed.shows_that_it_serves(server_id)
        return "not_deleted_yet" if is_there else "gone"

    def _unnamed(self, server_id: str, backends: Iterable[Backend]) -> str:
        """Return the fate of a server in the group that the event does not name; empty if it stays."""
        observed = self._observed
        server = observed.servers.get(server_id)
        instance = observed.instance(server_id)
        if server is not None and server.state == "leaving":
            return "leaving"
        if instance is not None and instance.reclaimed and (server or self._manages(backends)):
            return "doomed"
        if server is not None or observed.source is Source.ABSENT:
            return ""
        if not self._manages(backends):
            return "unmanaged"
        if observed.is_released(server_id):
            return "gone"
        return "stale" if observed.source is Source.COMPLETE else "source_incomplete"

    def _manages(self, backends: Iterable[Backend]) -> bool:
        return self._policy.exclusive or _is_ours(backends, self._policy)
