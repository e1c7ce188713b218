"""How many writers so many targets need: ``python -m bench.writers``, in a quarter of a minute.

The function's own code is played on one load balancer of 100 targets, in process, on a clock that only calls
and waits turn. What that takes is counted up for all load balancers of each writer's share, as the function
shares them out: deliveries come one after the other, so times add up, which is checked with ten.
``--whole`` plays 10,000 targets on 100 load balancers, with 16 writers, in some minutes.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench import fleet
from bench.fleet import EACH
from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.core.planning.shares import shares
from tests.support.deliveries import scaled_in, timer
from tests.support.level_b import World

#: Seconds that each call takes.
CALL_S: Final = 0.03
#: Seconds of a function's run at most, and that an event waits at most.
TIMEOUT_S, AGE_S = 600.0, 21_600.0
#: Seconds of an invocation that only sees that the event is another writer's.
IGNORED_S: Final = 0.01
DAY_S, MONTH_S, VCPU = 86_400.0, 30 * 86_400.0, 0.25
#: How often load balancers are named anew; what is told is of the draw in the middle.
DRAWS: Final = 101


@dataclass(frozen=True)
class Costs:
    """Seconds and calls, by target: of the timer's run, and of an activity that replaces a server."""

    tick_s: float
    tick_calls: float
    event_s: float
    event_calls: float


@dataclass(frozen=True)
class Asked:
    """What is asked: seconds between two runs of the timer, and activities of each target a day."""

    every_s: float
    a_day: float
    seed: int


@dataclass(frozen=True)
class Load:
    """What a writer makes of its targets: the share of its time, and seconds until an activity's turn.

    ``late_s`` is what one activity in twenty exceeds.
    """

    busy: float
    wait_s: float
    late_s: float


def main() -> int:
    """Print what one target takes, then a row for each size and number of writers."""
    parser = argparse.ArgumentParser(prog="python -m bench.writers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-s", type=float, default=300.0, help="between two runs of the timer")
    parser.add_argument("--a-day", type=float, default=1.0, help="scaling activities of a target a day")
    parser.add_argument("--whole", action="store_true", help="play 10,000 targets with 16 writers")
    given = parser.parse_args()
    asked = Asked(given.every_s, given.a_day, given.seed)
    costs = played()
    half = 0.5 / (costs.tick_s / asked.every_s + costs.event_s * asked.a_day / DAY_S)
    print(
        f"a target: {costs.tick_calls:.1f} calls, {costs.tick_s:.3f} s of a run of the timer; "
        f"{costs.event_calls:.0f} calls, {costs.event_s:.2f} s for an activity\n"
        f"a run of the timer takes {asked.every_s:g} s with {asked.every_s / costs.tick_s:,.0f} targets, "
        f"{TIMEOUT_S:g} s with {TIMEOUT_S / costs.tick_s:,.0f}\n"
        f"a writer is busy half of its time with {half:,.0f} targets of {asked.a_day:g} activities a day\n"
    )
    if given.whole:
        return whole(costs)
    print("targets  on  writers  most  timer  busy   waits  5 % wait  all replaced  calls  vCPU-s a month")
    for balancers in (1, 5, 10, 20, 50, 100):
        for writers in (1, 2, 4, 8, 16):
            if writers <= balancers:
                print(row(balancers, writers, costs, asked), flush=True)
    return 0


def played() -> Costs:
    """Play one load balancer, and see that ten take ten times as long."""
    idle = _deliver(1, [timer()], gone=False)
    ten = _deliver(10, [timer()], gone=False)
    assert abs(ten[0] / idle[0] - 10) < 0.05, (idle, ten)
    events = [scaled_in(f"i-0-{n}a", f"0-{n}") for n in range(EACH)]
    replaced = _deliver(1, events, gone=True)
    return Costs(idle[0] / EACH, idle[1] / EACH, replaced[0] / EACH, replaced[1] / EACH)


def whole(costs: Costs) -> int:
    """Let 16 functions play the timer over 10,000 targets: each once, in the time that was counted."""
    targets = list(fleet.targets(100))
    seen: Counter[str] = Counter()
    for number in range(1, 17):
        world = World(targets=targets, environ={"SWAP_SHARD": f"{number}/16"})
        told, seconds, calls = _played(world, 100, timer(), gone=False)
        names = [one["target"] for one in told.result["targets"]]
        seen.update(names)
        counted = f"{len(names) * costs.tick_s:.1f} s counted"
        print(
            f"{number:2}/16: {len(names):5} targets, {calls:6} calls, {seconds:5.1f} s, {counted}", flush=True
        )
    assert seen == Counter(one["name"] for one in targets)
    print("each of 10,000 targets had one writer")
    return 0


