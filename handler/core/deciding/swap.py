"""Replacing in place: ModifyVServerGroupBackendServers, in waves no larger than may be spared."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from handler.core.deciding import drain
from handler.core.deciding.situation import ChangeStatus, Situation
from handler.core.model.decisions import Do
from handler.core.model.steps import Modify, Remove


def replace_free(scene: Situation) -> Do | None:
    """Replace at once what takes nothing out of service: the gone, the abnormal, the drained."""
    return _modify((s for s in scene.states if _is_free(s, scene) and drain.is_done(s, scene)), scene)


def replace_wave(scene: Situation) -> Do | None:
    """Replace as many serving ones as may be spared: until the new ones are normal, they count as lost.

    Nothing promises that ModifyVServerGroupBackendServers is atomic, or that it puts the old ones back when
    the new ones are refused.
    """
    wave = [s for s in serving(scene) if not scene.focus or s.change.new in scene.focus][: max(0, scene.room)]
    return drain.begin(wave, scene) or _modify(wave, scene)


def serving(scene: Situation) -> list[ChangeStatus]:
    """Return the changes of which the old side serves and the new side is not in yet."""
    return [s for s in scene.states if s.in_place and not s.given_up and not _is_free(s, scene)]


def _is_free(state: ChangeStatus, scene: Situation) -> bool:
    """Tell whether replacing costs nothing. Under ``surge`` only what is gone is replaced in place."""
    if not state.in_place or state.given_up:
        return False
    in_place = scene.strategy == "swap" or "surge" in scene.progress.crowded
    return state.change.gone or (in_place and not state.serving)


def _modify(states: Iterable[ChangeStatus], scene: Situation) -> Do | None:
    pairs = scene.batch(chain.from_iterable(state.in_place for state in states))
    if not pairs:
        return None
    if "modify" in scene.progress.crowded:
        return Do(Remove(tuple(pair.old for pair in pairs)), "replace")
    return Do(Modify(pairs), "replace")
