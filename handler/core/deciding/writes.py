"""What a run knows of its writes: what a reading should show by now, and which backend is bad.

A reading that shows something else is doubted for a while. A refused batch is tried whole for a while, then
halved until the bad backend is alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import takewhile

from msgspec import Struct, field
from msgspec.structs import replace

from handler.core.model.steps import Do, Step, after, keys_of, new_side, old_side, same, units_of
from handler.core.model.values import Group

#: Looks that may still show the group as it was before a write of ours; after that they are believed.
LAGGING_LOOKS = 5
#: Looks that must not show a write of unknown result before it is sent again.
DOUBTFUL_LOOKS = 3


class Written(Struct, frozen=True):
    """The group as the writes of a run leave it.

    ``past`` are the writes that no reading has shown yet, each with the group before it. ``last`` is the last
    write that was applied, or may have been. ``doubt`` counts the looks left for a write of unknown result,
    ``lag`` those for a write that no reading shows.
    """

    expected: Group
    past: tuple[tuple[Group, Step], ...] = ()
    last: Do | None = None
    is_applied: bool = False
    doubt: int = 0
    lag: int = 0

    def sent(self, do: Do, *, doubtful: bool) -> Written:
        """Return the state after a write was sent; the write before it is not looked for any more."""
        return replace(self, last=do, is_applied=False, doubt=DOUBTFUL_LOOKS if doubtful else self.doubt)

    def applied(self, do: Do) -> Written:
        """Return the state after a write that succeeded."""
        return replace(
            self,
            expected=after(self.expected, do.step),
            past=(*self.past, (self.expected, do.step)),
            last=do,
            is_applied=True,
            lag=LAGGING_LOOKS,
        )

    def read(self, read: Group) -> tuple[Written, bool, Do | None]:
        """Return the state after a reading, whether to believe it, and a doubtful write that it confirms."""
        if same(read, self.expected):
            return replace(self, expected=read, doubt=max(0, self.doubt - 1), past=()), True, None
        hidden = self._hidden(read) if self.lag else ()
        if hidden:
            # The reading shows the writes of others, but not ours yet.
            return replace(self, expected=reduce(after, hidden, read), lag=self.lag - 1), False, None
        confirmed = (
            self.last if self.doubt and self.last and _differ(read, self.expected, self.last.step) else None
        )
        is_applied = self.is_applied or confirmed is not None
        return replace(self, expected=read, doubt=0, past=(), is_applied=is_applied), True, confirmed

    def _hidden(self, read: Group) -> tuple[Step, ...]:
        """Return our last writes that a reading does not show: their backends are as before."""
        hidden = takewhile(lambda past: not _differ(read, past[0], past[1]), reversed(self.past))
        return tuple(step for _, step in hidden)[::-1]

    def left_out(self, read: Group) -> tuple[str, ...]:
        """Return the units that the last write put in but that are not in the group."""
        if self.last is None or not self.is_applied:
            return ()
        return units_of(b for b in new_side(self.last.step) if b.key not in read.backends)


def _differ(one: Group, other: Group, step: Step) -> bool:
    """Tell whether two groups differ in the backends of a step."""
    keys = keys_of((*old_side(step), *new_side(step)))
    return any(one.backends.get(key) != other.backends.get(key) for key in keys)


#: Seconds for which a whole batch is retried: a fresh instance is refused at first, just like a bad one.
BAD_BACKEND_S = 30.0
#: How often a successful write may leave an entry out.
SKIPPED_TIMES = 3


class Isolation(Struct, frozen=True):
    """Which units are suspected of being bad, in the order of the refused write.

    ``since`` is when the first such write was refused, ``patience`` for how many seconds the batch is tried
    whole; not ``at_once``, after a refusal that does not pass. ``batch`` are the units of such a write that
    are neither written nor refused yet. ``left_out`` counts how often a successful write left a unit out.
    """

    suspects: tuple[str, ...] = ()
    at_once: bool = False
    batch: tuple[str, ...] = ()
    since: float = float("inf")
    patience: float = BAD_BACKEND_S
    left_out: Mapping[str, int] = field(default_factory=dict)

    def focus(self, now: float) -> tuple[str, ...]:
        """Return the units to which the next step is confined: half the suspects, once patience is over."""
        if not self.suspects or (not self.at_once and now - self.since < self.patience):
            return ()
        return self.suspects[: max(1, len(self.suspects) // 2)]

    def suspected(
        self, units: tuple[str, ...], now: float, patience: float
    ) -> tuple[Isolation, tuple[str, ...]]:
        """Return the state after a write of these units was refused, and which of them are bad.

        ``patience`` is a quarter of the run's time, in seconds.
        """
        noted = replace(
            self,
            suspects=units,
            at_once=False,
            since=min(now, self.since),
            patience=min(BAD_BACKEND_S, patience),
        )
        if len(units) > 1 or now - noted.since < noted.patience:
            return noted, ()
        return replace(noted, suspects=(), batch=()), units

    def divided(self, units: tuple[str, ...]) -> Isolation:
        """Return the state after a write of these units was refused for good: their half is tried at once.

        After a unit that was refused alone, the last of them is tried alone: if it is written, all the rest
        is. Neighbours may share what is wrong with them.
        """
        batch = self.batch or units
        if len(units) > 1:
            return replace(self, suspects=units, at_once=True, batch=batch)
        left = tuple(unit for unit in batch if unit not in units)
        return replace(self, suspects=left[-1:], at_once=True, batch=left)

    def cleared(self, units: Iterable[str]) -> Isolation:
        """Return the state after a write of these units succeeded."""
        written = frozenset(units)
        suspects = tuple(unit for unit in self.suspects if unit not in written)
        batch = tuple(unit for unit in self.batch if unit not in written) if suspects else ()
        return replace(self, suspects=suspects, batch=batch)

    def skipped(self, units: Iterable[str]) -> tuple[Isolation, dict[str, int]]:
        """Return the state after a write left these units out, and those left out too often."""
        counts = {**self.left_out, **{unit: self.left_out.get(unit, 0) + 1 for unit in units}}
        often = {unit: counts[unit] for unit in units if counts[unit] >= SKIPPED_TIMES}
        return replace(self, left_out=counts), often
