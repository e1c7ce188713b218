"""Isolating a bad backend: the batch is tried for a while, then halved until the bad one is alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

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
        return replace(noted, suspects=()), units

    def divided(self, units: tuple[str, ...]) -> Isolation:
        """Return the state after a write of these units was refused for good: their half is tried at once.

        After a unit that was refused alone, another is tried alone: if it is written, all the rest is.
        """
        batch = self.batch or units
        if len(units) > 1:
            return replace(self, suspects=units, at_once=True, batch=batch)
        left = tuple(unit for unit in batch if unit not in units)
        return replace(self, suspects=left[:1], at_once=True, batch=left)

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
