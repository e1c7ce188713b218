"""What a run has written, and how far a reading is believed that shows something else."""

from __future__ import annotations

from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.decisions import Do
from handler.core.model.steps import Step, after, keys_of, new_side, old_side, same, units_of
from handler.core.model.values import Group

#: Looks that may still show what was before a write of ours; then they are believed.
LAGGING_LOOKS = 5
#: Looks that must show a write of unknown result undone before it is sent again.
DOUBTFUL_LOOKS = 3


class Written(Struct, frozen=True):
    """The group as the writes of a run leave it.

    ``past`` are the writes that no reading has shown yet, each with the group before it. ``last`` is the
    last write that was applied, or may have been. ``doubt`` and ``lag`` are the looks that a write of unknown
    result, and one that does not show, still get.
    """

    expected: Group
    past: tuple[tuple[Group, Step], ...] = ()
    last: Do | None = None
    is_applied: bool = False
    doubt: int = 0
    lag: int = 0

    def sent(self, do: Do, *, doubtful: bool) -> Written:
        """Return what is known after a write was sent: the one before it is not looked for any more."""
        return replace(self, last=do, is_applied=False, doubt=DOUBTFUL_LOOKS if doubtful else self.doubt)

    def applied(self, do: Do) -> Written:
        """Return what is known after a write that succeeded."""
        return replace(
            self,
            expected=after(self.expected, do.step),
            past=(*self.past, (self.expected, do.step)),
            last=do,
            is_applied=True,
            lag=LAGGING_LOOKS,
        )

    def read(self, read: Group) -> tuple[Written, bool, Do | None]:
        """Return what is known after a reading, if it is believed, and what doubtful write it confirms."""
        if same(read, self.expected):
            return replace(self, expected=read, doubt=max(0, self.doubt - 1), past=()), True, None
        hidden = self._hidden(read) if self.lag else ()
        if hidden:
            # Somebody else's writes are in the reading, ours are not yet.
            return replace(self, expected=reduce(after, hidden, read), lag=self.lag - 1), False, None
        confirmed = self.last if self.doubt and self.last and self._changed(self.last.step, read) else None
        is_applied = self.is_applied or confirmed is not None
        return replace(self, expected=read, doubt=0, past=(), is_applied=is_applied), True, confirmed

    def _hidden(self, read: Group) -> tuple[Step, ...]:
        """Return our last writes that a reading does not show: their backends are as they were before."""
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
        """Return the units that the last write put in, and that are not in the group all the same."""
        if self.last is None or not self.is_applied:
            return ()
        return units_of(b for b in new_side(self.last.step) if b.key not in read.backends)
