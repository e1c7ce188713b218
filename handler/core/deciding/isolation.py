"""Isolating a bad backend: tried again for a while, then by halves until it is alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

#: Seconds for which a whole batch is tried again: a fresh instance is refused at first as a bad one is.
BAD_BACKEND_S = 30.0
#: Times that an entry may be left out of a write that succeeded.
SKIPPED_TIMES = 3


class Isolation(Struct, frozen=True):
    """Which units are suspected of being bad, in the order of the write that was refused.

    ``since`` is when the first write was refused so, ``patience`` for how many seconds the batch is tried
    whole; ``left_out`` counts how often a unit was left out of a write that succeeded.
    """

    suspects: tuple[str, ...] = ()
    since: float = float("inf")
    patience: float = BAD_BACKEND_S
    left_out: Mapping[str, int] = field(default_factory=dict)

    def focus(self, now: float) -> tuple[str, ...]:
        """Return to which units the next step is confined: half the suspects, once trying is over."""
        if not self.suspects or now - self.since < self.patience:
            return ()
        return self.suspects[: max(1, len(self.suspects) // 2)]

    def suspected(
        self, units: tuple[str, ...], now: float, patience: float
    ) -> tuple[Isolation, tuple[str, ...]]:
        """Return what is known after a write of these units was refused, and which of them are bad.

        ``patience`` is a quarter of the run's time, in seconds.
        """
        noted = replace(
            self, suspects=units, since=min(now, self.since), patience=min(BAD_BACKEND_S, patience)
        )
        if len(units) > 1 or now - noted.since < noted.patience:
            return noted, ()
        return replace(noted, suspects=()), units

    def cleared(self, units: Iterable[str]) -> Isolation:
        """Return what is known after a write of these units succeeded."""
        written = frozenset(units)
        return replace(self, suspects=tuple(unit for unit in self.suspects if unit not in written))

    def skipped(self, units: Iterable[str]) -> tuple[Isolation, dict[str, int]]:
        """Return what is known after these were left out of a write, and which were so too often."""
        counts = {**self.left_out, **{unit: self.left_out.get(unit, 0) + 1 for unit in units}}
        often = {unit: counts[unit] for unit in units if counts[unit] >= SKIPPED_TIMES}
        return replace(self, left_out=counts), often
