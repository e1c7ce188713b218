"""How far each change has got, by one look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from handler.core.deciding.run_state import RunState
from handler.core.model.observed import Observed
from handler.core.model.policy import WAY_BACK_S, Policy
from handler.core.model.values import Backend, Key, Pair, Refusal
from handler.core.planning import capacity
from handler.core.planning.changes import Change
from handler.core.planning.goal import Goal


class Look(Struct, frozen=True, dict=True):
    """What one look found, and what is worked out of it when it is first needed."""

    observed: Observed
    policy: Policy
    state: RunState
    goal: Goal

    @cached_property
    def in_service(self) -> frozenset[str]:
        """The units in service."""
        goal, state = self.goal, self.state
        given_up = (change for change in goal.changes if change.new in state.refused)
        back = state.taken.intersection(backend.key for change in given_up for backend in change.out)
        return capacity.in_service(self.observed, goal.changes, goal.gates, state.start, goal.untried, back)

    def leaves_service(self, unit: str | None, out: Iterable[Backend]) -> bool:
        """Tell whether a unit is in service and stops serving once some of its backends are out."""
        units = self.observed.group.units.get(unit or "", ())
        return unit in self.in_service and capacity.leaves_service(self.observed, units, out)


class ChangeStatus(Struct, frozen=True, dict=True):
    """How far one change has got in the group as it is now.

    ``out_now`` are the old backends that are still in, ``in_now`` the new ones that are in, ``missing`` those
    that are not. ``to_swap`` pairs old backends that are in with the missing ones that replace them. The rest
    is worked out on demand: most looks need little of it.
    """

    change: Change
    look: Look
    out_now: tuple[Backend, ...]
    in_now: tuple[Backend, ...]
    missing: tuple[Backend, ...]
    to_swap: tuple[Pair, ...]
    given_up: bool  #: refused during the run

    @property
    def wrong_weight(self) -> tuple[Backend, ...]:
        """The new backends that are in and do not have their weight yet, as they are to be."""
        here = self.look.observed.group.backends
        wrong = [b for b in self.change.into if here.get(b.key, b).weight != b.weight]
        meant = ((here[b.key], self._meant(here[b.key], b)) for b in wrong)
        return tuple(then for now, then in meant if now.weight != then.weight)

    def _meant(self, now: Backend, new: Backend) -> Backend:
        """Return how a new backend is to be. If others put it in during the run, it stays as they made it.

        Only weight 0, or a weight that a request names, is ours to change then.
        """
        look = self.look
        if now.key in look.state.start.backends:
            return new
        if look.state.has_put_in(now) or look.policy.marks.owns(now):
            return new
        asked = (ref.weight for ref in look.goal.desired.launched if ref.names(now.key))
        weight = now.weight if now.weight and all(one is None for one in asked) else new.weight
        return replace(new, weight=weight, description=now.description)

    @cached_property
    def proven(self) -> bool:
        """Whether the new side is in, and normal where it is to take requests."""
        observed, gates = self.look.observed, self.look.goal.gates
        return bool(self.in_now) and all(observed.is_proven(b.key, gates) for b in self._checked)

    @property
    def abnormal(self) -> bool:
        """Whether the new side is in, and abnormal on a gate."""
        observed, gates = self.look.observed, self.look.goal.gates
        return any(observed.is_abnormal(b.key, gates) for b in self._checked)

    @property
    def _checked(self) -> Iterator[Backend]:
        """The new backends that are in and are to take requests."""
        here = self.look.observed.group.backends
        return (backend for backend in self.change.into if backend.weight and backend.key in here)

    @property
    def failed_gates(self) -> dict[str, int]:
        """How many gates there are, and on how many of them a backend of the new side is abnormal."""
        observed, gates = self.look.observed, self.look.goal.gates
        abnormal = [sum(observed.is_abnormal(b.key, {gate}) for gate in gates) for b in self.in_now]
        return {"gates": len(gates), "abnormal_gates": max(abnormal, default=0)}

    @property
    def serving(self) -> bool:
        """Whether the unit of the old side is in service."""
        return self.change.old in self.look.in_service

    @cached_property
    def removal_costs_capacity(self) -> bool:
        """Whether taking the old side out takes its unit out of service."""
        return self.look.leaves_service(self.change.old, self.out_now)

    @property
    def waited_s(self) -> float:
        """How many seconds the new side has had to become normal."""
        return self.look.observed.now - self.look.state.health_since(self.change.new or "")

    @property
    def seconds_left(self) -> float:
        """How many seconds the new side has left to become normal; 0 or less if its time is over.

        A run that had time for that keeps what a rollback takes: a weight that is set late begins it anew.
        """
        observed, state, timeout_s = self.look.observed, self.look.state, self.look.policy.health_timeout_s
        left = timeout_s - self.waited_s
        if state.first.deadline - state.first.now < timeout_s + WAY_BACK_S:
            return left
        return min(left, observed.deadline - observed.now - WAY_BACK_S)

    @property
    def late(self) -> bool:
        """Whether the time for the new side to become normal is over."""
        return self.seconds_left <= 0

    @property
    def is_stuck(self) -> bool:
        """Whether the old side is in and stays: refused by the API, or put back after a drain."""
        state = self.look.state
        if self.change.old in state.refused:
            return bool(self.out_now)
        return bool(state.lifted) and any(backend.key in state.lifted for backend in self.out_now)

    @property
    def is_unfinished(self) -> bool:
        """Whether something of it is left to do that no refusal of its own names."""
        if self.given_up or self.change.old in self.look.state.refused:
            return False
        return bool(self.out_now or self.missing or self.wrong_weight)

    @property
    def brings_weight(self) -> bool:
        """Whether the new side is to take requests."""
        return any(backend.weight > 0 for backend in self.change.into)

    @property
    def is_pending(self) -> bool:
        """Whether the new side is in and not proven yet."""
        return bool(self.in_now) and not self.given_up and not self.proven

    @property
    def is_replaced(self) -> bool:
        """Whether the new side is all in, at its weight and proven, or there is none."""
        return not self.missing and not self.wrong_weight and (self.proven or not self.change.into)


def statuses(look: Look) -> tuple[ChangeStatus, ...]:
    """Return how far each change has got."""
    here, refused = look.observed.group.backends, look.state.refused
    return tuple([_status(change, look, here, refused) for change in look.goal.changes])


def _status(
    change: Change, look: Look, here: Mapping[Key, Backend], refused: Mapping[str, Refusal]
) -> ChangeStatus:
    out_now = tuple([now for b in change.out if (now := here.get(b.key))])
    in_now = tuple([now for b in change.into if (now := here.get(b.key))])
    all_in = len(in_now) == len(change.into)
    missing = () if all_in else tuple([b for b in change.into if b.key not in here])
    to_swap = _to_swap(change, here) if out_now and missing else ()
    given_up = change.new in refused or (change.old in refused and not in_now)
    return ChangeStatus(change, look, out_now, in_now, missing, to_swap, given_up)


def _to_swap(change: Change, here: Mapping[Key, Backend]) -> tuple[Pair, ...]:
    return tuple(
        [
            Pair(now, pair.new)
            for pair in change.pairs
            if (now := here.get(pair.old.key)) and pair.new.key not in here
        ]
    )
