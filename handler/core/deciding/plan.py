"""The plan: the decisions to come if everything succeeds. A dry run answers with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from handler.core.deciding.decide import SETTLE_S, decide
from handler.core.deciding.run_state import RunState, begin
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.steps import Finish, Step, Wait, Why, in_calls, new_side
from handler.core.model.values import Group, Intent, Key, Refusal, Verdict
from handler.core.planning.goal import Goal

#: More entries than any wave has.
UNBOUNDED = 1_000_000
#: Decisions that a plan may take, in any case and for each entry that it changes: more than any plan needs.
DECISIONS_BESIDES, DECISIONS_PER_ENTRY = 100, 20


class Plan(Struct, frozen=True):
    """The calls to come, the group that they lead to, and the end; None if the run would wait for others.

    A wave is what one decision does: why, and its calls.
    """

    waves: tuple[tuple[Why, tuple[Step, ...]], ...]
    group: Group
    finish: Finish | None
    plan_id: str
    has_end: bool = True

    @property
    def steps(self) -> tuple[Step, ...]:
        """All calls, in order."""
        return tuple(step for _, steps in self.waves for step in steps)


def plan(observed: Observed, intent: Intent, policy: Policy, settled: Goal | None = None) -> Plan:
    """Decide again and again, as if every step succeeded and every new backend became normal at once.

    One decision takes a whole wave, given as its calls. A plan that finds no end is marked as such: nothing
    of it may be done. ``settled`` is the goal of the run, if it is known already.
    """
    waves = replace(policy, max_per_call=UNBOUNDED)
    now = observed.now
    state = begin(replace(observed, now=now - SETTLE_S), settled)
    # Nothing is written and no time passes, so the deadline of the run that makes the plan does not bind it.
    ahead = replace(observed, deadline=float("inf"))
    decided: list[tuple[Why, tuple[Step, ...]]] = []
    most = DECISIONS_BESIDES + DECISIONS_PER_ENTRY * state.goal(intent, ahead, waves).entries
    for _ in range(most):
        match decide(ahead, intent, waves, state):
            case Finish(_, reason) as finish:
                return _plan(observed, intent, decided, state, finish, has_end=reason != "too_many_writes")
            case Wait(_, _, True):
                return _plan(observed, intent, decided, state, None)
            case Wait(seconds):
                now += max(seconds, 0.001)
                ahead = _settled(replace(ahead, now=now, fresh=True))
            case do:
                decided.append((do.why, tuple(in_calls(do.step, policy.max_per_call))))
                state = state.after_write(do, Answer(Result.APPLIED), now, 0.0)
                ahead = replace(ahead, group=state.written.expected, fresh=True)
                ahead = _normal(ahead, (backend.key for backend in new_side(do.step)))
    return _plan(observed, intent, decided, state, None, has_end=False)


def _plan(
    observed: Observed,
    intent: Intent,
    waves: list[tuple[Why, tuple[Step, ...]]],
    state: RunState,
    finish: Finish | None,
    *,
    has_end: bool = True,
) -> Plan:
    steps = [step for _, made in waves for step in made]
    if not has_end:
        refusal = Refusal(observed.group.id, "plan_without_end", numbers={"steps": len(steps)})
        finish = Finish("refused", "plan_without_end", (refusal,))
        waves, steps = [], []
    group = state.written.expected if has_end else observed.group
    return Plan(tuple(waves), group, finish, _plan_id(intent, observed.group, steps), has_end)


#: Verdicts that a wait may turn into normal.
UNSETTLED = frozenset({Verdict.PENDING, Verdict.MIXED})


def _settled(observed: Observed) -> Observed:
    """Return the look after a wait: backends that an earlier run left without a verdict are normal."""
    pending = [
        key
        for key in observed.group.backends
        if any(observed.verdict(key, one) in UNSETTLED for one in observed.listeners.checking)
    ]
    return _normal(observed, pending) if pending else observed


def _normal(observed: Observed, keys: Iterable[Key]) -> Observed:
    """Return the look once every check of these backends has passed."""
    normal = dict.fromkeys(observed.listeners.checking, Verdict.NORMAL)
    return replace(observed, health={**observed.health, **dict.fromkeys(keys, normal)})


def _plan_id(intent: Intent, group: Group, steps: list[Step]) -> str:
    """Return the same id for the same steps on the same group, whoever asks for them."""
    said = [intent.target, *sorted(map(repr, group.backends.values())), *map(repr, steps)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]
