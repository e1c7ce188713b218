"""Schedules that are played on one local cloud, one after the other."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence
from itertools import groupby

from tests.chaos import oracle, playing, schedules

#: Schedules on one local cloud: what it remembers of queued deliveries grows with each.
PER_CLOUD = 150
#: A schedule, what was wrong with it, and its story.
Wrong = tuple[int, list[str], str]


def of(seeds: Iterable[int]) -> list[list[int]]:
    """Schedules that can be played on the same local cloud, together."""
    ordered = sorted(seeds, key=schedules.variant_of)
    batches = []
    for _, alike in groupby(ordered, key=schedules.variant_of):
        some = list(alike)
        batches += [some[n : n + PER_CLOUD] for n in range(0, len(some), PER_CLOUD)]
    return batches


def play(batch: Sequence[int]) -> list[Wrong]:
    """Play schedules of one variant; return those that went wrong."""
    variant, several = schedules.variant_of(batch[0])
    wrong: list[Wrong] = []
    with playing.stage(variant, several=several) as stage:
        for seed in batch:
            seen = stage.play(schedules.draw(seed))
            problems = oracle.judge(seen)
            if problems:
                wrong.append((seed, problems, oracle.story(seen)))
    return wrong


class _Over:
    """Whether a worker was told to end."""

    told = playing = False


def heed() -> None:
    """End at the first Ctrl-C: what is played is cleared away, and nothing else is begun."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _Over.told = True
        if _Over.playing:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, end)


def play_unless_over(batch: Sequence[int]) -> list[Wrong]:
    """Play schedules in a worker that heeds Ctrl-C."""
    if _Over.told:
        return []
    _Over.playing = True
    try:
        return play(batch)
    except KeyboardInterrupt:
        return []
    finally:
        _Over.playing = False
