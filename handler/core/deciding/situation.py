"""A look, worked out: how far each change has got, what is in service, and how much may be spared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from msgspec import Struct

from handler.core.deciding.run_state import RunState
from handler.core.model.observed import Observed
from handler.core.model.policy import WAY_BACK_S, Policy
from handler.core.model.steps import Entry, unit_of, whole_units
from handler.core.model.values import Backend, Intent, Key, Pair, Strategy
from handler.core.planning import capacity
from handler.core.planning.changes import Change
from handler.core.planning.goal import Goal


class ChangeStatus(Struct, frozen=True, dict=True):
    """How far one change has got in the group as it is now.

    ``out_now`` is what of the old side is still there, ``missing`` what of the new side is not there yet,
    ``in_now`` what of it is; ``wrong_weight`` are those of it that have not the weight yet that they are to
    have, as they are and as they are to be.
    """

    change: Change
    out_now: tuple[Backend, ...]
    in_now: tuple[Backend, ...]
    missing: tuple[Backend, ...]
    wrong_weight: tuple[tuple[Backend, Backend], ...]
    proven: bool  #: the new side is there, and normal where it is to take requests
    abnormal: bool  #: the new side is there, and failed a check that gates
    serving: bool  #: the old side is of a unit in service
    removal_costs_capacity: bool  #: ... which would be so no longer without it
    late: bool  #: the new side has had its time to become normal
    given_up: bool  #: refused in the course of the run
    is_stuck: bool  #: the old side is there to stay: refused by the API, or put back after a drain

    @cached_property
    def to_swap(self) -> tuple[Pair, ...]:
        """Old backends that are there, with the new ones that are not and would take their place."""
        if not self.out_now or not self.missing:
            return ()
        here = {backend.key: backend for backend in self.out_now}
        absent = {backend.key for backend in self.missing}
        return tuple(
            Pair(here[pair.old.key], pair.new)
            for pair in self.change.pairs()
            if pair.old.key in here and pair.new.key in absent
        )

    @property
    def brings_weight(self) -> bool:
        """Whether the new side is to take requests."""
        return any(backend.weight > 0 for backend in self.change.into)

    @property
    def is_pending(self) -> bool:
        """Whether the new side is in the group and not proven yet."""
        return bool(self.in_now) and not self.proven and not self.given_up

    @property
    def is_replaced(self) -> bool:
        """Whether the new side is all there, at its weight, and proven (or there is none to wait for)."""
        return not self.missing and not self.wrong_weight and (self.proven or not self.change.into)


class Situation(Struct, frozen=True, dict=True):
    """Everything that a decision looks at, worked out once for each look."""

    observed: Observed
    intent: Intent
    policy: Policy
    state: RunState
    goal: Goal
    changes: tuple[ChangeStatus, ...]
    in_service: frozenset[str]  #: units
    focus: tuple[str, ...]  #: units suspected of being bad, to which the next step is confined

    @property
    def strategy(self) -> Strategy:
        """The strategy asked for, else the target's."""
        return self.intent.strategy or self.policy.strategy

    @property
    def room(self) -> int:
        """How many units in service may be spared now; below 0 when the floor is not reached."""
        return len(self.in_service) - self.goal.capacity.floor

    @property
    def room_for_removals(self) -> int:
        """The same for what is taken out without a replacement, which ``force`` may allow."""
        return len(self.in_service) - self.goal.capacity.floor_for_removals

    @cached_property
    def pending(self) -> tuple[ChangeStatus, ...]:
        """Changes whose new side is in the group and not proven yet."""
        return tuple(status for status in self.changes if status.is_pending)

    @cached_property
    def failed_together(self) -> frozenset[tuple[str, str]]:
        """The replacements of a server at several addresses of which a part has failed."""
        return frozenset(s.change.together for s in self.changes if s.given_up and s.change.together)

    @property
    def has_rolled_back(self) -> bool:
        """Whether a wave was taken back."""
        return any(refusal.reason == "not_healthy" for refusal in self.state.refused.values())

    @property
    def has_stopped(self) -> bool:
        """Whether new ones did not become normal in time: no further wave is tried then."""
        return self.has_rolled_back or any(status.late for status in self.pending)

    @property
    def drains(self) -> bool:
        """Whether we have to drain: asked for, done by no listener, and not in vain.

        Weight 0 says nothing to a listener that schedules by ``rr`` (CLB, scheduling algorithms).
        """
        listeners = self.observed.listeners
        return self.policy.drain_s > 0 and not listeners.drains and not listeners.ignores_weight

    @property
    def has_time(self) -> bool:
        """Whether there is time for health, drain and the way back: else no replacement is begun."""
        checks = self.policy.health_timeout_s if self.observed.listeners.checked else 0.0
        drain = self.policy.drain_s if self.drains else 0.0
        return self.observed.deadline - self.observed.now >= checks + drain + WAY_BACK_S

    @property
    def has_time_to_drain(self) -> bool:
        """Whether a drain that begins now can end, and be taken back."""
        return self.observed.deadline - self.observed.now >= self.policy.drain_s + WAY_BACK_S

    def batch(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Return as many entries as one call may carry; a unit's stay together where they can.

        While a bad backend is being looked for, only entries of the suspects are taken.
        """
        wanted = (entry for entry in entries if not self.focus or unit_of(entry) in self.focus)
        return next(whole_units(wanted, self.policy.max_per_call), ())

    def batch_with_room(self, entries: Iterable[Backend]) -> tuple[Backend, ...]:
        """Return as many entries as one call carries and the load balancer has room for, as whole units."""
        wanted = [entry for entry in entries if not self.focus or unit_of(entry) in self.focus]
        if not wanted:
            return ()
        most = self.policy.max_per_call
        of_first = sum(unit_of(entry) == unit_of(wanted[0]) for entry in wanted)
        room = self.state.room_for(min(len(wanted), most), min(of_first, most))
        return next(whole_units(wanted, room)) if room else ()


def assess(observed: Observed, intent: Intent, policy: Policy, state: RunState) -> Situation:
    """Work out what a decision needs to know of a look. Linear in the number of backends."""
    goal = state.goal(intent, observed, policy)
    in_service = capacity.in_service(observed, goal.changes, goal.gates, state.start)
    units = observed.group.units()
    statuses = (_status(c, observed, state, policy, goal, in_service, units) for c in goal.changes)
    return Situation(
        observed=observed,
        intent=intent,
        policy=policy,
        state=state,
        goal=goal,
        changes=tuple(statuses),
        in_service=in_service,
        focus=state.isolation.focus(observed.now),
    )


def _status(
    change: Change,
    observed: Observed,
    state: RunState,
    policy: Policy,
    goal: Goal,
    in_service: frozenset[str],
    units: Mapping[str, tuple[Backend, ...]],
) -> ChangeStatus:
    here: Mapping[Key, Backend] = observed.group.backends
    out_now = tuple(here[b.key] for b in change.out if b.key in here)
    in_now = tuple(here[b.key] for b in change.into if b.key in here)
    serve = [b.key for b in change.into if b.weight and b.key in here]
    serving = change.old in in_service
    waited = observed.now - state.health_since(change.new or "")
    return ChangeStatus(
        change=change,
        out_now=out_now,
        in_now=in_now,
        missing=tuple(b for b in change.into if b.key not in here),
        wrong_weight=tuple((here[b.key], b) for b in change.into if here.get(b.key, b).weight != b.weight),
        proven=bool(in_now) and all(observed.is_normal(key, goal.gates) for key in serve),
        abnormal=any(observed.is_abnormal(key, goal.gates) for key in serve),
        serving=serving,
        removal_costs_capacity=serving
        and capacity.leaves_service(observed, units.get(change.old or "", ()), out_now),
        late=waited >= policy.health_timeout_s,
        given_up=change.new in state.refused or (change.old in state.refused and not in_now),
        is_stuck=any(change.old in state.refused or b.key in state.lifted for b in out_now),
    )
