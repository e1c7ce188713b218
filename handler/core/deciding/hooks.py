"""What to tell a lifecycle hook, once the targets that it concerns have been run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from handler.core.model.answers import Result
from handler.core.model.decisions import Finish
from handler.core.model.observed import Observed
from handler.core.model.steps import backends_of
from handler.core.model.values import Hook

#: Reasons that say an instance itself is no good. A full load balancer, or a busy one, is not its fault; nor
#: is an answer of ECS that does not know yet what Auto Scaling lists.
ITS_OWN_FAULT = frozenset({"not_healthy", "bad_backend", "not_running", "being_reclaimed"})
#: Reasons for which a run is raised that has done all it could; any other may yet put one back.
LEFT_TO_OTHERS = frozenset({"not_healthy", "not_in_service_yet", "not_deleted_yet"})


class Ending(Struct, frozen=True):
    """How the run over one target ended, as far as a hook is concerned.

    ``acts`` is False where nothing may be changed (mode ``plan`` or ``off``): such a target counts only for
    the backends that it still has. ``gates`` are the listeners whose check a new server has to pass.
    """

    finish: Finish
    observed: Observed
    gates: frozenset[str] = frozenset()
    acts: bool = True


def verdict(hook: Hook, endings: Sequence[Ending | None]) -> Literal["CONTINUE", "ABANDON"] | None:
    """Return what to complete the hook with; None leaves it waiting, in the end to its own default.

    Scale-out continues when any target took all its instances and they are normal, or nowhere checked. It is
    abandoned only when every instance failed in every target. Scale-in continues when no target, in whatever
    mode, has any, though something else there may have failed. Of a run that broke, None, nothing is known.
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
    """Tell whether a target is known to have none of the instances; one that could not be read is not."""
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
        b.weight and ending.observed.is_normal(b.key, ending.gates) for b in backends
    )


def _failed(instance: str, ending: Ending) -> bool:
    if any(r.subject == instance and r.reason in ITS_OWN_FAULT for r in ending.finish.refused):
        return True
    # Failed is abnormal on every listener that gates.
    backends = backends_of(ending.observed.group, instance)
    gates = ending.gates
    unhealthy = any(gates and all(ending.observed.is_abnormal(b.key, {g}) for g in gates) for b in backends)
    return unhealthy and ending.finish.reason == "not_healthy"
