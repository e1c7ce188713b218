"""What a run has learned so far. It dies with the run; the next one reads the group instead."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from handler.core.deciding.backoff import Retry
from handler.core.deciding.writes import Isolation, Written
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.steps import Add, Do, Modify, SetWeight, Step, keys_of, new_side, old_side, units_of
from handler.core.model.values import Backend, Group, Intent, Key, Refusal, server_of
from handler.core.planning.goal import Goal, Memo

#: Results of a write that put in what it names, or may have.
_MAY_HAVE_ACTED = frozenset({Result.APPLIED, Result.UNKNOWN})
#: Seconds before a write that was refused for lack of room is sent again.
REFUSED_S = 5.0
#: Writes that any run may make: to find a bad backend, and to take back what failed.
WRITES_BESIDES = 10
#: Further writes for each entry that it changes: in, weight, drain, out.
WRITES_PER_ENTRY = 5
#: Servers refused alone for good, in a row, that make it the action: while none was written so, and later.
ALONE_AT_FIRST, ALONE_LATER = 2, 5


class RunState(Struct, frozen=True):
    """One run's memory. ``first`` is its first look; all times are seconds of the observed clock.

    ``since`` is when each new unit was put in or got its weight, ``drained`` when a backend was set to 0.
    ``taken`` are the backends that its writes took out, or tried to; ``put_in`` those that they put in, or
    may have, each with its description; ``lifted`` those that got their weight back after a drain.
    ``full_at`` is a size of the group that the load balancer has no room for; ``modify_is_full`` says that it
    has none for a Modify either. ``no_room`` is the last write refused for that, and when. ``writes`` counts
    all but busy and throttled ones. ``fatal`` is the answer to a write that will be refused again, whichever
    units it names; ``futile`` are all writes that were refused for good. ``alone`` are those of one unit, as
    action, code and server, since the action was last applied. ``settled`` is the goal of a plan, which
    nothing changes. ``others`` says when to ask Auto Scaling and ECS again, if they did not answer.
    """

    first: Observed
    written: Written
    retry: Retry = Retry()
    others: Retry = Retry()
    isolation: Isolation = field(default_factory=Isolation)
    done: tuple[Step, ...] = ()
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    drained: Mapping[Key, float] = field(default_factory=dict)
    taken: frozenset[Key] = frozenset()
    put_in: frozenset[tuple[Key, str]] = frozenset()
    lifted: frozenset[Key] = frozenset()
    full_at: int | None = None
    modify_is_full: bool = False
    no_room: tuple[Step, float] | None = None
    writes: int = 0
    fatal: Answer | None = None
    futile: tuple[Step, ...] = ()
    alone: frozenset[tuple[type[Step], str, str]] = frozenset()
    settled: Goal | None = None
    _memo: Memo = field(default_factory=Memo)

    @property
    def not_weighed(self) -> frozenset[Key]:
        """The backends of units of which a new weight was refused for good, alone."""
        tried = (step.after for step in self.futile if isinstance(step, SetWeight))
        return frozenset().union(*(keys_of(after) for after in tried if len(units_of(after)) == 1))

    @property
    def start(self) -> Group:
        """The group as this run first saw it."""
        return self.first.group

    def goal(self, intent: Intent, observed: Observed, policy: Policy) -> Goal:
        """Return the goal of the run, by what the scaling groups and ECS say now."""
        return self.settled or self._memo.goal(intent, observed, policy, self.first)

    def has_put_in(self, backend: Backend) -> bool:
        """Tell whether this run put a backend in: others may have put in the same server meanwhile."""
        return backend.key not in self.start.backends and (backend.key, backend.description) in self.put_in

    def drained_since(self, key: Key) -> float:
        """Return since when a backend drains; if it was found at weight 0, since the run began."""
        return self.drained.get(key, self.first.now)

    def health_since(self, unit: str) -> float:
        """Return since when a new unit has had the chance to become normal."""
        return self.since.get(unit, self.first.now)

    def most_writes(self, entries: int) -> int:
        """Return how many writes a run may make that changes this many entries."""
        return WRITES_BESIDES + WRITES_PER_ENTRY * entries

    def wait_for_room(self, step: Step, now: float) -> float:
        """Return how many seconds to wait before a write refused for lack of room is sent again."""
        if self.no_room is None or self.no_room[0] != step:
            return 0.0
        return max(0.0, self.no_room[1] + REFUSED_S - now)

    def failed(self, trouble: Result, now: float, jitter: float) -> RunState:
        """Return the memory after a failure that may pass."""
        return replace(self, retry=self.retry.failed(trouble.value, now, jitter))

    def waits_out(self, problem: Answer) -> bool:
        """Tell whether a look that failed is tried again: also if it is refused, once a write was sent.

        Then the run cannot leave things half done. Nothing is to be done for a group that is gone.
        """
        return problem.may_pass or (self.writes > 0 and problem.result is not Result.GONE)

    def after_failed_look(self, problem: Answer, now: float, jitter: float) -> RunState:
        """Return the memory after a look that failed."""
        if not self.waits_out(problem):
            return self
        return replace(self, retry=self.retry.failed(problem.trouble, now, jitter))

    def after_others(self, unread: Answer | None, now: float, jitter: float) -> RunState:
        """Return the memory after Auto Scaling and ECS were asked; ``unread`` is how they failed, if so."""
        if unread is None:
            return replace(self, others=Retry()) if self.others.attempts else self
        return replace(self, others=self.others.failed(unread.trouble, now, jitter))

    def after_write(self, do: Do, answer: Answer, now: float, jitter: float) -> RunState:
        """Return the memory after a step was sent and answered."""
        given_up = {refusal.subject: refusal for refusal in do.gives_up}
        result = answer.result
        counts = result not in {Result.BUSY, Result.THROTTLED}
        noted = replace(
            self,
            refused={**self.refused, **given_up},
            written=self.written.sent(do, doubtful=result is Result.UNKNOWN),
            taken=self.taken | (keys_of(old_side(do.step)) - keys_of(new_side(do.step))),
            put_in=self._put_in_by(do.step) if result in _MAY_HAVE_ACTED else self.put_in,
            writes=self.writes + counts,
        )
        match result:
            case Result.APPLIED:
                return noted._applied(do, now)
            case Result.BUSY | Result.THROTTLED | Result.UNKNOWN:
                return noted.failed(result, now, jitter)
            case Result.BAD_BACKEND:
                return noted._suspected(do, answer, now).failed(result, now, jitter)
            case Result.OVER_QUOTA if isinstance(do.step, Modify | Add):
                return noted._full(do.step, now)
            case Result.PERMANENT if do.why != "take_back":  # what failed goes whole, or not at all
                return noted._refused_for_good(do.step, answer)
            case _:  # gone, or nothing is left to try
                return replace(noted, fatal=answer, futile=(*self.futile, do.step))

    def _put_in_by(self, step: Step) -> frozenset[tuple[Key, str]]:
        if isinstance(step, SetWeight):  # it may change the description of what this run put in
            changed = zip(step.before, step.after, strict=True)
            after: tuple[Backend, ...] = tuple(new for old, new in changed if self.has_put_in(old))
        else:
            after = new_side(step)
        return self.put_in | {(backend.key, backend.description) for backend in after}

    def _applied(self, do: Do, now: float) -> RunState:
        step = do.step
        units = units_of(new_side(step))
        drained, since = dict(self.drained), dict(self.since)
        if isinstance(step, SetWeight):
            drained.update((backend.key, now) for backend in step.after if backend.weight == 0)
        if isinstance(step, Add | Modify) or do.why == "weigh":
            since.update(dict.fromkeys(units, now))
        return replace(
            self,
            written=self.written.applied(do),
            done=(*self.done, step),
            isolation=self.isolation.cleared((*units, *units_of(old_side(step)))),
            alone=frozenset(one for one in self.alone if one[0] is not type(step)),
            since=since,
            drained=drained,
            lifted=self.lifted
            | (keys_of(step.after) if do.why == "put_back" and isinstance(step, SetWeight) else set()),
            retry=Retry(),
            no_room=None,
        )

    def _refused_for_good(self, step: Step, answer: Answer) -> RunState:
        """Return the memory after a write that will be refused again, for one of its units or for any.

        A unit that is refused alone is told, and the rest goes on, until so many are that the action is.
        """
        units, reason, action = _units(step), answer.code or answer.result.value, type(step)
        noted = replace(self, isolation=self.isolation.divided(units), futile=(*self.futile, step))
        if len(units) > 1:
            return noted
        alone = self.alone | {(action, reason, server_of(unit)) for unit in units}
        most = ALONE_LATER if any(type(one) is action for one in self.done) else ALONE_AT_FIRST
        if sum(one[:2] == (action, reason) for one in alone) >= most:
            return replace(noted, alone=alone, fatal=answer)
        refused = {unit: Refusal(unit, reason) for unit in units}
        return replace(noted, alone=alone, refused={**self.refused, **refused})

    def _suspected(self, do: Do, answer: Answer, now: float) -> RunState:
        units = _units(do.step)
        patience = (self.first.deadline - self.first.now) / 4
        isolation, alone = self.isolation.suspected(units, now, patience)
        refused = {one: Refusal(one, "bad_backend", numbers={"code": answer.code}) for one in alone}
        return replace(self, isolation=isolation, refused={**self.refused, **refused})

    def _full(self, step: Step, now: float) -> RunState:
        noted = replace(self, no_room=(step, now))
        if isinstance(step, Modify):
            return replace(noted, modify_is_full=True)
        too_many = len(self.written.expected.backends) + len(new_side(step))
        return replace(noted, full_at=min(too_many, self.full_at or too_many))

    def room_for(self, entries: int, unit: int = 1) -> int:
        """Return how many of these entries to add at once: half of the room that may be left.

        ``unit`` is the number of entries of the first unit, which is added whole if there may be room for it.
        """
        if self.full_at is None:
            return entries
        left = self.full_at - len(self.written.expected.backends)
        return min(entries, max(left // 2, unit)) if unit < left else 0

    def after_read(self, read: Group, now: float, jitter: float) -> tuple[RunState, bool]:
        """Return the memory after the group was read, and whether to believe the reading.

        For a few looks a reading may lag and show the group as it was before our writes, which are then added
        to it.
        """
        written, believed, confirmed = self.written.read(read)
        if not believed:
            return replace(self, written=written), False
        state = self._applied(confirmed, now) if confirmed else self
        left_out = written.left_out(read)
        if not left_out:
            return replace(state, written=written), True
        isolation, skipped = state.isolation.skipped(left_out)
        refused = {
            one: Refusal(one, "bad_backend", numbers={"left_out": times}) for one, times in skipped.items()
        }
        noted = replace(
            state,
            written=replace(written, last=None),
            isolation=isolation,
            refused={**state.refused, **refused},
        )
        return noted.failed(Result.BAD_BACKEND, now, jitter), True


def _units(step: Step) -> tuple[str, ...]:
    """Return the units that a write names: those it puts in, or else those it takes out."""
    return units_of(new_side(step) or old_side(step))


def begin(first: Observed, settled: Goal | None = None) -> RunState:
    """Return the memory of a run after its first look."""
    return RunState(first=first, written=Written(first.group), settled=settled)
