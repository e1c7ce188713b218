"""The decisions to come if everything succeeds: the plan that is printed, and a dry run's whole answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from handler.core.deciding import run_state as memory
from handler.core.deciding.decide import SETTLE_S, decide
from handler.core.model.answers import Answer, Result
from handler.core.model.decisions import Finish, Wait
from handler.core.model.observed import Observed
from handler.core.model.steps import Step, new_side
from handler.core.model.values import Group, Intent, Policy, Verdict

#: More decisions than any plan needs: a server takes a handful, and a load balancer has 200 backends or so.
MOST_DECISIONS = 20_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps to come, the group they lead to, and how it would end; None if it would wait for others."""

    steps: tuple[Step, ...]
    group: Group
    finish: Finish | None
    plan_id: str


def plan(view: Observed, intent: Intent, policy: Policy) -> Plan:
    """Decide again and again, as if every step were applied and every new backend became normal at once."""
    now = view.now
    progress = memory.begin(replace(view, now=now - SETTLE_S))
    progress = replace(progress, wave_since=now)
    # No write, and so no time, is spent: a forecast is not bound by the deadline of the run that makes it.
    ahead = replace(view, deadline=float("inf"))
    steps: list[Step] = []
    finish: Finish | None = None
    for _ in range(MOST_DECISIONS):
        match decide(ahead, intent, policy, progress):
            case Finish() as finish:
                break
            case Wait(seconds, _, open_ended):
                if open_ended:
                    break
                now += max(seconds, 0.001)
                ahead = _settled(replace(ahead, now=now, fresh=True))
            case do:
                steps.append(do.step)
                progress = progress.did(do, Answer(Result.APPLIED), now, 0.0)
                ahead = _normal(replace(ahead, group=progress.expected, fresh=True), do.step)
    group = ahead.group
    return Plan(tuple(steps), group, finish, _plan_id(intent, view.group, steps))


def _normal(view: Observed, step: Step) -> Observed:
    verdict = Verdict.NORMAL if view.listeners.checked else Verdict.UNCHECKED
    return replace(view, health={**view.health, **{b.key: verdict for b in new_side(step)}})


def _settled(view: Observed) -> Observed:
    """Return the view once waiting was worth it: who is in and not normal yet, left by an earlier run, is."""
    pending = {key: Verdict.NORMAL for key in view.group.backends if view.verdict(key) is Verdict.PENDING}
    return replace(view, health={**view.health, **pending})


def _plan_id(intent: Intent, group: Group, steps: list[Step]) -> str:
    """Return the same id for the same steps on the same group, whoever asks for them."""
    said = [intent.target, *sorted(map(repr, group.backends.values())), *map(repr, steps)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]
