"""What to tell a lifecycle hook, once the targets have been run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from handler.core.model.answers import Result
from handler.core.model.decisions import Finish
from handler.core.model.observed import Observed
from handler.core.model.steps import backends_of
from handler.core.model.values import Hook, Verdict
from handler.core.planning import capacity

#: Reasons that say an instance itself is no good. A full load balancer, or a busy one, is not its fault.
ITS_OWN_FAULT = frozenset({"not_healthy", "bad_backend"})
#: Reasons for which a run is raised that has done all it could; any other may yet put one back.
LEFT_TO_OTHERS = frozenset({"not_healthy", "not_in_service_yet"})


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run over one target ended, as far as a hook is concerned."""

    finish: Finish
    view: Observed


def verdict(hook: Hook, endings: Sequence[Ending | None]) -> Literal["CONTINUE", "ABANDON"] | None:
    """Return what to complete the hook with; None leaves it waiting, in the end to its own default.

    Scale-out continues when any target took all its instances and they are normal, or nowhere checked. It is
    abandoned only when every instance failed in every target. Scale-in continues when no target has any,
    though something else there may have failed. Of a run that broke, None, nothing is known.
    """
    if not endings or not hook.instance_ids:
        return None
    if hook.transition == "scale_in":
        return "CONTINUE" if all(_is_out(hook.instance_ids, ending) for ending in endings) else None
    known = [ending for ending in endings if ending is not None]
    if any(all(_serves(instance, ending.view) for instance in hook.instance_ids) for ending in known):
        return "CONTINUE"
    failed = known == list(endings) and all(_failed(i, e) for i in hook.instance_ids for e in known)
    return "ABANDON" if failed else None


def _is_out(instances: Iterable[str], ending: Ending | None) -> bool:
    """Tell whether a target is known to have none of the instances; one that could not be read is not."""
    if ending is None:
        return False
    if ending.finish.outcome == "raised" and ending.finish.reason not in LEFT_TO_OTHERS:
        return False
    problem = ending.view.problem
    if problem is not None and problem.result is not Result.GONE:
        return False
    return not any(backends_of(ending.view.group, instance) for instance in instances)


def _serves(instance: str, view: Observed) -> bool:
    backends = backends_of(view.group, instance)
    return bool(backends) and all(b.weight > 0 and capacity.is_proven(view, b) for b in backends)


def _failed(instance: str, ending: Ending) -> bool:
    if any(r.subject == instance and r.reason in ITS_OWN_FAULT for r in ending.finish.refused):
        return True
    backends = backends_of(ending.view.group, instance)
    unhealthy = any(ending.view.verdict(b.key) is Verdict.ABNORMAL for b in backends)
    return unhealthy and ending.finish.reason == "not_healthy"
