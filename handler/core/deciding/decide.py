"""What to do next, given a look at the target: the heart of the function.

| the look shows                                           | decision                                  |
|----------------------------------------------------------|-------------------------------------------|
| it failed, and that may pass, or a write was sent        | wait, longer each time                    |
| Auto Scaling itself keeps the group                      | finish: two controllers would fight       |
| a listing contradicts the event                          | wait some seconds: listings lag           |
| the last call failed, and that may pass                  | wait, longer each time                    |
| a write whose result is unknown                          | look again, before anything is sent       |
| an action that is refused for good                       | give back what it took, finish            |
| Auto Scaling or ECS did not answer                       | take back what failed, else wait          |
| changes that were given up                               | roll them back                            |
| servers that an earlier run drained, and that stay       | SetWeight                                 |
| old servers that serve nobody, with replacements         | Modify, as many as one call carries       |
| new servers that replace none                            | Add                                       |
| a reading that lags behind our writes                    | look again                                |
| new servers at weight 0 that are normal                  | SetWeight                                 |
| old servers whose replacements are normal                | drain, Remove                             |
| new servers that were not normal in time                 | roll them back                            |
| old servers that serve, more in service than the floor   | drain, Modify, as many as can be spared   |
| old servers that serve, none to spare                    | Add at weight 0                           |
| new servers that are not normal yet                      | wait                                      |
| old servers that nothing replaces                        | drain, Remove                             |
| old servers that drain                                   | wait                                      |
| suspected bad backends, and nothing to do for them       | all this for the other servers            |
| drained servers that stay after all                      | SetWeight                                 |
| anything else                                            | finish                                    |
"""

from __future__ import annotations

from msgspec.structs import replace

from handler.core.deciding import add_remove, finish, replacing, rollback
from handler.core.deciding.run_state import RunState
from handler.core.deciding.situation import Situation, assess
from handler.core.deciding.writes import LAGGING_LOOKS
from handler.core.model.answers import Answer
from handler.core.model.observed import Observed
from handler.core.model.policy import WAY_BACK_S, Policy
from handler.core.model.steps import Decision, Do, Finish, Wait
from handler.core.model.values import Intent, Refusal

#: How to take a group out of Auto Scaling's hands, so that one controller is left.
DETACH = {"detach_with": "DetachVServerGroups"}
#: Seconds for which a listing that contradicts the event is read again.
SETTLE_S = 10.0
#: Seconds between looks while a write of ours does not show.
LOOK_S = 1.0
#: The shortest wait for health, in seconds: a remainder left by rounding must not become a busy loop.
MOMENT_S = 0.01


def decide(observed: Observed, intent: Intent, policy: Policy, state: RunState) -> Decision:
    """Return the next thing to do. Pure: the same look gives the same decision."""
    if observed.problem is not None:
        return _unreadable(observed, observed.problem, state)
    if observed.attached:
        attached = Refusal(observed.group.id, "attached_natively", numbers=DETACH)
        return Finish("refused", "attached_natively", (attached,))
    situation = assess(observed, intent, policy, state)
    settles_in = state.first.now + SETTLE_S - observed.now
    if situation.goal.desired.contradicted and settles_in > 0:
        return Wait(min(policy.health_interval_s, max(settles_in, MOMENT_S)), "listing_lags")
    if observed.now < state.retry.at:
        return Wait(state.retry.at - observed.now, state.retry.trouble)
    if state.written.doubt:
        return Wait(LOOK_S, "unknown_result")
    if state.fatal is not None:
        return _look(situation) or _refused_for_good(situation, state.fatal)
    if observed.others_unread is not None:
        return _bounded(_until_answered(situation), situation)
    step = _next(situation) or _beside_suspects(situation) or _lift_what_stays(situation)
    return _bounded(step or _ended(situation), situation)


def _unreadable(observed: Observed, problem: Answer, state: RunState) -> Decision:
    if state.waits_out(problem):
        return Wait(max(0.0, state.retry.at - observed.now), state.retry.trouble)
    reason = problem.code or problem.result.value
    numbers = {"action": problem.action} if problem.action else {}
    refused = Refusal(observed.group.id, reason, numbers=numbers)
    return Finish("partial" if state.done else "refused", reason, (refused,))


def _next(situation: Situation) -> Decision | None:
    """Return the next step or wait, or None if nothing is left to do."""
    step = (
        rollback.undo(situation)
        or add_remove.put_back_drained(situation)
        or replacing.replace_free(situation)
        or add_remove.add_missing(situation)
    )
    if step:
        return step
    # The rest costs capacity or relies on it, so it needs a reading, not only our model of the group.
    return (
        _look(situation)
        or add_remove.weigh(situation)
        or add_remove.retire(situation)
        or _give_up_late(situation)
        or replacing.replace_serving(situation)
        or _await_health(situation)
        or add_remove.remove(situation)
        or _await_drain(situation)
    )


