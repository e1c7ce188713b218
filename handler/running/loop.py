"""The loop: look, decide, act, look again. It also retries, rolls back and isolates bad backends."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from handler.core.deciding.backoff import Retry
from handler.core.deciding.decide import cut_short, decide
from handler.core.deciding.plan import Plan, plan
from handler.core.deciding.run_state import RunState
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed
from handler.core.model.policy import Target
from handler.core.model.steps import Finish, Wait, described, same
from handler.core.model.values import Intent
from handler.core.planning.goal import Goal
from handler.running.observer import Observer
from handler.running.ports import Clock, Means
from handler.running.scheduler import Task

#: Seconds for which a look holds: a write that has waited longer needs a new one.
LOOK_HOLDS_S = 1.0


class Run(Struct, frozen=True):
    """How one run over one target went; ``planned`` is the plan made after its first look."""

    target: Target
    intent: Intent
    finish: Finish
    planned: Plan | None
    observed: Observed
    state: RunState
    attempts: int

    @property
    def goal(self) -> Goal:
        """What the run was to reach, by its last look."""
        return self.state.goal(self.intent, self.observed, self.target.policy)


def run(target: Target, intent: Intent, means: Means) -> Task[Run]:
    """Bring one target to where the intent wants it, or say why not.

    Yields the time until which it waits. A run that would wait beyond the deadline ends as ``raised``.
    """
    clock, log, pacing, policy = means.clock, means.log, means.pacing, target.policy
    observer = Observer(target, intent, means)
    observed, state = observer.first()
    planned: Plan | None = None
    attempts = 0
    while True:
        if planned is None and observed.problem is None:
            planned = plan(observed, intent, policy, state.goal(intent, observed, policy))
            steps = [described(step) for step in planned.steps]
            floor = state.goal(intent, observed, policy).capacity.floor
            log("swap.planned", target=target.name, plan_id=planned.plan_id, floor=floor, steps=steps)
            if intent.dry_run or target.mode == "plan" or not planned.has_end:
                finish = _as_planned(planned)
                break
        decision = decide(observed, intent, policy, state)
        if isinstance(decision, Finish):
            finish = decision
            break
        balancer = observed.group.load_balancer_id
        if isinstance(decision, Wait):
            wake_at, why = clock.now() + decision.seconds, decision.why
        else:
            wake_at, why = pacing.ready_at(balancer, clock.now()), "busy"
        if wake_at >= means.deadline:
            finish = cut_short(observed, intent, policy, state, why if wake_at > clock.now() else "deadline")
            break
        if isinstance(decision, Wait) or wake_at > clock.now():
            if wake_at > clock.now():
                unproven = decision.unproven if isinstance(decision, Wait) else ()
                seconds = round(wake_at - clock.now(), 3)
                log("swap.waiting", target=target.name, why=why, seconds=seconds, unproven=unproven)
                yield wake_at
            if isinstance(decision, Wait) or clock.now() - observed.now > LOOK_HOLDS_S:
                observed, state = observer.again(observed, state, waited_for=why)
                continue
            if pacing.ready_at(balancer, clock.now()) > clock.now():
                continue  # another target was first
        attempts += 1
        sent, attempts_before = clock.now(), state.retry.attempts
        answer = observer.slb.do(observed.group, decision.step)
        now = clock.now()
        state = state.after_write(decision, answer, now, clock.jitter())
        pacing.wrote(balancer, answer.result, sent, now, state.retry.at)
        if answer.result is Result.BUSY and pacing.is_learning(balancer):
            ready = pacing.ready_at(balancer, now)
            # Pacing handles a short wait; meanwhile the run looks at what it needs to see.
            at = ready if ready - now > LOOK_HOLDS_S else now
            state = replace(state, retry=Retry(attempts_before, at, Result.BUSY.value))
        log("swap.step", target=target.name, why=decision.why, step=decision.step, answer=answer)
        observed, state = _after(answer, observed, state, observer, clock)
    return Run(target, intent, finish, planned, observed, state, attempts)


def _after(
    answer: Answer, observed: Observed, state: RunState, observer: Observer, clock: Clock
) -> tuple[Observed, RunState]:
    """Return the look after a write. The answer replaces a look only if it shows what was expected."""
    now, expected = clock.now(), state.written.expected
    if answer.result is Result.APPLIED and answer.group is not None and same(answer.group, expected):
        return replace(observed, group=expected, now=now, fresh=False), state
    if state.retry.at > now:
        return replace(observed, now=now, fresh=False), state  # the wait comes first, and a look after it
    return observer.again(observed, state)


def _as_planned(planned: Plan) -> Finish:
    """Return how a dry run ends: with the plan, or with the reason why there is none."""
    finish = planned.finish or Finish("planned", "floor")
    return replace(finish, outcome="planned") if planned.steps else finish
