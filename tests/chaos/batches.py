"""Schedules that are played on one local cloud, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from tests.chaos import oracle, playing, schedules

#: Schedules on one local cloud, and between two words of how far it is.
PER_CLOUD = 25
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


def play(batch: Sequence[int]) -> Iterator[Wrong]:
    """Play schedules of one variant; yield those that go wrong."""
    variant, several = schedules.variant_of(batch[0])
    with playing.stage(variant, several=several) as stage:
        for seed in batch:
            seen = stage.play(schedules.draw(seed))
            problems = oracle.judge(seen)
            if problems:
                yield seed, problems, oracle.story(seen)
