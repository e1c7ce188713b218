"""A handful of schedules; ``make chaos`` plays ten thousand."""

from __future__ import annotations

import pytest

from tests.chaos import batches, schedules

SEED = 7_000_000
#: Settings that are played here: of the scaling group's targets and of those that are told by requests.
VARIANTS = (0, 4, 11)


@pytest.mark.parametrize("several", [False, True], ids=["one writer", "several writers"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_goes_wrong(variant: int, several: bool) -> None:
    seeds = [n for n in range(SEED, SEED + 600) if schedules.variant_of(n) == (variant, several)]
    for seed, problems, story in batches.play(seeds[:4]):
        pytest.fail(f"python -m tests.chaos --replay {seed}: {problems}\n{story}")


def test_a_schedule_is_drawn_from_its_seed_alone() -> None:
    assert schedules.draw(SEED) == schedules.draw(SEED)
    assert schedules.draw(SEED) != schedules.draw(SEED + 12)