def _deliver(balancers: int, events: Sequence[Mapping[str, Any]], *, gone: bool) -> tuple[float, int]:
    """Return the seconds and the calls that deliveries take, one after the other."""
    world = World(targets=list(fleet.targets(balancers)))
    seconds = calls = 0.0
    for event in events:
        told, took, made = _played(world, balancers, event, gone=gone)
        assert told.outcome == ("applied" if gone else "unchanged"), told
        seconds, calls = seconds + took, calls + made
    return seconds, int(calls)


def _played(world: World, balancers: int, event: Mapping[str, Any], *, gone: bool) -> tuple[Any, float, int]:
    """Return what a delivery to load balancers as they were came to, its seconds and its calls."""
    if not world.timeline:
        world.cloud.replace(fleet.state(balancers, gone=gone))
        world.cloud.use_clock(world.clock.now)
        world.on_call = lambda _: world.clock.sleep(CALL_S)
    at, made = world.clock.at, len(world.timeline)
    told = world.deliver(event)
    return told, world.clock.at - at, len(world.timeline) - made


def row(balancers: int, writers: int, costs: Costs, asked: Asked) -> str:
    """Return the row of one size and number of writers."""
    targets = balancers * EACH
    sizes = _sizes(balancers, writers, asked.seed)
    loads = [_load(size, targets, costs, asked, at) for at, size in enumerate(sizes)]
    ticks, done = max(sizes) * costs.tick_s, max(sizes) * costs.event_s
    events = targets * asked.a_day * MONTH_S / DAY_S
    seconds = sum(one.busy for one in loads) * MONTH_S + events * (writers - 1) * IGNORED_S
    calls = targets * costs.tick_calls * MONTH_S / asked.every_s + events * costs.event_calls
    kept = max(one.busy for one in loads) < 1
    waits = [_in_words(max(getattr(one, name) for one in loads)) for name in ("wait_s", "late_s")]
    month = f"{f'{calls / 1e6:.0f} M':>5}  {f'{seconds * VCPU / 1e3:,.0f} k':>6}" if kept else "    -       -"
    return (
        f"{targets:7,} {balancers:3}  {writers:7} {max(sizes):5,}  "
        f"{f'{ticks:.0f} s' if ticks <= TIMEOUT_S else 'never':>5}  {max(one.busy for one in loads):4.0%} "
        f"{waits[0] if kept else 'grows':>7}  {waits[1] if kept else 'grows':>8}  "
        f"{_in_words(done) + ('' if done <= AGE_S else ', too late'):>12}  "
        f"{month}"
    )


def _sizes(balancers: int, writers: int, seed: int) -> list[int]:
    """Return how many targets each writer has, of load balancers with names as they are."""
    by = random.Random(seed)
    drawn: list[list[int]] = []
    for _ in range(DRAWS):
        found: Counter[int] = Counter()
        for _ in range(balancers):
            balancer = f"lb-bp1{by.getrandbits(80):020x}"
            one = Target("t", "rsp-t", (), "apply", Policy(Marks("t")), balancer)
            found[shares([one], writers)["rsp-t"]] += EACH
        drawn.append([found[writer] for writer in range(1, writers + 1)])
    return sorted(drawn, key=max)[DRAWS // 2]


def _load(mine: int, targets: int, costs: Costs, asked: Asked, writer: int) -> Load:
    """Play a writer's queue for a day: the timer, its own activities at random, and all others', ignored."""
    by = random.Random(asked.seed + writer)
    arrivals = [(at, False) for at in _at_random(by, mine * asked.a_day / DAY_S)]
    arrivals += [(asked.every_s * n, True) for n in range(int(DAY_S / asked.every_s))]
    ignored = (targets - mine) * asked.a_day / DAY_S * IGNORED_S  # a share of the time, everywhere alike
    free, used = 0.0, 0.0
    waits = [0.0]
    for at, ticks in sorted(arrivals):
        takes = min(mine * costs.tick_s, TIMEOUT_S) if ticks else costs.event_s
        takes /= 1 - min(ignored, 0.9)
        begins = max(at, free)
        if not ticks:
            waits.append(begins - at)
        free, used = begins + takes, used + takes
    waits.sort()
    return Load(min(used / DAY_S, 1.0), sum(waits) / len(waits), waits[int(len(waits) * 0.95)])


def _at_random(by: random.Random, rate: float) -> Iterator[float]:
    """Yield moments of a day, ``rate`` a second on average."""
    at = by.expovariate(rate) if rate else DAY_S
    while at < DAY_S:
        yield at
        at += by.expovariate(rate)


def _in_words(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    raise SystemExit(main())
