"""What a run has learned so far; it dies with the run, and the next one reads the group instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from handler.core.deciding import backoff
from handler.core.model.answers import Answer, Result
from handler.core.model.decisions import Do
from handler.core.model.observed import Observed
from handler.core.model.steps import (
    Add,
    Modify,
    SetWeight,
    Step,
    after,
    keys_of,
    new_side,
    old_side,
    same,
    servers_of,
)
from handler.core.model.values import Group, Key, Refusal

#: Seconds for which a whole batch is tried again: a fresh instance is refused at first as a bad one is.
BAD_BACKEND_S = 30.0
#: Looks that may still show what was before a write of ours; then they are believed.
LAGGING_LOOKS = 5
#: Looks that must show a write of unknown result undone before it is sent again.
DOUBTFUL_LOOKS = 3
#: Times that an entry may be left out of a write that succeeded.
SKIPPED_TIMES = 3


@dataclass(frozen=True, slots=True)
class RunState:
    """One run's memory. ``first`` is its first look; all times are seconds of the view's clock."""

    first: Observed
    expected: Group
    past: tuple[Group, ...] = ()
    done: tuple[Step, ...] = ()
    last: Do | None = None
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    suspects: tuple[str, ...] = ()
    bad_since: float = float("inf")
    halving: bool = False
    skipped: Mapping[str, int] = field(default_factory=dict)
    crowded: frozenset[str] = frozenset()
    wave_since: float = 0.0
    drained: Mapping[Key, float] = field(default_factory=dict)
    attempts: int = 0
    retry_at: float = 0.0
    trouble: str = ""
    doubt: int = 0
    lag: int = 0
    fatal: Answer | None = None

    @property
    def start(self) -> Group:
        """The group as this run first saw it."""
        return self.first.group

    def drained_since(self, key: Key) -> float:
        """Return since when a backend drains; one that was found at weight 0, since the run began."""
        return self.drained.get(key, self.first.now)

    def focus(self, now: float) -> tuple[str, ...]:
        """Return to which servers the next step is confined: half the suspects, once trying is over."""
        if not self.suspects or not self._may_halve(now):
            return ()
        return self.suspects[: max(1, len(self.suspects) // 2)]

    def _may_halve(self, now: float) -> bool:
        """Tell whether trying is over; for a full load balancer there is nothing to wait for."""
        if self.halving:
            return True
        patience = min(BAD_BACKEND_S, (self.first.deadline - self.first.now) / 4)
        return now - self.bad_since >= patience

    def failed(self, trouble: Result, now: float, jitter: float) -> RunState:
        """Return the memory after a failure that may pass."""
        attempts = self.attempts + 1
        retry_at = now + backoff.delay(attempts, jitter)
        return replace(self, attempts=attempts, retry_at=retry_at, trouble=trouble.value)

    def did(self, do: Do, answer: Answer, now: float, jitter: float) -> RunState:
        """Return the memory after a step was sent, given what was answered."""
        given_up = {refusal.subject: refusal for refusal in do.gives_up}
        told = replace(self, refused={**self.refused, **given_up}, last=do)
        match answer.result:
            case Result.APPLIED:
                return told._applied(do, now)
            case Result.BUSY | Result.THROTTLED:
                return told.failed(answer.result, now, jitter)
            case Result.UNKNOWN:
                return replace(told, doubt=DOUBTFUL_LOOKS).failed(answer.result, now, jitter)
            case Result.BAD_BACKEND:
                bad = replace(told, bad_since=min(now, self.bad_since), halving=False)
                return bad._suspected(do, answer, now).failed(answer.result, now, jitter)
            case Result.OVER_QUOTA if isinstance(do.step, Modify):
                return replace(told, crowded=self.crowded | {"modify"})
            case Result.OVER_QUOTA if do.why == "surge":
                return replace(told, crowded=self.crowded | {"surge"})
            case Result.OVER_QUOTA:
                return replace(told, halving=True)._suspected(do, answer, now)
            case _:  # gone, or refused for good
                return replace(told, fatal=answer)

    def _applied(self, do: Do, now: float) -> RunState:
        step = do.step
        written = frozenset(servers_of(new_side(step)))
        drained = dict(self.drained)
        if isinstance(step, SetWeight):
            drained.update((backend.key, now) for backend in step.after if backend.weight == 0)
        raises = isinstance(step, Add | Modify) or (isinstance(step, SetWeight) and do.why == "weigh")
        return replace(
            self,
            expected=after(self.expected, step),
            past=(*self.past, self.expected),
            done=(*self.done, step),
            suspects=tuple(server for server in self.suspects if server not in written),
            wave_since=now if raises else self.wave_since,
            drained=drained,
            attempts=0,
            lag=LAGGING_LOOKS,
        )

    def _suspected(self, do: Do, answer: Answer, now: float) -> RunState:
        servers = servers_of(new_side(do.step) or old_side(do.step))
        if len(servers) > 1 or not self._may_halve(now):
            return replace(self, suspects=servers)
        full = answer.result is Result.OVER_QUOTA
        reason = "over_quota" if full else "bad_backend"
        refusal = Refusal(servers[0], reason, numbers={"code": answer.code})
        crowded = self.crowded | {"add"} if full else self.crowded
        return replace(self, suspects=(), crowded=crowded, refused={**self.refused, servers[0]: refusal})

    def looked(self, read: Group, now: float, jitter: float) -> tuple[RunState, bool]:
        """Return the memory after the group was read, and whether the reading is to be believed.

        A reading that shows the group as it was before a write of this run lags, for a few looks; our writes
        are then laid over it.
        """
        if same(read, self.expected):
            return replace(self, expected=read, doubt=max(0, self.doubt - 1), past=()), True
        if self.lag and any(same(read, group) for group in self.past):
            return replace(self, lag=self.lag - 1), False
        believed = replace(self._come_true(read, now), expected=read, doubt=0, past=())
        return believed._left_out(read, now, jitter), True

    def _come_true(self, read: Group, now: float) -> RunState:
        """Return the memory with a write of unknown result as done, where the reading shows that it was."""
        if not self.doubt or self.last is None:
            return self
        step = self.last.step
        keys = keys_of((*old_side(step), *new_side(step)))
        changed = any(read.backends.get(key) != self.expected.backends.get(key) for key in keys)
        return self._applied(self.last, now) if changed else self

    def _left_out(self, read: Group, now: float, jitter: float) -> RunState:
        """Note which entries of the last write, which was applied, are not in the group all the same."""
        if self.last is None or not self.done or self.last.step is not self.done[-1]:
            return self
        missing = servers_of(b for b in new_side(self.last.step) if b.key not in read.backends)
        if not missing:
            return self
        skipped = {**self.skipped, **{server: self.skipped.get(server, 0) + 1 for server in missing}}
        refused = dict(self.refused)
        for server in missing:
            if skipped[server] >= SKIPPED_TIMES:
                refused[server] = Refusal(server, "bad_backend", numbers={"left_out": skipped[server]})
        return replace(self, skipped=skipped, refused=refused, last=None).failed(
            Result.BAD_BACKEND, now, jitter
        )


def begin(view: Observed) -> RunState:
    """Return the memory of a run that has had its first look."""
    return RunState(first=view, expected=view.group, wave_since=view.now)
