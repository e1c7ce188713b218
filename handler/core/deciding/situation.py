"""A look, worked out: how far each change has got, who is in service, and how many may be spared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from handler.core.deciding.run_state import RunState
from handler.core.model.observed import Observed
from handler.core.model.values import Backend, Intent, Pair, Policy, Refusal, Strategy
from handler.core.planning import capacity, changes, desired, guards
from handler.core.planning.changes import Change

Entry = TypeVar("Entry", Backend, Pair)


@dataclass(frozen=True)
class ChangeStatus:
    """How far one change has got in the group as it is now.

    ``out_now`` is what of the old side is still there, ``missing`` what of the new side is not there yet,
    ``in_now`` what of it is; ``idle`` are those of it whose weight is not yet what it is to be, as they are
    and as they are to be.
    """

    change: Change
    out_now: tuple[Backend, ...]
    in_now: tuple[Backend, ...]
    missing: tuple[Backend, ...]
    idle: tuple[tuple[Backend, Backend], ...]
    proven: bool
    serving: bool  #: the old side is of a server in service
    costs: bool  #: ... which would be so no longer without it
    given_up: bool  #: refused in the course of the run

    @cached_property
    def in_place(self) -> tuple[Pair, ...]:
        """Old backends that are there, with the new ones that are not and would take their place."""
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
        return not self.missing and not self.idle and (self.proven or not self.change.into)


@dataclass(frozen=True)
class Situation:
    """Everything that a decision looks at, worked out once for each look."""

    view: Observed
    intent: Intent
    policy: Policy
    progress: RunState
    states: tuple[ChangeStatus, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    strays: tuple[str, ...]
    early: tuple[str, ...]
    unsettled: bool
    counted: frozenset[str]  #: servers in service now
    focus: tuple[str, ...]  #: suspects of being a bad backend, to which the next step is confined
    floor: int
    floor_for_removals: int

    @property
    def strategy(self) -> Strategy:
        """The strategy asked for, else the target's."""
        return self.intent.strategy or self.policy.strategy

    @property
    def room(self) -> int:
        """How many servers in service may be spared now; below 0 when the floor is not reached."""
        return len(self.counted) - self.floor

    @cached_property
    def pending(self) -> tuple[ChangeStatus, ...]:
        """Changes whose new side is in the group and not proven yet."""
        return tuple(state for state in self.states if state.is_pending)

    @property
    def is_late(self) -> bool:
        """Whether the last new ones have had their time to become normal."""
        return self.view.now - self.progress.wave_since >= self.policy.health_timeout_s

    @property
    def has_rolled_back(self) -> bool:
        """Whether a wave was taken back."""
        return any(refusal.reason == "not_healthy" for refusal in self.progress.refused.values())

    @property
    def has_stopped(self) -> bool:
        """Whether new ones did not become normal in time: no further wave is tried then."""
        return self.has_rolled_back or (bool(self.pending) and self.is_late)

    def batch(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Return as many entries as one call may carry; a server's stay together where they can.

        While a bad backend is being looked for, only entries of the suspects are taken.
        """
        by_server: dict[str, list[Entry]] = {}
        for entry in entries:
            server_id = (entry.new if isinstance(entry, Pair) else entry).key.server_id
            if not self.focus or server_id in self.focus:
                by_server.setdefault(server_id, []).append(entry)
        limit = self.policy.max_per_call
        chosen: list[Entry] = []
        for of_one in by_server.values():
            if chosen and len(chosen) + len(of_one) > limit:
                break
            chosen += of_one
        return tuple(chosen[:limit])


def assess(view: Observed, intent: Intent, policy: Policy, progress: RunState) -> Situation:
    """Work out what a decision needs to know of a look. Linear in the number of backends."""
    start = progress.start
    wish = desired.desired(intent, view, policy, start)
    plan = changes.changes(wish, start, policy, capacity.unproven(progress.first))
    baseline = capacity.baseline(progress.first, plan.changes)
    guarded = guards.guard(plan.changes, wish, intent, policy, progress.first, baseline)
    counted = capacity.in_service(view, guarded.changes)
    servers = view.group.servers()
    return Situation(
        view=view,
        intent=intent,
        policy=policy,
        progress=progress,
        states=tuple(_state(change, view, progress, counted, servers) for change in guarded.changes),
        refused=(*wish.refused, *plan.refused, *guarded.refused, *progress.refused.values()),
        notes=(*plan.notes, *_notes(view, policy, guarded.changes)),
        strays=wish.strays,
        early=wish.early,
        unsettled=wish.unsettled,
        counted=counted,
        focus=progress.focus(view.now),
        floor=capacity.floor(policy, baseline),
        floor_for_removals=capacity.floor(policy, baseline, intent.force),
    )


def _notes(view: Observed, policy: Policy, changes: tuple[Change, ...]) -> Iterator[str]:
    """Yield what has to be said of how the listeners let the changes be done."""
    if not view.listeners.checked and any(change.into for change in changes):
        yield "health_unchecked"
    if policy.drain_s and any(change.out and not change.gone for change in changes):
        if view.listeners.drains:
            yield "drained_by_listener"
        elif view.listeners.ignores_weight:
            yield "drain_ineffective"


def _state(
    change: Change,
    view: Observed,
    progress: RunState,
    counted: frozenset[str],
    servers: Mapping[str, tuple[Backend, ...]],
) -> ChangeStatus:
    here = view.group.backends
    out_now = tuple(here[b.key] for b in change.out if b.key in here)
    in_now = tuple(here[b.key] for b in change.into if b.key in here)
    serving = change.old in counted
    return ChangeStatus(
        change=change,
        out_now=out_now,
        in_now=in_now,
        missing=tuple(b for b in change.into if b.key not in here),
        idle=tuple((here[b.key], b) for b in change.into if here.get(b.key, b).weight != b.weight),
        proven=bool(in_now) and all(capacity.is_proven(view, backend) for backend in in_now),
        serving=serving,
        costs=serving and capacity.leaves_service(view, servers.get(change.old or "", ()), out_now),
        given_up=change.new in progress.refused or (change.new is None and change.old in progress.refused),
    )
