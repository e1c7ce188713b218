"""The processes that play: imported by them, which know nothing of the command that started them."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from tests.chaos import batches


class _Over:
    """Whether this process was told to end, and whether it plays."""

    told = playing = False


def heed() -> None:
    """End at the first Ctrl-C: what is played is cleared away, and nothing else is begun."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _Over.told = True
        if _Over.playing:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, end)


def play(batch: Sequence[int]) -> list[batches.Wrong]:
    """Play a batch, and return what went wrong; after Ctrl-C, what had gone wrong by then."""
    found: list[batches.Wrong] = []
    if _Over.told:
        return found
    _Over.playing = True
    try:
        found.extend(batches.play(batch))
    except KeyboardInterrupt:
        pass
    finally:
        _Over.playing = False
    return found
