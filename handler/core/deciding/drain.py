"""Draining: weight 0 for a while before a backend is taken out, where no listener does it for us."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from handler.core.deciding.situation import ChangeStatus, Situation
from handler.core.model.decisions import Do
from handler.core.model.steps import SetWeight
from handler.core.model.values import Verdict


def is_needed(scene: Situation) -> bool:
    """Tell whether we have to drain: asked for, done by no listener, and not in vain.

    Weight 0 says nothing to a listener that schedules by ``rr`` (CLB, scheduling algorithms).
    """
    listeners = scene.view.listeners
    return scene.policy.drain_s > 0 and not listeners.drains and not listeners.ignores_weight


def seconds_left(state: ChangeStatus, scene: Situation) -> float:
    """Return how long the old side has still to drain; all of ``drain_s`` where it has not begun.

    What has a weight but does not serve is abnormal: there is nothing to drain.
    """
    if state.change.gone or not state.out_now or not is_needed(scene):
        return 0.0
    view, drained_since = scene.view, scene.progress.drained_since
    begun = [drained_since(b.key) for b in state.out_now if b.weight == 0]
    begun += [view.now for b in state.out_now if b.weight > 0 and view.verdict(b.key) is not Verdict.ABNORMAL]
    return max(0.0, max(begun, default=float("-inf")) + scene.policy.drain_s - view.now)


def is_done(state: ChangeStatus, scene: Situation) -> bool:
    """Tell whether the old side may be taken out without cutting what it still serves."""
    return seconds_left(state, scene) == 0


def under_way(scene: Situation) -> list[ChangeStatus]:
    """Return the changes of which the old side has weight 0 and has not drained for long enough."""
    return [
        state
        for state in scene.states
        if not state.given_up and not is_done(state, scene) and all(b.weight == 0 for b in state.out_now)
    ]


def begin(states: Iterable[ChangeStatus], scene: Situation) -> Do | None:
    """Take to weight 0 what is to be drained before it is taken out."""
    weighted = scene.batch(b for s in states if not is_done(s, scene) for b in s.out_now if b.weight > 0)
    if not weighted:
        return None
    return Do(SetWeight(weighted, tuple(replace(b, weight=0) for b in weighted)), "drain")
