"""What a run has written, and how long a reading that shows something else is doubted."""

from __future__ import annotations

from functools import reduce

from msgspec import Struct
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
        confirmed = self.last if self.doubt and self.last and self._changed(self.last.step, read) else None
        is_applied = self.is_applied or confirmed is not None
        return replace(self, expected=read, doubt=0, past=(), is_applied=is_applied), True, confirmed

    def _hidden(self, read: Group) -> tuple[Step, ...]:
        """Return our last writes that a reading does not show: their backends are as before."""
        hidden: list[Step] = []
        for before, step in reversed(self.past):
            keys = keys_of((*old_side(step), *new_side(step)))
            if any(read.backends.get(key) != before.backends.get(key) for key in keys):
                break
            hidden.insert(0, step)
        return tuple(hidden)

    def _changed(self, step: Step, read: Group) -> bool:
        keys = keys_of((*old_side(step), *new_side(step)))
        return any(read.backends.get(key) != self.expected.backends.get(key) for key in keys)

    def left_out(self, read: Group) -> tuple[str, ...]:
        """Return the units that the last write put in but that are not in the group."""
        if self.last is None or not self.is_applied:
            return ()
        return units_of(b for b in new_side(self.last.step) if b.key not in read.backends)
