"""The desired state: an intent, with what the scaling groups and ECS say of its servers.

| named by the event as     | listed            | then it is                                              |
|---------------------------|-------------------|---------------------------------------------------------|
| launched                  | in service        | launched                                                |
| launched by a hook        | pending           | launched                                                |
| launched                  | pending           | not in service yet: the delivery is to come again       |
| launched                  | otherwise, or not | not launched: the event is late                         |
| terminated                | leaving           | terminated, still serving                               |
| terminated, finished      | no                | terminated, gone; still serving, if it runs and no      |
|                           |                   | check speaks against it (detached, say)                 |
| terminated by a hook      | no                | terminated, still serving                               |
| terminated                | in service        | looked at again, then left: ``still_in_service``        |
| interrupted               | in any way        | terminated, still serving, if something replaces it     |
| deleted (ECS)             | in service        | left: the delivery is to come again                     |
| deleted (ECS)             | otherwise, or not | terminated, gone, once ECS does not know it any more    |
| not at all                | in service        | launched, if the group has no backend of it, or one     |
|                           |                   | that still waits for its weight                         |
| not at all                | leaving           | terminated, still serving                               |
| not at all, in the group  | no                | stale on an exclusive target or if marked, else         |
|                           |                   | unmanaged                                               |

Whatever the event says: an instance that ECS is about to reclaim is terminated once something replaces it,
and never launched; nor is one that does not run. A server that ECS does not know any more is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Cause, Group, Intent, Refusal, Scope, Server, ServerRef

#: Why a server is left out that no request names: said, but nothing that anybody has to see to.
QUIET = frozenset({"waiting_for_replacement", "being_reclaimed", "not_running", "unknown_server"})


class Desired(Struct, frozen=True):
    """Which servers go and which come, and what is left alone with a reason.

    ``literal`` is True for a request, which means exactly what it says. ``kept`` are named but left as they
    are, with whatever was to take or lose the place. ``gone`` are servers that cannot be serving any more,
    ``inferred`` those that only we concluded to be stale, ``doomed`` those that serve until replaced.
    ``not_in_service_yet`` are named as launched and listed as pending, ``not_deleted_yet`` said to be deleted
    and still known, ``not_in_group`` named by a request as terminated and not there to begin with.
    ``contradicted`` says that a listing contradicts the event, as one that lags would.
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
    """Return the servers whose absence from the listing would take them out: to be asked for by their id.

    So are those that a request names: a listing that misses one would let it go though it is in service.
    """
    literal = intent.scope is Scope.LITERAL
    named = {n.server_id for n in intent.terminated if literal or n.cause in {Cause.FINISHED, Cause.HOOK}}
    return tuple(
        server_id
        for server_id, backends in group.servers().items()
        if server_id not in servers
        and (server_id in named or (not literal and (policy.exclusive or _is_ours(backends, policy))))
    )


def to_ask_ecs(intent: Intent, group: Group, servers: Mapping[str, Server]) -> tuple[str, ...]:
    """Return the ECS instances on whose state the run depends: named, in the group, or listed."""
    named = [ref.server_id for ref in (*intent.terminated, *intent.launched)]
    if intent.scope is Scope.RECONCILE:
        named += [*(key.server_id for key in group.backends), *servers]
    return tuple(server_id for server_id in dict.fromkeys(named) if server_id.startswith("i-"))


def desired(intent: Intent, observed: Observed, policy: Policy, start: Group) -> Desired:
    """Return the desired state, given what the scaling groups and ECS say now.

    ``start`` is the group as this run first saw it: who is stale or new is judged by it all along the run.
    """
    if intent.scope is Scope.LITERAL:
        return _requested(intent, observed, start)
    return _Reconciling(intent, observed, policy, start).desired()


