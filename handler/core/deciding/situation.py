"""A look, worked out: what is in service, can be spared or has to drain, and how much one call carries."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from handler.core.deciding.run_state import RunState
from handler.core.deciding.status import ChangeStatus, Look, statuses
from handler.core.model.observed import Observed
from handler.core.model.policy import WAY_BACK_S, Policy
from handler.core.model.steps import Do, Entry, SetWeight, Why, unit_of, whole_units
from handler.core.model.values import Backend, Intent, Pair, Strategy
from handler.core.planning.goal import Goal


class Situation(Struct, frozen=True, dict=True):
    """Everything that a decision looks at."""

    look: Look
    intent: Intent
    state: RunState
    changes: tuple[ChangeStatus, ...]
    focus: tuple[str, ...]  #: units that may be bad, to which the next step is confined

    @property
    def observed(self) -> Observed:
        """The look itself."""
        return self.look.observed

    @property
    def policy(self) -> Policy:
        """How the target may be changed."""
        return self.look.policy

    @property
    def goal(self) -> Goal:
        """The goal of the run."""
        return self.look.goal

    @property
    def strategy(self) -> Strategy:
        """The strategy asked for, else the target's."""
        return self.intent.strategy or self.policy.strategy

    @property
    def room(self) -> int:
        """How many units in service can be spared now; below 0 if fewer than the floor are in service."""
        return len(self.look.in_service) - self.goal.capacity.floor

    @property
    def room_for_removals(self) -> int:
        """How many can be spared without a replacement: more than ``room`` if ``force`` lifts a limit."""
        return len(self.look.in_service) - self.goal.capacity.floor_for_removals

    @cached_property
    def pending(self) -> tuple[ChangeStatus, ...]:
        """Changes whose new side is in the group and not proven yet."""
        return tuple(status for status in self.changes if status.is_pending)

    @cached_property
    def failed_together(self) -> frozenset[tuple[str, str]]:
        """Pairs of servers at several addresses of which a part has failed."""
        return frozenset(s.change.together for s in self.changes if s.given_up and s.change.together)

    @property
    def has_rolled_back(self) -> bool:
        """Whether a wave was rolled back."""
        return any(refusal.reason == "not_healthy" for refusal in self.state.refused.values())

    @property
    def has_stopped(self) -> bool:
        """Whether new servers did not become normal in time: then no further wave starts."""
        return self.has_rolled_back or any(status.late for status in self.pending)

    @property
    def drains(self) -> bool:
        """Whether we have to drain: it is asked for, the listeners do not do it, and it has an effect.

        A listener that schedules by ``rr`` ignores weight 0 (CLB, scheduling algorithms).
        """
        listeners = self.observed.listeners
        return self.policy.drain_s > 0 and not listeners.drains and not listeners.ignores_weight

    @property
    def has_time(self) -> bool:
        """Whether there is time for health, drain and a rollback; if not, no replacement begins."""
        checks = self.policy.health_timeout_s if self.observed.listeners.checking else 0.0
        drain = self.policy.drain_s if self.drains else 0.0
        return self.observed.deadline - self.observed.now >= checks + drain + WAY_BACK_S

    @property
    def has_time_to_drain(self) -> bool:
        """Whether there is time to drain, and to take that back."""
        return self.observed.deadline - self.observed.now >= self.policy.drain_s + WAY_BACK_S

    @property
    def draining(self) -> list[ChangeStatus]:
        """The changes that are draining: nothing is left to lower, but time is left to wait."""
        return [
            status
            for status in self.changes
            if not status.given_up and not self.is_drained(status) and not self.to_lower(status)
        ]

    def is_drained(self, status: ChangeStatus) -> bool:
        """Tell whether the old side can be taken out without cutting off what it serves."""
        return self.drain_left(status) == 0

    def drain_left(self, status: ChangeStatus) -> float:
        """Return how many seconds the old side still has to drain; all of ``drain_s`` if it has not begun.

        A backend that has a weight but gets no requests is abnormal: it has nothing to drain.
        """
        if status.change.gone or not status.out_now or not self.drains:
            return 0.0
        if self.to_lower(status):
            return self.policy.drain_s
        begun = [self.state.drained_since(b.key) for b in status.out_now if b.weight == 0]
        return max(0.0, max(begun, default=float("-inf")) + self.policy.drain_s - self.observed.now)

    def to_lower(self, status: ChangeStatus) -> tuple[Backend, ...]:
        """Return the old backends that have yet to be set to weight 0: those that get requests."""
        if status.change.gone or not self.drains:
            return ()
        return tuple(filter(self.observed.gets_requests, status.out_now))

    def drain(self, statuses: Iterable[ChangeStatus]) -> Do | None:
        """Set old backends that have to drain to weight 0, if there is time to finish."""
        if not self.has_time_to_drain:
            return None
        lowered = (backend for status in statuses for backend in self.to_lower(status))
        return self.set_weights(map(self.policy.marks.drained, lowered), "drain")

    def batch(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Return as many entries as one call may carry; those of a unit stay together if they can.

        While we look for a bad backend, only entries of the suspects are taken.
        """
        if self.focus:
            entries = filter(self._is_in_focus, entries)
        return next(whole_units(entries, self.policy.max_per_call), ())

    def _is_in_focus(self, entry: Entry) -> bool:
        """Tell whether a suspect is the unit of an entry, or the old one of a pair, which was to go first."""
        old = entry.old.key.unit if isinstance(entry, Pair) else ""
        return unit_of(entry) in self.focus or old in self.focus

    def set_weights(self, after: Iterable[Backend], why: Why) -> Do | None:
        """Return the step that rewrites backends of the group, as many as one call may carry.

        Those of which that was refused for good are left out.
        """
        refused = self.state.not_weighed
        chosen = self.batch(backend for backend in after if backend.key not in refused)
        here = self.observed.group.backends
        return Do(SetWeight(tuple(here[b.key] for b in chosen), chosen), why) if chosen else None

    def about(self, entries: Iterable[Entry]) -> Situation:
        """Return the situation without its suspects, unless some of these entries are about them."""
        return self if any(map(self._is_in_focus, entries)) else replace(self, focus=())

    def batch_with_room(self, entries: Iterable[Backend]) -> tuple[Backend, ...]:
        """Return as many entries as one call carries and the load balancer has room for, in whole units."""
        wanted = [entry for entry in entries if not self.focus or self._is_in_focus(entry)]
        if not wanted:
            return ()
        most = self.policy.max_per_call
        of_first = sum(unit_of(entry) == unit_of(wanted[0]) for entry in wanted)
        room = self.state.room_for(min(len(wanted), most), min(of_first, most))
        return next(whole_units(wanted, room)) if room else ()


def assess(observed: Observed, intent: Intent, policy: Policy, state: RunState) -> Situation:
    """Work out what a decision needs to know of a look. Linear in the number of backends."""
    look = Look(observed, policy, state, state.goal(intent, observed, policy))
    return Situation(
        look=look,
        intent=intent,
        state=state,
        changes=statuses(look),
        focus=state.isolation.focus(observed.now),
    )
