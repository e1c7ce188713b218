"""Runs mutated deliveries to the end, and checks that none writes what nobody asked for.

``python -m tests.fuzz.fuzz_writes --count N --seed S``. A mutated event may well be another valid event. So
what it may do is what its bytes name, and what the next timer would do anyway: nothing else leaves the
group, nothing else enters it, and the floor holds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from functools import cache

from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.running.delivering import deliver
from handler.triggers.reading import read
from localcloud.cloud import Cloud
from tests.fuzz.fuzz_deliveries import corpus, mutate, texts
from tests.support.level_a import Calls, FakeClock, means_of
from tests.support.triggers import EVENTS, NOW, REGION, SECRET

WEB = Target("web", "rsp-web", ("asg-web",), "apply", Policy(marks=Marks("web"), ports=(8080,)))
TIMER = json.dumps({"triggerTime": "2026-01-01T00:00:00Z", "triggerName": "t", "payload": ""}).encode()


@cache
def start() -> Cloud:
    return Cloud(json.loads((EVENTS / "state.json").read_text()))


def servers(cloud: Cloud) -> set[str]:
    return {backend.server_id for backend in cloud.world.groups["rsp-web"].backends}


def run_one(data: bytes) -> Cloud:
    """Run a delivery on the state of events/, and return the cloud that it leaves behind."""
    cloud = start().copy()
    found = read(data, targets=(WEB,), region=REGION, now=NOW, secrets=(SECRET,))
    if found.intents:
        calls, clock = Calls(cloud), FakeClock()
        means = means_of(calls, clock, clock.now() + 600)
        deliver(found.intents, (WEB,), means, calls=lambda: len(calls.actions))
    return cloud


def check(data: bytes) -> str | None:
    """Return what a delivery did that nobody asked for, or None."""
    before, after = servers(start()), servers(run_one(data))
    expected = servers(run_one(TIMER))
    gone, new = before - after, after - before
    if not gone and not new:
        return None
    named = {one for text in texts(data) for one in (gone | new) if one in text}
    if unasked := gone - named - (before - expected):
        return f"it takes out {unasked}"
    if unasked := new - named - (expected - before):
        return f"it puts in {unasked}"
    if len(after) < 2:
        return f"it leaves {len(after)} of {len(before)}"
    return None


def run(count: int, seed: int) -> list[str]:
    """Return what went wrong in a number of mutations; the same seed gives the same ones."""
    seeds = corpus()
    wrong: list[str] = []
    for index in range(count):
        origin = seeds[index % len(seeds)]
        data = mutate(origin, seeds, random.Random(f"{seed}-{index}"))
        try:
            problem = check(data)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            wrong.append(f"{origin.name}, mutation {index} of seed {seed}: {problem}: {data[:400]!r}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = run(options.count, options.seed)
    for line in wrong[:20]:
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"{options.count} deliveries run to the end, {len(wrong)} violations\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
