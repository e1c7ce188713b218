"""What to do next, given a look at the target. The heart of the function.

| the look shows                                        | decision                                     |
|-------------------------------------------------------|----------------------------------------------|
| it failed, and that may pass                          | wait, longer each time                       |
| Auto Scaling itself keeps the group                   | finish: two controllers would fight          |
| a listing contradicts the event                       | wait some seconds: listings lag              |
| a write of unknown result, or a read that lags        | look again, before anything is sent          |
| something that was given up                           | take it back                                 |
| old ones that serve nobody, new ones for them         | Modify, as many as one call carries          |
| new ones with no old one                              | Add                                          |
| new ones of weight 0 that are normal                  | SetWeight                                    |
| old ones whose new ones are normal                    | drain, Remove                                |
| new ones that are not normal yet                      | wait; take them back when their time is over |
| old ones that serve, more in service than the floor   | Modify, as many as may be spared             |
| old ones that serve, none to spare                    | Add at weight 0                              |
| old ones that nothing replaces                        | drain, Remove                                |
| nothing of all this                                   | finish                                       |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from handler.core.deciding import drain, rollback, surge, swap
from handler.core.deciding.run_state import LAGGING_LOOKS, RunState
from handler.core.deciding.situation import Situation, assess
from handler.core.model.answers import Answer
from handler.core.model.decisions import Decision, Finish, Outcome, Wait
from handler.core.model.observed import Observed, Source
from handler.core.model.values import Intent, Policy, Refusal, Scope
from handler.core.planning.guards import floor_refusal

#: How a group is taken from Auto Scaling's hands, so that one controller is left.
DETACH = {"detach_with": "DetachVServerGroups"}
#: Seconds for which a listing that contradicts the event is read again.
SETTLE_S = 10.0
#: How many times longer than for health is waited between looks for somebody else's replacement.
FLOOR_LOOKS = 5
#: Seconds between looks that wait for a write of ours to show.
LOOK_S = 1.0


def decide(view: Observed, intent: Intent, policy: Policy, progress: RunState) -> Decision:
    """Return the one next thing to do. Pure: the same look gives the same decision."""
    if view.problem is not None:
        return _unreadable(view, view.problem, progress)
    if view.attached:
        return Finish(
            "refused", "attached_natively", (Refusal(view.group.id, "attached_natively", numbers=DETACH),)
        )
    scene = assess(view, intent, policy, progress)
    if scene.unsettled and view.now - progress.first.now < SETTLE_S:
        return Wait(policy.health_interval_s, "listing_lags")
    if view.now < progress.retry_at:
        return Wait(progress.retry_at - view.now, progress.trouble)
    if progress.doubt:
        return Wait(LOOK_S, "unknown_result")
    if progress.fatal is not None:
        return _look(scene) or _finish_on(progress.fatal, scene)
    return _next(scene) or (_next(replace(scene, focus=())) if scene.focus else None) or _finish(scene)


def _unreadable(view: Observed, problem: Answer, progress: RunState) -> Decision:
    if problem.may_pass:
        return Wait(max(0.0, progress.retry_at - view.now), progress.trouble)
    reason = problem.code or problem.result.value
    return Finish("partial" if progress.done else "refused", reason, (Refusal(view.group.id, reason),))


def _next(scene: Situation) -> Decision | None:
    """Return the next step or wait, or None when nothing is left to do."""
    step = rollback.undo(scene) or swap.replace_free(scene) or surge.add_missing(scene)
    if step:
        return step
    # What follows takes capacity away, or relies on it: never on our model of the group alone.
    return (
        _look(scene)
        or surge.weigh(scene)
        or surge.retire(scene)
        or _await(scene)
        or _replace_serving(scene)
        or surge.remove(scene)
        or _await_drain(scene)
    )


def _look(scene: Situation) -> Decision | None:
    """Ask for a look where the group is our model of it: at once, or later when the last look lagged."""
    if scene.view.fresh:
        return None
    return Wait(0.0 if scene.progress.lag == LAGGING_LOOKS else LOOK_S, "look")


def _await(scene: Situation) -> Decision | None:
    """Wait for new ones to become normal; give up those that are not in time."""
    if not scene.pending:
        return None
    if not scene.is_late:
        return Wait(scene.policy.health_interval_s, "health")
    given_up = rollback.late(scene)
    if not given_up:
        return None
    subjects = {refusal.subject for refusal in given_up}
    states = tuple(replace(s, given_up=s.given_up or s.change.new in subjects) for s in scene.states)
    step = rollback.undo(replace(scene, states=states))
    return replace(step, gives_up=given_up) if step else None


def _replace_serving(scene: Situation) -> Decision | None:
    """Begin another wave, if there is one to begin and time enough to see it through."""
    waiting = swap.serving(scene)
    if not waiting or scene.has_stopped:
        return None
    beside = (scene.strategy == "surge" or surge.must(scene)) and "surge" not in scene.progress.crowded
    step = surge.add_beside(waiting, scene) if beside else swap.replace_wave(scene)
    if step and scene.progress.done and scene.view.deadline - scene.view.now < _time_needed(scene):
        return Finish("raised", "deadline", scene.refused, scene.strays)
    return step


def _time_needed(scene: Situation) -> float:
    return scene.policy.health_timeout_s + (scene.policy.drain_s if drain.is_needed(scene) else 0.0)


def _await_drain(scene: Situation) -> Decision | None:
    left = [drain.seconds_left(state, scene) for state in drain.under_way(scene)]
    return Wait(min(left), "drain") if left else None


def _finish(scene: Situation) -> Decision:
    """Say how it ended, of what is left undone."""
    refused = (*scene.refused, *_held_back(scene))
    if _keeps_waiting(scene, refused):
        why = "health" if scene.pending else "floor"
        return Wait(FLOOR_LOOKS * scene.policy.health_interval_s, why, open_ended=True)
    finish = Finish("unchanged", ", ".join(scene.notes) or None, refused, scene.strays)
    if _is_incomplete(scene):
        return replace(finish, outcome="raised", reason="source_incomplete")
    if scene.early:
        return replace(finish, outcome="raised", reason="not_in_service_yet")
    if scene.pending or (scene.has_rolled_back and not rollback.is_taken_back(scene)):
        return replace(finish, outcome="raised", reason="not_healthy")
    if scene.has_rolled_back:
        return replace(finish, outcome="rolled_back", reason="not_healthy")
    if refused:
        outcome: Outcome = "partial" if scene.progress.done else "refused"
        return replace(finish, outcome=outcome, reason=refused[0].reason)
    return replace(finish, outcome="applied") if scene.progress.done else finish


def _keeps_waiting(scene: Situation, refused: Iterable[Refusal]) -> bool:
    """Tell whether a scale-in hook names one that is held back until something replaces it."""
    limits = {"min_backends", "max_unavailable"}
    held = {refusal.subject for refusal in refused if refusal.reason in limits}
    held |= {state.change.old or "" for state in scene.pending if state.out_now}
    return any(
        not held.isdisjoint(hook.instance_ids) for hook in scene.intent.hooks if hook.transition == "scale_in"
    )


def cut_short(view: Observed, intent: Intent, policy: Policy, progress: RunState, why: str) -> Finish:
    """Return how a run ends that has no time left to wait: with all that is known by then."""
    if view.problem is not None:
        return Finish("raised", why)
    scene = assess(view, intent, policy, progress)
    return Finish("raised", why, scene.refused, scene.strays)


def _is_incomplete(scene: Situation) -> bool:
    """Tell whether a listing misses what it counts, or lists nothing though a server was launched."""
    if scene.intent.scope is not Scope.RECONCILE:
        return False
    source = scene.view.source
    return source is Source.SHORT or (source is Source.EMPTY and bool(scene.intent.launched))


def _held_back(scene: Situation) -> tuple[Refusal, ...]:
    """Return what the floor, the quota or a wave taken back kept from being finished."""
    held = []
    for state in scene.states:
        if state.given_up or state.is_pending:
            continue
        if state.in_place:
            reason = "after_rollback" if scene.has_rolled_back else "over_quota"
            held.append(Refusal(state.change.new or "", reason))
        elif state.missing:
            held.append(Refusal(state.change.new or "", "over_quota"))
        elif state.out_now or state.idle:
            subject = (state.change.old if state.out_now else state.change.new) or ""
            floor, in_service = scene.floor_for_removals, len(scene.counted)
            held.append(floor_refusal(subject, scene.intent, scene.policy, floor, in_service))
    return tuple(held)


def _finish_on(answer: Answer, scene: Situation) -> Decision:
    """Finish because the cloud will refuse the same call again; if all is done by now, it does not matter."""
    if _next(scene) is None:
        return _finish(scene)
    reason = answer.code or answer.result.value
    refused = (*scene.refused, Refusal(scene.view.group.id, reason))
    return Finish("partial" if scene.progress.done else "refused", reason, refused, scene.strays)
