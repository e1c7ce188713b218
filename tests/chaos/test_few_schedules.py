"""A handful of schedules; ``make chaos`` plays ten thousand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.chaos import batches, schedules
from tests.support.level_c import ROOT

SEED = 7_000_000
#: Settings that are played here: of the scaling group's targets and of those that are told by requests.
VARIANTS = (0, 4, 11, 12, 13)


@pytest.mark.parametrize("several", [False, True], ids=["one writer", "several writers"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_goes_wrong(variant: int, several: bool) -> None:
    seeds = [n for n in range(SEED, SEED + 600) if schedules.variant_of(n) == (variant, several)]
    for seed, problems, story in batches.play(seeds[:4]):
        pytest.fail(f"python -m tests.chaos --replay {seed}: {problems}\n{story}")


def test_a_schedule_is_drawn_from_its_seed_alone() -> None:
    assert schedules.draw(SEED) == schedules.draw(SEED)
    assert schedules.draw(SEED) != schedules.draw(SEED + 12)


def test_the_command_plays_in_processes_of_its_own() -> None:
    done = subprocess.run(_command(2), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines()[-1] == "2 schedules, 0 violations", done.stdout + done.stderr
    assert "... 2 of 2 schedules" in done.stderr


def test_the_command_ends_at_the_first_ctrl_c() -> None:
    process = subprocess.Popen(
        _command(2000),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("...")
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted:" in told


def _command(count: int) -> list[str]:
    return [sys.executable, "-m", "tests.chaos", "--jobs", "1", "--schedules", str(count), "--seed", "5"]