def _until_answered(situation: Situation) -> Decision:
    """Return what can be done while Auto Scaling or ECS do not answer: no server comes or goes.

    But failed new servers are taken back, and weights rise. If there is no more time to go on, drained
    servers get theirs back.
    """
    calm = replace(situation, focus=())
    is_over = situation.observed.deadline - situation.observed.now <= WAY_BACK_S
    return (
        rollback.undo(situation)
        or add_remove.put_back_drained(situation)
        or _look(calm)
        or add_remove.raise_weights(calm)
        or _give_up_late(calm)
        or (rollback.lift(calm.changes, calm) if is_over else None)
        or _await_health(calm)
        or _await_drain(calm)
        or _ended(situation)
    )


def _ended(situation: Situation) -> Decision:
    """Return how the run ends, or a wait for Auto Scaling and ECS: old answers end no run."""
    others, observed = situation.state.others, situation.observed
    if observed.others_unread is None:
        return finish.ended(situation)
    return Wait(max(MOMENT_S, others.at - observed.now), others.trouble)


def _beside_suspects(situation: Situation) -> Decision | None:
    """Return what can be done for other servers if nothing can be done for the suspects."""
    return _next(replace(situation, focus=())) if situation.focus else None


def _lift_what_stays(situation: Situation) -> Decision | None:
    """Give drained backends that cannot be taken out their weight back."""
    return rollback.lift((status for status in situation.changes if not status.given_up), situation)


def _look(situation: Situation) -> Decision | None:
    """Ask for a look if the group is only our model of it: at once, or later if the last look lagged."""
    if situation.observed.fresh:
        return None
    return Wait(0.0 if situation.state.written.lag == LAGGING_LOOKS else LOOK_S, "look")


def _give_up_late(situation: Situation) -> Decision | None:
    """Give up new servers that were not normal in time, if they can be taken back."""
    given_up = rollback.late(situation)
    if not given_up:
        return None
    subjects = {refusal.subject for refusal in given_up}
    step = rollback.undo(rollback.giving_up(situation, lambda status: status.change.new in subjects))
    return replace(step, gives_up=given_up) if step else None


def _await_health(situation: Situation) -> Decision | None:
    """Wait for new servers to become normal, at most until the time of one of them is over."""
    left = [status.seconds_left for status in situation.pending if not status.late]
    if not left:
        return None
    unproven = tuple(status.change.new or "" for status in situation.pending)
    seconds = min(situation.policy.health_interval_s, max(MOMENT_S, min(left)))
    return Wait(seconds, "health", unproven=unproven)


def _await_drain(situation: Situation) -> Decision | None:
    left = [situation.drain_left(status) for status in situation.draining]
    return Wait(min(left), "drain") if left else None


def _refused_for_good(situation: Situation, answer: Answer) -> Decision:
    """Finish because the cloud refuses such calls for good. If all is done by now, that does not matter.

    Before the end, as far as these calls are not refused too: drained backends get their weight back, old
    backends return if their replacements are not in, new ones added beside old ones go, and new ones that are
    in get their time to become normal.
    """
    calm = replace(situation, state=replace(situation.state, fatal=None))
    if _next(calm) is None and not any(status.is_unfinished for status in calm.changes):
        return _ended(calm)
    unfinished = rollback.giving_up(situation, rollback.is_half_done)
    step = rollback.lift(situation.changes, situation) or rollback.undo(unfinished)
    for following in (step, _give_up_late(situation), _await_health(situation)):
        if following and not (isinstance(following, Do) and following.step in situation.state.futile):
            return following
    return finish.on_refusal(situation, answer)


def _bounded(decision: Decision, situation: Situation) -> Decision:
    """Return the decision, or an end or a wait if the run writes too much or too soon."""
    if not isinstance(decision, Do):
        return decision
    state = situation.state
    if state.writes >= state.most_writes(situation.goal.entries):
        return finish.raised(situation, "too_many_writes")
    wait = state.wait_for_room(decision.step, situation.observed.now)
    return Wait(wait, "over_quota") if wait else decision


def cut_short(observed: Observed, intent: Intent, policy: Policy, state: RunState, why: str) -> Finish:
    """Return how a run that is out of time ends, with all that it knows."""
    if observed.problem is not None:
        return Finish("raised", why)
    return finish.raised(assess(observed, intent, policy, state), why)
