"""What to tell a lifecycle hook, once the runs over its targets have ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from handler.core.model.answers import Result
from handler.core.model.observed import Observed
from handler.core.model.steps import Finish, backends_of
from handler.core.model.values import Hook, Refusal

#: Reasons that blame the instance itself, unlike a full or busy load balancer, or an ECS that lags.
ITS_OWN_FAULT = frozenset({"bad_backend", "not_running", "being_reclaimed"})
#: Reasons of a raised run that has done all it could. After others a backend may yet be put back.
LEFT_TO_OTHERS = frozenset({"not_healthy", "not_in_service_yet", "not_deleted_yet", "floor"})


class Ending(Struct, frozen=True):
    """How the run over one target ended, as far as it concerns a hook.

    ``acts`` is False in mode ``plan`` or ``off``: such a target counts only for the backends that it still
    has. ``gates`` are the listeners whose check a new server has to pass.
    """

    finish: Finish
    observed: Observed
    gates: frozenset[str] = frozenset()
    acts: bool = True


def verdict(hook: Hook, endings: Sequence[Ending | None]) -> Literal["CONTINUE", "ABANDON"] | None:
    """Return what to complete the hook with; None leaves it to its own default.

    Scale-out continues if any target has all its instances in, with a weight and proven. It is abandoned only
    if every instance failed in every target. Scale-in continues if no target, in any mode, has a backend of
    its instances, even if something else failed there. Nothing is known of a run that broke: its ending is
    None.
    """
    acting = [ending for ending in endings if ending is None or ending.acts]
    if not acting or not hook.instance_ids:
        return None
    if hook.transition == "scale_in":
        return "CONTINUE" if all(_is_out(hook, ending) for ending in endings) else None
    known = [ending for ending in acting if ending is not None]
    if any(all(_serves(instance, ending) for instance in hook.instance_ids) for ending in known):
        return "CONTINUE"
    failed = known == acting and all(_failed(i, e) for i in hook.instance_ids for e in known)
    return "ABANDON" if failed else None


def _is_out(hook: Hook, ending: Ending | None) -> bool:
    """Tell whether a target is known to have none of the hook's instances."""
    if ending is None:
        return False
    if ending.finish.outcome == "raised" and ending.finish.reason not in LEFT_TO_OTHERS:
        return False
    problem = ending.observed.problem
    if problem is not None and problem.result is not Result.GONE:
        return False
    return not holds(ending, hook)


def holds(ending: Ending, hook: Hook) -> bool:
    """Tell whether a target has a backend of a hook's instances."""
    return any(backends_of(ending.observed.group, instance) for instance in hook.instance_ids)


def _serves(instance: str, ending: Ending) -> bool:
    backends = backends_of(ending.observed.group, instance)
    return bool(backends) and all(
        b.weight and ending.observed.is_proven(b.key, ending.gates) for b in backends
    )


def _failed(instance: str, ending: Ending) -> bool:
    """Tell whether an instance was refused for its own fault, or is or was abnormal on every gate."""
    for refusal in ending.finish.refused:
        if refusal.subject == instance and (refusal.reason in ITS_OWN_FAULT or _failed_all(refusal)):
            return True
    backends = backends_of(ending.observed.group, instance)
    gates = ending.gates
    unhealthy = any(gates and all(ending.observed.is_abnormal(b.key, {g}) for g in gates) for b in backends)
    return unhealthy and ending.finish.reason == "not_healthy"


def _failed_all(refusal: Refusal) -> bool:
    """Tell whether what was taken back was abnormal on every gate, not only late."""
    gates = refusal.numbers.get("gates", 0)
    return refusal.reason == "not_healthy" and gates != 0 and gates == refusal.numbers.get("abnormal_gates")
