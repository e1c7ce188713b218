"""Replacing by adding first: weight 0, then normal, then weighted; then the old one drained and out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from handler.core.deciding import drain
from handler.core.deciding.situation import ChangeStatus, Situation
from handler.core.model.decisions import Do
from handler.core.model.steps import Add, Remove, SetWeight
from handler.core.model.values import Backend, Verdict
from handler.core.planning import capacity
from handler.core.planning.capacity import is_proven


def add_missing(scene: Situation) -> Do | None:
    """Add what has no old one to replace, at its weight: capacity at once.

    Once a single one was too many, no other that replaces nothing is tried.
    """
    full = "add" in scene.progress.crowded
    entries: list[Backend] = []
    for state in scene.states:
        if not state.given_up and (state.change.out or not full):
            replacing = {pair.new.key for pair in state.in_place}
            entries += [backend for backend in state.missing if backend.key not in replacing]
    chosen = scene.batch(entries)
    return Do(Add(chosen), "add") if chosen else None


def add_beside(states: Iterable[ChangeStatus], scene: Situation) -> Do | None:
    """Add new ones at weight 0 beside the serving old ones that they are to replace, marked as unfinished.

    One that is to have no weight is finished; of one that is to have no description, no call could take it.
    """
    mark = scene.policy.waits
    chosen = scene.batch(
        replace(b, weight=0, description=mark if b.description and b.weight else b.description)
        for s in states
        for b in s.missing
    )
    return Do(Add(chosen), "surge") if chosen else None


def weigh(scene: Situation) -> Do | None:
    """Give new ones their weight: beside a serving old one only once they are normal.

    Whether a backend of weight 0 is checked at all is not documented for certain. So one without a verdict
    by half the time is given its weight: the old one still serves, and is not touched before the new one is
    normal.
    """
    tried = scene.view.now - scene.progress.wave_since >= scene.policy.health_timeout_s / 2
    room = len(scene.counted) - scene.floor_for_removals
    servers = scene.view.group.servers()
    chosen: list[tuple[Backend, Backend]] = []
    for state in scene.states:
        unchecked = tried and _may_be_unchecked(state, scene)
        if not state.given_up and (state.proven or unchecked or not state.out_now or state.change.gone):
            lowered = [now for now, then in state.idle if then.weight == 0]
            new = state.change.new or ""
            costs = new in scene.counted and capacity.leaves_service(scene.view, servers[new], lowered)
            chosen += [(now, then) for now, then in state.idle if then.weight > 0 or not costs or room > 0]
            room -= costs
    after = scene.batch(then for _, then in chosen)
    before = {now.key: now for now, _ in chosen}
    return Do(SetWeight(tuple(before[b.key] for b in after), after), "weigh") if after else None


def _may_be_unchecked(state: ChangeStatus, scene: Situation) -> bool:
    """Tell whether nothing but weight 0 may keep the new side from being normal."""
    return all(
        is_proven(scene.view, b) or (b.weight == 0 and scene.view.verdict(b.key) is Verdict.PENDING)
        for b in state.in_now
    )


def retire(scene: Situation) -> Do | None:
    """Take out the old ones whose new ones have proven themselves, and what is gone for good."""
    replaced = [
        state
        for state in scene.states
        if state.out_now
        and not state.in_place
        and not state.given_up
        and (state.change.gone or (state.change.into and state.is_replaced))
    ]
    # What comes at weight 0 replaces nothing.
    lasting = [state for state in replaced if state.brings_weight]
    ending = [state for state in replaced if not state.brings_weight]
    return _take_out(lasting, scene, scene.floor) or _take_out(ending, scene, scene.floor_for_removals)


def remove(scene: Situation) -> Do | None:
    """Take out what nothing replaces; the guards have let it through.

    Once new ones have failed, only what leaves by itself: it is better drained than cut off.
    """
    if scene.has_stopped:
        ending = [s for s in scene.states if s.out_now and scene.view.leaves(s.change.old or "")]
        unpaired = [s for s in ending if not (s.change.into and s.serving)]
    else:
        unpaired = [s for s in scene.states if s.out_now and not s.change.into]
    return _take_out([s for s in unpaired if not s.given_up], scene, scene.floor_for_removals)


def must(scene: Situation) -> bool:
    """Tell whether no old one may be spared before a new one is in, even once what drains has left."""
    return scene.room + len(drain.under_way(scene)) <= 0


def _take_out(states: list[ChangeStatus], scene: Situation, floor: int) -> Do | None:
    room = len(scene.counted) - floor
    allowed: list[ChangeStatus] = []
    for state in states:
        if not state.costs or room > 0:
            allowed.append(state)
            room -= state.costs
    out = scene.batch(b for state in allowed if drain.is_done(state, scene) for b in state.out_now)
    return Do(Remove(out), "retire") if out else drain.begin(allowed, scene)
