"""Observing: what is read of the cloud to know a target, and what of the last look still holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handler.core.deciding.run_state import RunState, begin
from handler.core.model.answers import CallFailed, Result
from handler.core.model.observed import Listing, Observed, believed
from handler.core.model.policy import Target
from handler.core.model.values import Group, Instance, Intent, Server
from handler.core.planning.desired import doubtful, to_ask_ecs
from handler.running.ports import Clock, Ecs, Ess, Slb

#: Seconds for which a listing of the scaling groups holds while nothing waits for it to change.
LISTING_S = 15.0
#: What is waited for that only the scaling groups and ECS can tell.
FROM_LISTING = frozenset({"listing_lags", "floor"})


class Observer:
    """Looks at one target for one run. ``deadline`` is in seconds of the clock."""

    def __init__(
        self, target: Target, intent: Intent, slb: Slb, ess: Ess, ecs: Ecs, clock: Clock, deadline: float
    ) -> None:
        self._target, self._intent = target, intent
        self._slb, self._ess, self._ecs, self._clock = slb, ess, ecs, clock
        self._deadline = deadline
        self._listings: tuple[Listing, ...] = ()
        self._missing: tuple[str, ...] = ()
        self._servers: dict[str, Server] = {}
        self._listed_at: float | None = None
        self._asked: frozenset[str] = frozenset()
        self._instances: Mapping[str, Instance] | None = {}

    def first(self) -> tuple[Observed, RunState]:
        """Look for the first time; a look that fails is a view with its problem."""
        nothing = Group(self._target.vserver_group_id, "", {})
        observed = Observed(group=nothing, now=self._clock.now(), deadline=self._deadline, fresh=False)
        return self.again(observed, begin(observed))

    def again(self, observed: Observed, state: RunState, waited_for: str = "") -> tuple[Observed, RunState]:
        """Look afresh: the group, its health, and the scaling groups and ECS where they may have changed.

        Returns the view and the memory of the run, which says how far a reading that lags is believed.
        """
        if waited_for in FROM_LISTING:
            self._listed_at = None
            self._asked = frozenset()
        never_seen = not state.first.group.load_balancer_id
        try:
            group = self._slb.group(self._target.vserver_group_id)
            if never_seen:
                state = replace(state, written=replace(state.written, expected=group))
            state, fresh = state.after_read(group, self._clock.now(), self._clock.jitter())
            seen = self._observed(state.written.expected, fresh)
        except CallFailed as failed:
            now = self._clock.now()
            if failed.answer.may_pass:
                state = state.failed(failed.answer.result, now, self._clock.jitter())
            return replace(observed, problem=failed.answer, now=now, fresh=False), state
        return seen, begin(seen) if never_seen else state

    def _observed(self, group: Group, fresh: bool) -> Observed:
        listeners = self._slb.listeners(group)
        self._list(group)
        self._ask_ecs(group)
        health = self._slb.health(group) if listeners.checked else {}
        return Observed(
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

    def _list(self, group: Group) -> None:
        """List the scaling groups, unless a listing still holds."""
        now = self._clock.now()
        if self._listed_at is not None and now - self._listed_at < LISTING_S:
            return
        self._listed_at = None  # until all of it is read: half a listing would take servers out
        listings: dict[str, Listing] = {}
        missing: list[str] = []
        for scaling_group_id in self._target.scaling_group_ids:
            try:
                listings[scaling_group_id] = self._ess.listing(scaling_group_id)
            except CallFailed as failed:
                if failed.answer.result is not Result.GONE:
                    raise
                missing.append(scaling_group_id)
        servers = {server.id: server for listing in listings.values() for server in listing.servers}
        # A listing can miss one; so who would be taken out for it is asked for once more, by name.
        asked = doubtful(self._intent, group, servers, self._target.policy)
        if asked:
            found = (server for known in listings for server in self._ess.listed(known, asked))
            servers |= {server.id: server for server in found}
        if self._differs(servers):
            self._servers = servers
        self._listings, self._missing = tuple(listings.values()), tuple(missing)
        self._listed_at = now

    def _differs(self, servers: dict[str, Server]) -> bool:
        """Tell whether a listing says something else: what is worked out of the same one is kept."""
        return servers != self._servers

    def _ask_ecs(self, group: Group) -> None:
        """Ask ECS for what the run depends on and has not asked for yet; go on without where it may not."""
        wanted = to_ask_ecs(self._intent, group, self._servers)
        new = tuple(server_id for server_id in wanted if server_id not in self._asked)
        if not new or self._instances is None:
            return
        try:
            found = self._ecs.instances(new)
        except CallFailed as failed:
            if failed.answer.may_pass:
                raise
            self._instances = None
            return
        self._instances = {**self._instances, **found} if self._asked else dict(found)
        self._asked = self._asked.union(new)
