"""The loop: look, decide, do, look again. It is the retry, the rollback and the isolation of bad backends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from handler.core.deciding.decide import cut_short, decide
from handler.core.deciding.plan import Plan, plan
from handler.core.deciding.run_state import RunState
from handler.core.model.answers import Answer, Result
from handler.core.model.decisions import Finish, Wait
from handler.core.model.observed import Observed
from handler.core.model.steps import described, same
from handler.core.model.values import Intent, Target
from handler.running.observer import Observer
from handler.running.ports import Clock, Ess, Slb

#: Told of everything that happens: a name, and what belongs to it.
Tell = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Run:
    """How one run over one target went; ``planned`` is what its first look led to expect."""

    target: Target
    intent: Intent
    finish: Finish
    planned: Plan | None
    view: Observed
    progress: RunState
    attempts: int


def run(
    target: Target,
    intent: Intent,
    slb: Slb,
    ess: Ess,
    clock: Clock,
    deadline: float,
    *,
    tell: Tell,
    on_wait: Callable[[], None],
) -> Run:
    """Bring one target to where the intent wants it, or say why not.

    ``deadline`` is in seconds of the clock; what would wait beyond it ends as ``raised``. ``on_wait`` is
    called before each wait, to ask for more time where something waits for us.
    """
    lookout = Observer(target, intent, slb, ess, clock, deadline)
    view, progress = lookout.first()
    planned: Plan | None = None
    attempts = 0
    while True:
        if planned is None and view.problem is None:
            planned = plan(view, intent, target.policy)
            steps = [described(step) for step in planned.steps]
            tell("swap.planned", target=target.name, plan_id=planned.plan_id, steps=steps)
            if intent.dry_run or target.mode == "plan":
                finish = _as_planned(planned)
                break
        match decide(view, intent, target.policy, progress):
            case Finish() as finish:
                break
            case Wait(seconds, why):
                if clock.now() + seconds >= deadline:
                    finish = cut_short(view, intent, target.policy, progress, why)
                    break
                if seconds:
                    tell("swap.waiting", target=target.name, why=why, seconds=round(seconds, 3))
                on_wait()
                clock.sleep(seconds)
                view, progress = lookout.again(view, progress, waited_for=why)
            case do:
                attempts += 1
                answer = slb.do(view.group, do.step)
                progress = progress.did(do, answer, clock.now(), clock.jitter())
                tell("swap.step", target=target.name, why=do.why, step=do.step, answer=answer)
                view, progress = _after(answer, view, progress, lookout, clock)
    return Run(target, intent, finish, planned, view, progress, attempts)


def _after(
    answer: Answer, view: Observed, progress: RunState, lookout: Observer, clock: Clock
) -> tuple[Observed, RunState]:
    """Return the view after a write. Its answer replaces a look only where it shows what was forecast."""
    now = clock.now()
    expected = progress.expected
    if answer.result is Result.APPLIED and answer.group is not None and same(answer.group, expected):
        return replace(view, group=expected, now=now, fresh=False), progress
    if progress.retry_at > now:
        return replace(view, now=now, fresh=False), progress  # the wait comes first, and a look after it
    return lookout.again(view, progress)


def _as_planned(planned: Plan) -> Finish:
    """Return how a dry run ends: with the plan, or with why there is none."""
    finish = planned.finish or Finish("planned", "floor")
    return replace(finish, outcome="planned") if planned.steps else finish
