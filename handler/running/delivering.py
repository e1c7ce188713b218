"""One delivery: its targets one after the other, none of which stops another; then its hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handler.core.deciding.hooks import Ending
from handler.core.model.values import Hook, Intent, Target
from handler.core.planning import desired
from handler.running import loop
from handler.running.hooks import Completed, Hooks
from handler.running.loop import Run, Tell
from handler.running.ports import Clock, Ess, Slb


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one intent: a run, or the name of the exception that broke it."""

    target: Target
    intent: Intent
    run: Run | None
    broken: str
    api_calls: int
    seconds: float


def deliver(
    given: Sequence[Intent],
    targets: Sequence[Target],
    slb: Callable[[], Slb],
    ess: Ess,
    clock: Clock,
    deadline: float,
    *,
    calls: Callable[[], int],
    tell: Tell,
) -> tuple[tuple[Done, ...], tuple[Completed, ...]]:
    """Run every intent, merged for each target, and complete the hooks that they carry.

    ``slb`` makes the port that one run uses, ``calls`` counts the API calls so far, ``tell`` is told of
    everything that happens. ``deadline`` is in seconds of the clock.
    """
    wanted = desired.merge(given)
    hooks = Hooks([hook for intent in wanted for hook in intent.hooks], ess, clock)
    by_name = {target.name: target for target in targets}
    done: list[Done] = []
    endings: dict[Hook, list[Ending | None]] = {}
    for at, intent in enumerate(wanted):
        target = by_name[intent.target]
        started, before = clock.now(), calls()
        share = started + (deadline - started) / (
            len(wanted) - at
        )  # one that waits leaves time for the others
        run, broken = None, ""
        try:
            run = loop.run(target, intent, slb(), ess, clock, share, tell=tell, on_wait=hooks.keep_alive)
        except Exception as error:
            broken = type(error).__name__
            tell("swap.failed", target=target.name, level="error", exc_info=True)
        done.append(Done(target, intent, run, broken, calls() - before, clock.now() - started))
        if target.mode == "apply" and not intent.dry_run:
            for hook in intent.hooks:
                endings.setdefault(hook, []).append(_ending(run))
    return tuple(done), hooks.complete(endings, deadline)


def _ending(run: Run | None) -> Ending | None:
    return None if run is None else Ending(run.finish, run.view)
