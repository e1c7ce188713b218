"""One delivery: its targets run side by side, none stops another, and hooks follow their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from handler.core.deciding.hooks import Ending
from handler.core.model.answers import CallFailed
from handler.core.model.observed import Observed
from handler.core.model.policy import Target
from handler.core.model.steps import Finish
from handler.core.model.values import Group, Hook, Intent, Scope
from handler.core.planning.merging import merge
from handler.running import loop
from handler.running.hooks import Completed, Hooks
from handler.running.loop import Run
from handler.running.ports import Means
from handler.running.scheduler import Scheduler, Task


class Done(Struct, frozen=True):
    """What became of one intent: a run, or the name of the exception that broke it."""

    target: Target
    intent: Intent
    run: Run | None
    broken: str
    api_calls: int
    seconds: float


def deliver(
    given: Sequence[Intent], targets: Sequence[Target], means: Means, *, calls: Callable[[], int]
) -> tuple[tuple[Done, ...], tuple[Completed, ...]]:
    """Run every intent, and complete the hooks that they carry; ``calls`` counts the API calls so far."""
    return _Delivery(merge(given), targets, means, calls).run()


class _Delivery:
    """The runs of one delivery. Runs on one VServer group go one after the other, and so do all requests."""

    def __init__(
        self, wanted: Sequence[Intent], targets: Sequence[Target], means: Means, calls: Callable[[], int]
    ) -> None:
        self._wanted, self._targets, self._means, self._calls = wanted, targets, means, calls
        self._by_name = {target.name: target for target in targets}
        self._hooks = Hooks([hook for intent in wanted for hook in intent.hooks], means)
        self._done: dict[int, Done] = {}
        self._closed: set[Hook] = set()
        self._completed: dict[Hook, Completed] = {}
        self._scheduler = Scheduler(means.clock, self._hooks.keep_alive)

    def run(self) -> tuple[tuple[Done, ...], tuple[Completed, ...]]:
        """Return what became of each intent, and of each hook, in the order of the delivery."""
        for lane in self._lanes():
            self._scheduler.add(self._in_turn(lane))
        self._scheduler.run()
        done = tuple(self._done[at] for at in range(len(self._wanted)))
        return done, tuple(self._completed[hook] for hook in self._hooks.all)

    def _lanes(self) -> list[list[int]]:
        """Return which intents go one after the other, by their place in the delivery."""
        groups = [self._by_name[intent.target].vserver_group_id for intent in self._wanted]
        requested = {g for g, i in zip(groups, self._wanted, strict=True) if i.scope is Scope.LITERAL}
        lanes: dict[str, list[int]] = {}
        for at, group in enumerate(groups):
            lanes.setdefault("" if group in requested else group, []).append(at)
        return list(lanes.values())

    def _in_turn(self, lane: Sequence[int]) -> Task[None]:
        for at in lane:
            intent = self._wanted[at]
            self._done[at] = yield from self._one(intent)
            for hook in intent.hooks:
                if hook not in self._closed and self._has_ended(hook):
                    self._closed.add(hook)
                    self._completed[hook] = yield from self._hooks.complete(hook, self._endings(hook))

    def _one(self, intent: Intent) -> Task[Done]:
        """Run one intent; an exception stops only this run."""
        target, started = self._by_name[intent.target], self._means.clock.now()
        run, broken, used = None, "", 0
        before = self._calls()
        try:
            task = loop.run(target, intent, self._means)
            while run is None:
                try:
                    wake_at = next(task)
                except StopIteration as ended:
                    run = ended.value
                else:
                    used += self._calls() - before
                    yield wake_at
                    before = self._calls()
        except Exception as error:
            broken = type(error).__name__
            self._means.log("swap.failed", target=target.name, level="error", exc_info=True)
        used += self._calls() - before
        return Done(target, intent, run, broken, used, self._means.clock.now() - started)

    def _has_ended(self, hook: Hook) -> bool:
        return all(at in self._done for at, intent in enumerate(self._wanted) if hook in intent.hooks)

    def _endings(self, hook: Hook) -> list[Ending | None]:
        """Return how all targets of the hook's scaling group ended, even those that are switched off."""
        concerned = [done for done in self._done.values() if hook in done.intent.hooks]
        ran = {done.target.name for done in concerned}
        off = [
            target
            for target in self._targets
            if hook.scaling_group_id in target.scaling_group_ids and target.name not in ran
        ]
        return [
            *map(_ending, concerned),
            *(self._without_run(t) for t in off if hook.transition == "scale_in"),
        ]

    def _without_run(self, target: Target) -> Ending:
        """Return what a target without a run still has in its group, or the problem with reading it."""
        slb = self._means.slb(self._means.reader())
        try:
            seen = Observed(slb.group(target.vserver_group_id), 0.0, 0.0)
        except CallFailed as failed:
            seen = Observed(Group(target.vserver_group_id, "", {}), 0.0, 0.0, problem=failed.answer)
        return Ending(Finish("ignored", "target_off"), seen, acts=False)


def _ending(done: Done) -> Ending | None:
    if done.run is None:
        return None
    acts = done.target.mode == "apply" and not done.intent.dry_run
    gates = done.run.goal.gates
    return Ending(done.run.finish, done.run.observed, gates, acts)