def _requested(intent: Intent, observed: Observed, start: Group) -> Desired:
    still = {
        ref.server_id
        for ref in intent.terminated
        if observed.is_listed_in_service(ref.server_id) and "still_in_service" not in intent.force
    }
    present = start.servers()
    unfit = {
        ref.server_id: why
        for ref in intent.launched
        if not _has_weight(ref, present) and (why := why_not_launched(ref.server_id, observed))
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
    """Tell whether a server has a backend where it is to have one: with a weight, or it is to have none."""
    here = [backend for backend in present.get(ref.server_id, ()) if ref.names(backend.key)]
    return any(backend.weight or ref.weight == 0 for backend in here)


def _not_in_group(intent: Intent, present: Mapping[str, tuple[Backend, ...]]) -> tuple[str, ...]:
    """Return the servers that a request names as terminated and of which the group has no such backend.

    A server in the middle of a chain of pairs need never have been in.
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


def why_not_launched(server_id: str, observed: Observed) -> str:
    """Return why an instance may not be put in, by what ECS says of it; empty if it may."""
    instance = observed.instance(server_id)
    if instance is None:
        return "unknown_server" if observed.is_unknown_to_ecs(server_id) else ""
    if instance.reclaimed:
        return "being_reclaimed"
    return "not_running" if instance.status in {"stopping", "stopped"} else ""


def _is_ours(backends: Iterable[Backend], policy: Policy) -> bool:
    return any(map(policy.marks.owns, backends))


#: What may become of a server that an event names as terminated; of several that hold, the first counts.
_FATES = ("gone", "leaving", "doomed", "not_deleted_yet", "still_in_service", "source_incomplete", "left")


class _Reconciling:
    """An event or the timer, with what the scaling groups and ECS say."""

    def __init__(self, intent: Intent, observed: Observed, policy: Policy, start: Group) -> None:
        self._intent, self._observed, self._policy = intent, observed, policy
        self._present = start.servers()
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
        # Who serves until it is replaced comes last: what is out, or leaves by itself, needs the place first.
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
            if server.id not in self._present or self._waits(server.id):
                chosen.setdefault(server.id, ServerRef(server.id))
        return tuple(ref for ref in chosen.values() if self._may_enter(ref.server_id))

    def _may_enter(self, server_id: str) -> bool:
        if any(backend.weight for backend in self._present.get(server_id, ())):
            return True
        why = why_not_launched(server_id, self._observed)
        if why:
            self._refuse(why, server_id)
        return not why

    def _waits(self, server_id: str) -> bool:
        """Tell whether a server that is in was to get its weight from a run that was cut off."""
        waiting = self._policy.marks.waiting
        return any(b.weight == 0 and b.description == waiting for b in self._present[server_id])

    # What goes.

    def _named(self) -> Iterable[tuple[ServerRef, str]]:
        """Return each server that the event names as terminated once, by the naming that decides its fate."""
        found: dict[str, tuple[ServerRef, str]] = {}
        for ref in self._intent.terminated:
            fate = self._fate(ref)
            known = found.setdefault(ref.server_id, (ref, fate))
            if _FATES.index(fate) < _FATES.index(known[1]):
                found[ref.server_id] = (ref, fate)
        return found.values()

    def _fate(self, ref: ServerRef) -> str:
        """Return what becomes of a server that the event names as terminated; see the table above."""
        server_id, observed = ref.server_id, self._observed
        if server_id not in self._present:
            # It is out already: a new one that is in has taken its place.
            out = ref.cause is Cause.INTERRUPTED or not observed.is_listed_in_service(server_id)
            return "leaving" if out else "left"
        if ref.cause is Cause.GONE or observed.is_released(server_id):
            return "gone"
        if ref.cause is Cause.DELETED:
            return self._deleted(server_id)
        if ref.cause is Cause.INTERRUPTED:
            return "doomed"
        server = observed.servers.get(server_id)
        if server is not None:
            return {"leaving": "leaving", "in_service": "still_in_service"}.get(server.state, "left")
        if observed.source not in {Source.COMPLETE, Source.SOME_EMPTY}:
            return "source_incomplete"
        return "gone" if ref.cause is Cause.FINISHED and not observed.may_serve(server_id) else "leaving"

    def _deleted(self, server_id: str) -> str:
        """Return the fate of a server that an event calls deleted, and that is not known to be gone."""
        observed = self._observed
        if observed.is_leaving(server_id):
            return "leaving"
        asked = observed.instances is not None and server_id in observed.asked
        return "not_deleted_yet" if asked or observed.shows_that_it_serves(server_id) else "gone"

    def _unnamed(self, server_id: str, backends: Iterable[Backend]) -> str:
        """Return what becomes of a server of the group that the event does not name; empty if it stays."""
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
        # Where neither ECS nor the scaling groups know anybody, both may be wrong.
        if observed.is_released(server_id) and (observed.instances or observed.source is Source.COMPLETE):
            return "gone"
        return "stale" if observed.source is Source.COMPLETE else "source_incomplete"

    def _manages(self, backends: Iterable[Backend]) -> bool:
        return self._policy.exclusive or _is_ours(backends, self._policy)
