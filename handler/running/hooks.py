"""Lifecycle hooks: kept waiting during a run, and completed once after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from handler.core.deciding import backoff, hooks
from handler.core.deciding.hooks import Ending, holds
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.values import Hook
from handler.running.ports import Means
from handler.running.scheduler import Task

#: Seconds until the first heartbeat: a hook may time out after 30 (CreateLifecycleHook, HeartbeatTimeout).
FIRST_S = 10.0
#: Seconds between heartbeats: each gives 600 more, and there are 20 at most (RecordLifecycleActionHeartbeat).
EVERY_S = 240.0
#: How often completing is tried.
TRIES = 4


class Completed(Struct, frozen=True):
    """What became of a hook. ``result`` is None if it was left waiting; a ``failed`` hook waits too.

    ``may_pass`` tells whether to try again after a failure, ``kept_by_inactive`` whether a hook was left
    because a target in mode ``plan`` or ``off`` still has its instances.
    """

    hook: Hook
    result: str | None
    code: str = ""
    failed: bool = False
    may_pass: bool = False
    kept_by_inactive: bool = False


class Hooks:
    """The hooks of one delivery."""

    def __init__(self, hooks: Iterable[Hook], means: Means) -> None:
        self._ess, self._clock, self._deadline = means.ess, means.clock, means.deadline
        self._next = self._clock.now() + FIRST_S
        self._completed: set[Hook] = set()
        self.all = tuple(dict.fromkeys(hooks))
        self._recovered: dict[Hook, Hook] = {}

    def keep_alive(self) -> None:
        """Ask for more time now and then; a failed heartbeat is no reason to stop."""
        if self._clock.now() < self._next:
            return
        self._next = self._clock.now() + EVERY_S
        for hook in self.all:
            if hook not in self._completed:
                with suppress(CallFailed):
                    known = self._known(hook)
                    if known is not None:
                        self._ess.heartbeat(known)

    def complete(self, hook: Hook, endings: Sequence[Ending | None]) -> Task[Completed]:
        """Complete a hook, or leave it, by how its targets ended."""
        self._completed.add(hook)
        result = hooks.verdict(hook, endings)
        if result is None:
            kept = any(ending and not ending.acts and holds(ending, hook) for ending in endings)
            return Completed(hook, None, kept_by_inactive=kept)
        attempt = 1
        while True:
            answer = self._tell(hook, result)
            if answer.result in {Result.APPLIED, Result.GONE}:
                return Completed(hook, result, answer.code)
            wake_at = self._clock.now() + backoff.delay(attempt, self._clock.jitter())
            if not answer.may_pass or attempt == TRIES or wake_at >= self._deadline:
                return Completed(hook, result, answer.code, failed=True, may_pass=answer.may_pass)
            yield wake_at
            attempt += 1

    def _tell(self, hook: Hook, result: Literal["CONTINUE", "ABANDON"]) -> Answer:
        try:
            known = self._known(hook)
        except CallFailed as failed:
            return failed.answer
        # No action of the activity waits: it was completed before, or has timed out.
        return (
            Answer(Result.GONE, "no_pending_action") if known is None else self._ess.complete(known, result)
        )

    def _known(self, hook: Hook) -> Hook | None:
        """Return the hook with its token, read if the message lost it; None if no action waits.

        Raises CallFailed.
        """
        if hook.token is not None or hook.activity_id is None:
            return hook
        if hook not in self._recovered:
            for other in self._ess.pending_hooks(hook.activity_id):
                if set(other.instance_ids) & set(hook.instance_ids) and hook.id in {"", other.id}:
                    self._recovered[hook] = replace(hook, id=other.id, token=other.token)
        return self._recovered.get(hook)
