"""``python -m tests.chaos``: plays schedules on all cores, and says which of them went wrong, and how."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.chaos import batches, oracle, playing, schedules

#: How often a schedule is replayed: what runs at once does not always meet in the same order.
REPLAYS = 20
#: Schedules that went wrong of which the whole story is told; the others are replayed.
STORIES = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--replay", type=int, metavar="SEED", help="play one schedule again, and tell it")
    options = parser.parse_args()
    if options.replay is not None:
        return _replay(options.replay)
    wrong = 0
    started = time.monotonic()
    chosen = [options.seed * 1_000_000 + n for n in range(options.schedules)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        played = [pool.submit(batches.play, batch) for batch in batches.of(chosen)]
        for done in as_completed(played):
            for seed, problems, told in done.result():
                wrong += 1
                _say(f"schedule {seed}: {'; '.join(problems)}")
                _say(f"  again: {sys.executable} -m tests.chaos --replay {seed}")
                if wrong <= STORIES:
                    _say(told)
    _say(f"{time.monotonic() - started:.0f} s")
    _say(f"{options.schedules} schedules, {wrong} violations")
    return 1 if wrong else 0


def _replay(seed: int) -> int:
    variant, several = schedules.variant_of(seed)
    with playing.stage(variant, several=several) as stage:
        for _ in range(REPLAYS):
            seen = stage.play(schedules.draw(seed))
            problems = oracle.judge(seen)
            if problems:
                break
    _say(oracle.story(seen))
    _say(f"schedule {seed}: {'; '.join(problems) or 'nothing wrong'}")
    return 1 if problems else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
