"""``python -m tests.chaos``: plays schedules on all cores, and says which of them went wrong, and how."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TextIO

from tests.chaos import batches, oracle, playing, schedules, workers

#: How often a schedule is replayed: what runs at once does not always meet in the same order.
REPLAYS = 20
#: Schedules that went wrong of which the whole story is told; the others are replayed.
STORIES = 3
#: What a shell gives for a command that Ctrl-C ended.
INTERRUPTED = 130


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
    with ProcessPoolExecutor(options.jobs, mp_context=spawn, initializer=workers.heed) as pool:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # so do workers, until they heed it
        played = {pool.submit(workers.play, batch): len(batch) for batch in batches.of(chosen)}
        signal.signal(signal.SIGINT, before)
        over = 0
        try:
            for done in as_completed(played):
                wrong += _tell(done.result(), wrong)
                over += played[done]
                seconds = time.monotonic() - started
                said = f"... {over} of {options.schedules} schedules in {seconds:.0f} s, {wrong} violations"
                _say(said, sys.stderr)
        except KeyboardInterrupt:
            running = [each for each in played if each.running()]
            for worker in multiprocessing.active_children():
                os.kill(worker.pid or 0, signal.SIGINT)
            pool.shutdown(cancel_futures=True)
            for each in running:
                wrong += _tell(each.result(), wrong)
            _say(f"interrupted: {over} schedules, {wrong} violations so far", sys.stderr)
            return INTERRUPTED
    _say(f"{time.monotonic() - started:.0f} s")
    _say(f"{options.schedules} schedules, {wrong} violations")
    return 1 if wrong else 0


def _tell(found: list[batches.Wrong], before: int) -> int:
    """Tell what went wrong, and return how much it was; of the first there is the whole story."""
    for at, (seed, problems, story) in enumerate(found, before):
        _say(f"schedule {seed}: {'; '.join(problems)}")
        _say(f"  again: {sys.executable} -m tests.chaos --replay {seed}")
        if at < STORIES:
            _say(story)
    return len(found)


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


def _say(text: str, to: TextIO | None = None) -> None:
    out = to or sys.stdout
    out.write(f"{text}\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
