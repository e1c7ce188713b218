"""Taking back what was given up: the new side out again, the old side in as it was."""

from __future__ import annotations

from handler.core.deciding.situation import ChangeStatus, Situation
from handler.core.model.decisions import Do
from handler.core.model.steps import Add, Modify, Remove, SetWeight
from handler.core.model.values import Backend, Pair, Refusal


def undo(scene: Situation) -> Do | None:
    """Return the next step that brings what was given up nearer to how the run found it.

    An old one that a scaling group lists in service changes places with the new one; any other is put back
    first, and only if that succeeds is the new one taken out.
    """
    given_up = [state for state in scene.states if state.given_up]
    lowered = scene.batch(backend for state in given_up for backend in _lowered(state))
    if lowered:
        here = scene.view.group.backends
        return Do(SetWeight(tuple(here[b.key] for b in lowered), lowered), "put_back")
    pairs = scene.batch(pair for state in given_up for pair in _back_in_place(state, scene))
    if pairs:
        return Do(Modify(pairs), "take_back")
    lost = scene.batch(backend for state in given_up for backend in _lost(state, scene))
    if lost:
        return Do(Add(lost), "put_back")
    if not scene.view.fresh:
        return None  # that the old ones are back has to be seen before the new ones go
    ours = scene.batch(b for s in given_up if not _owes(s, scene) for b in _ours(s, scene))
    return Do(Remove(ours), "take_back") if ours else None


def late(scene: Situation) -> tuple[Refusal, ...]:
    """Return what is to be given up, its time being over, where that can be taken back.

    What replaces a server that is gone stays in, as does what replaces nothing: taking it out would win
    nothing. So does what was in the group before this run.
    """
    return tuple(
        Refusal(
            state.change.new or "", "not_healthy", numbers={"waited_s": int(scene.policy.health_timeout_s)}
        )
        for state in scene.pending
        if state.change.out and not state.change.gone and _ours(state, scene)
    )


def is_taken_back(scene: Situation) -> bool:
    """Tell whether nothing of what was given up for its health is left in the group."""
    return not any(_ours(state, scene) for state in scene.states if state.given_up)


def _ours(state: ChangeStatus, scene: Situation) -> tuple[Backend, ...]:
    """Return the new backends that this run put in."""
    return tuple(b for b in state.in_now if b.key not in scene.progress.start.backends)


def _lost(state: ChangeStatus, scene: Situation) -> tuple[Backend, ...]:
    """Return the old backends that are out and could come back."""
    if state.change.gone or state.change.old in scene.progress.refused:
        return ()
    here = scene.view.group.backends
    return tuple(backend for backend in state.change.out if backend.key not in here)


def _owes(state: ChangeStatus, scene: Situation) -> bool:
    """Tell whether an old backend is out, for whatever reason: then the new one is all there is."""
    here = scene.view.group.backends
    return any(backend.key not in here for backend in state.change.out)


def _lowered(state: ChangeStatus) -> tuple[Backend, ...]:
    now = {backend.key: backend.weight for backend in state.out_now}
    return tuple(b for b in state.change.out if now.get(b.key) == 0 and b.weight > 0)


def _back_in_place(state: ChangeStatus, scene: Situation) -> tuple[Pair, ...]:
    if not scene.view.serves(state.change.old or ""):
        return ()
    lost = {backend.key for backend in _lost(state, scene)}
    ours = {backend.key: backend for backend in _ours(state, scene)}
    return tuple(
        Pair(old=ours[pair.new.key], new=pair.old)
        for pair in state.change.pairs()
        if pair.old.key in lost and pair.new.key in ours
    )
