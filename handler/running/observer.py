"""Observing: reads what a run needs of the cloud, and keeps what still holds of the last look."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from handler.core.deciding.run_state import RunState, begin
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.observed import Listing, Observed, believed
from handler.core.model.policy import Target
from handler.core.model.values import (
    Group,
    Instance,
    Intent,
    Scope,
    Server,
)
from handler.core.planning.desired import doubtful, to_ask_ecs
from handler.running.beside import Handed, in_turn
from handler.running.ports import Means

_T = TypeVar("_T")

#: Seconds for which the answers of Auto Scaling and ECS hold, unless a run waits for them to change.
ANSWERS_S = 15.0
#: Seconds for which another target of the delivery may use them.
SHARED_S = 5.0
#: Waits that only the scaling groups and ECS can end.
FROM_LISTING = frozenset({"listing_lags", "floor"})


class Observer:
    """Looks at one target for one run. What other runs of the delivery have just read is not read again.

    Auto Scaling and ECS are asked while the load balancer is. Each service gets one call at a time, so one
    connection to it is enough.
    """

    def __init__(self, target: Target, intent: Intent, means: Means) -> None:
        self._target, self._intent = target, intent
        self._ess, self._ecs, self._clock = means.ess, means.ecs, means.clock
        self._deadline, self._beside, self._reader = means.deadline, means.beside, means.reader()
        self.slb = means.slb(self._reader)
        self._is_literal = intent.scope is Scope.LITERAL
        self._listings: tuple[Listing, ...] = ()
        self._missing: tuple[str, ...] = ()
        self._servers: dict[str, Server] = {}
        self._listed_at: float | None = None
        self._asked: frozenset[str] = frozenset()
        self._matter: dict[str, None] = {}  #: instances that have mattered, also if they have left the group
        self._instances: Mapping[str, Instance] | None = {}
        self._unread: Answer | None = None
        self._is_first = True  #: no look has succeeded yet
        self._ecs_answers = False  #: ECS has answered once, so we may ask it
        self._log, self._told = means.log, ("", "")  #: the action and code of the failure that was told last

    def first(self) -> tuple[Observed, RunState]:
        """Look for the first time; a failed look has a ``problem``."""
        nothing = Group(self._target.vserver_group_id, "", {})
        observed = Observed(group=nothing, now=self._clock.now(), deadline=self._deadline, fresh=False)
        return self.again(observed, begin(observed))

    def again(self, observed: Observed, state: RunState, waited_for: str = "") -> tuple[Observed, RunState]:
        """Look again: at the group, its health, and the scaling groups and ECS if they may have changed.

        If those fail after the first look, what they said before is kept, and they are asked again later.
        Returns the look, and the run's memory, which knows whether a reading lags.
        """
        if waited_for in FROM_LISTING:
            self._listed_at = None
        self._is_first = not state.first.group.load_balancer_id
        asks = self._clock.now() >= state.others.at
        try:
            handed: Handed[Group] = Handed()
            with (
                (self._beside if asks and not self._listing_holds() else in_turn)(
                    lambda: self._try_others(handed) if asks else None
                ),
                handed,
            ):
                group = self.slb.group(self._target.vserver_group_id)
                if self._is_first:
                    state = replace(state, written=replace(state.written, expected=group))
                state, fresh = state.after_read(group, self._clock.now(), self._clock.jitter())
                group = state.written.expected
                handed.give(group)
                listeners = self.slb.listeners(group)
                health = self.slb.health(group) if listeners.checking else {}
            seen = Observed(
                group=group,
                now=self._clock.now(),
                deadline=self._deadline,
                servers=self._servers,
                source=believed(self._listings, len(self._missing)),
                attached=any(group.id in listing.attached for listing in self._listings),
                missing=self._missing,
                asked=self._asked,
                instances=self._instances,
                health=health,
                listeners=listeners,
                fresh=fresh,
            )
        except CallFailed as failed:
            self._tell(failed.answer)
            now = self._clock.now()
            state = state.after_failed_look(failed.answer, now, self._clock.jitter())
            return replace(observed, problem=failed.answer, now=now, fresh=False), state
        self._tell(self._unread)
        if self._is_first:
            return seen, begin(seen)
        if asks:
            state = state.after_others(self._unread, self._clock.now(), self._clock.jitter())
        return self._with_last_answers(seen, observed), state

    def _tell(self, failed: Answer | None) -> None:
        """Log how a look failed, once until it fails in another way."""
        told = (failed.action, failed.code) if failed is not None else ("", "")
        if failed is not None and told != self._told:
            self._log("swap.read_failed", level="warning", target=self._target.name, answer=failed)
        self._told = told

    def _with_last_answers(self, seen: Observed, before: Observed) -> Observed:
        """Return the look with what Auto Scaling and ECS said before, all of it, if they did not answer."""
        if self._unread is None:
            return seen
        return replace(
            seen,
            servers=before.servers,
            source=before.source,
            attached=before.attached,
            missing=before.missing,
            asked=before.asked,
            instances=before.instances,
            others_unread=self._unread,
        )

    def _try_others(self, handed: Handed[Group]) -> None:
        """Ask Auto Scaling and ECS; keep their failure for the look, unless there is none before it."""
        self._unread = None
        try:
            self._ask_others(handed)
        except CallFailed as failed:
            if self._is_first:
                raise
            self._unread = failed.answer

    def _ask_others(self, handed: Handed[Group]) -> None:
        """Ask Auto Scaling and ECS; what depends on the group only once that has been read."""
        now = self._clock.now()
        read = None
        if not self._listing_holds():
            self._listed_at = None  # until all of it is read: half a listing would take servers out
            self._asked = frozenset()
            read = self._list()
        group = handed.take()
        if group is None:
            return
        if read is not None:
            listings, missing = read
            servers = {server.id: server for listing in listings.values() for server in listing.servers}
            # A listing may miss a server: one that would be taken out for that is first asked for by id.
            asked = () if self._is_literal else doubtful(self._intent, group, servers, self._target.policy)
            with (self._beside if asked else in_turn)(lambda: self._ask_ecs(group, servers)):
                self._complete(servers, listings, asked)
                self._listings, self._missing = tuple(listings.values()), missing
                self._listed_at = now
        self._ask_ecs(group, self._servers)

    def _listing_holds(self) -> bool:
        return self._listed_at is not None and self._clock.now() - self._listed_at < ANSWERS_S

    def _list(self) -> tuple[dict[str, Listing], tuple[str, ...]]:
        """Return what the scaling groups list, and which of them do not exist."""
        listings: dict[str, Listing] = {}
        missing: list[str] = []
        for scaling_group_id in self._target.scaling_group_ids:
            try:
                listings[scaling_group_id] = self._listing(scaling_group_id)
            except CallFailed as failed:
                if failed.answer.result is not Result.GONE:
                    raise
                missing.append(scaling_group_id)
        return listings, tuple(missing)

    def _complete(
        self, servers: Mapping[str, Server], listings: Iterable[str], asked: tuple[str, ...]
    ) -> None:
        """Keep the servers that the scaling groups list, and those that they know when asked by id."""
        asking = listings if asked else ()
        found = (server for known in asking for server in self._ask(self._ess.listed, known, asked))
        listed = {**servers, **{server.id: server for server in found}}
        if listed != self._servers:  # an equal one would only make the goal be worked out again
            self._servers = listed

    def _listing(self, scaling_group_id: str) -> Listing:
        """Read a scaling group; for a request only the servers to take out, as nothing else depends on it."""
        if not self._is_literal:
            return self._ask(self._ess.listing, scaling_group_id)
        named = dict.fromkeys(ref.server_id for ref in self._intent.terminated)
        return self._ask(self._ess.named, scaling_group_id, tuple(named))

    def _ask(self, ask: Callable[..., _T], *what: Hashable) -> _T:
        """Ask Auto Scaling; raises CallFailed."""
        return self._reader.read("", (ask.__name__, *what), SHARED_S, lambda: ask(*what))

    def _ask_ecs(self, group: Group, servers: Mapping[str, Server]) -> None:
        """Ask ECS for instances that matter and were not asked for; go on without if it was never allowed."""
        if self._instances is None:
            return
        self._matter |= dict.fromkeys(to_ask_ecs(self._intent, group, servers))
        new = tuple(server_id for server_id in self._matter if server_id not in self._asked)
        if not new:
            return
        try:
            found = self._reader.read_each("ecs", new, SHARED_S, lambda ids: dict(self._ecs.instances(ids)))
        except CallFailed as failed:
            if failed.answer.may_pass or self._ecs_answers:
                raise
            self._instances = None
            return
        self._ecs_answers = True
        known = {**self._instances, **found} if self._asked else dict(found)
        self._asked = self._asked.union(new)
        if known != self._instances:  # what is equal would only make the goal be worked out again
            self._instances = known
