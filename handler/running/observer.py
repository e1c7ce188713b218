"""Looking: what is read of the cloud to make a view, and what of the last view still holds."""

from __future__ import annotations

from dataclasses import replace

from handler.core.deciding.run_state import RunState, begin
from handler.core.model.answers import CallFailed
from handler.core.model.observed import Listing, Observed, believed
from handler.core.model.values import Group, Intent, Server, Target
from handler.core.planning import desired
from handler.running.ports import Clock, Ess, Slb

#: Seconds for which a listing of the scaling groups holds while nothing waits for it to change.
LISTING_S = 15.0
#: What is waited for that only the scaling groups can tell.
FROM_LISTING = frozenset({"listing_lags", "floor"})


class Observer:
    """Looks at one target for one run. ``deadline`` is in seconds of the clock."""

    def __init__(
        self, target: Target, intent: Intent, slb: Slb, ess: Ess, clock: Clock, deadline: float
    ) -> None:
        self._target, self._intent = target, intent
        self._slb, self._ess, self._clock = slb, ess, clock
        self._deadline = deadline
        self._listings: tuple[Listing, ...] = ()
        self._found: dict[str, Server] = {}
        self._listed_at: float | None = None

    def first(self) -> tuple[Observed, RunState]:
        """Look for the first time; a look that fails is a view with its problem."""
        nothing = Group(self._target.vserver_group_id, "", {})
        view = Observed(group=nothing, now=self._clock.now(), deadline=self._deadline, fresh=False)
        return self.again(view, begin(view))

    def again(self, view: Observed, progress: RunState, waited_for: str = "") -> tuple[Observed, RunState]:
        """Look afresh: the group, its health, and the scaling groups where they may have changed.

        Returns the view and the memory of the run, which says how far a reading that lags is believed.
        """
        if waited_for in FROM_LISTING:
            self._listed_at = None
        never_seen = not progress.first.group.load_balancer_id
        try:
            group = self._slb.group(self._target.vserver_group_id)
            if never_seen:
                progress = replace(progress, expected=group)
            progress, fresh = progress.looked(group, self._clock.now(), self._clock.jitter())
            seen = self._seen(progress.expected, fresh)
        except CallFailed as failed:
            now = self._clock.now()
            if failed.answer.may_pass:
                progress = progress.failed(failed.answer.result, now, self._clock.jitter())
            return replace(view, problem=failed.answer, now=now, fresh=False), progress
        return seen, begin(seen) if never_seen else progress

    def _seen(self, group: Group, fresh: bool) -> Observed:
        listeners = self._slb.listeners(group)
        servers = self._servers(group)
        health = self._slb.health(group) if listeners.checked else {}
        return Observed(
            group=group,
            now=self._clock.now(),
            deadline=self._deadline,
            servers=servers,
            source=believed(self._listings),
            attached=any(group.id in listing.attached for listing in self._listings),
            health=health,
            listeners=listeners,
            fresh=fresh,
        )

    def _servers(self, group: Group) -> dict[str, Server]:
        ids = self._target.scaling_group_ids
        now = self._clock.now()
        if self._listed_at is None or now - self._listed_at >= LISTING_S:
            self._listed_at = None  # until all of it is read: half a listing would take servers out
            self._listings = tuple(self._ess.listing(scaling_group_id) for scaling_group_id in ids)
            servers = {server.id: server for listing in self._listings for server in listing.servers}
            # A listing can miss one; so who would be taken out for it is asked for once more, by name.
            asked = desired.doubtful(self._intent, group, servers, self._target.policy)
            found = (s for i in ids for s in self._ess.listed(i, asked)) if asked else ()
            self._found = {**servers, **{server.id: server for server in found}}
            self._listed_at = now
        return self._found
