"""Plays sequences of deliveries at random, and asks the oracle about each world.

``python -m tests.explore --for 600 --seed 1`` ends after so many seconds with ``N worlds, 0 violations``.
``python -m tests.explore --replay 'target web; in web i-0 80=100; > request web t:i-0'`` tells one's story.
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.explore import dimensions
from tests.explore.drawing import draw
from tests.explore.oracle.judging import violations
from tests.explore.playing import Played, play
from tests.explore.sequences import BOUNDS, Bound, reached
from tests.explore.sequences import work as worlds_of
from tests.explore.shrinking import rule, shrink
from tests.explore.worlds import World, of_text

#: How often each dimension was taken out in this process: the rarest is asked next.
_ASKED: Counter[str] = Counter()
#: Worlds that a process plays before it tells what it has found.
CHUNK = 60
PROGRESS_S = 30.0


@dataclass
class Tally:
    """What was found in some worlds."""

    worlds: int = 0
    met: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what was found elsewhere."""
        self.worlds += other.worlds
        self.met += other.met
        self.compared += other.compared
        self.changed += other.changed
        self.excused += other.excused
        self.found += other.found


def explore(played: Played, tally: Tally, random: Random) -> None:
    """Judge one world, and ask what one part of it contributed."""
    found = violations(played)
    tally.worlds += 1
    tally.excused.update(set(played.excused))
    tally.found += [(str(played.world), one) for one in found]
    there = dimensions.met(played)
    tally.met.update(there)
    if there and random.random() < dimensions.SHARE:
        name = min(there, key=lambda one: (_ASKED[one], one))
        _ASKED[name] += 1
        tally.compared[name] += 1
        tally.changed[name] += dimensions.changes(played, name)


def _chunk(work: tuple[int, int]) -> Tally:
    seed, number = work
    random, tally = Random(f"{seed}/{number}"), Tally()
    for _ in range(CHUNK):
        explore(play(draw(random)), tally, random)
    return tally


def _reach(work: tuple[World, bool, bool]) -> Tally:
    world, faults, readings = work
    random, tally = Random(str(world)), Tally()
    for played in reached(world, faults=faults, readings=readings):
        explore(played, tally, random)
    return tally


def every(bounds: Iterable[Bound], jobs: int) -> Iterator[Tally]:
    """Yield what is found in every world within some bounds."""
    if jobs == 1:
        yield from map(_reach, worlds_of(bounds))
        return
    with multiprocessing.Pool(jobs, _unheeding) as pool:
        yield from pool.imap_unordered(_reach, list(worlds_of(bounds)), chunksize=8)


def _walk(seed: int) -> Iterator[tuple[int, int]]:
    number = 0
    while True:
        yield seed, number
        number += 1


def walked(seed: int, seconds: float, jobs: int) -> Iterator[Tally]:
    """Yield what is found, chunk by chunk, for so many seconds."""
    until = time.monotonic() + seconds
    if jobs == 1:
        for work in _walk(seed):
            yield _chunk(work)
            if time.monotonic() >= until:
                return
    work = _walk(seed)
    with multiprocessing.Pool(jobs, _unheeding) as pool:
        waiting = [pool.apply_async(_chunk, (next(work),)) for _ in range(2 * jobs)]
        while time.monotonic() < until:
            yield waiting.pop(0).get()
            waiting.append(pool.apply_async(_chunk, (next(work),)))


def _unheeding() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def replay(text: str) -> int:
    """Tell the story of one world, and what the oracle says of it."""
    world = of_text(text)
    played = play(world)
    for line in story(played):
        print(line)
    found = violations(played)
    print(*(f"VIOLATION {one}" for one in found) if found else ["no violation"], sep="\n")
    return bool(found)


def story(played: Played) -> Iterator[str]:
    """Tell a world: every delivery, every call, and every instant of its groups."""
    history = played.cloud.world.history
    told = 0
    happened = list(played.happened)

    def instants(upto: int) -> Iterator[str]:
        nonlocal told
        while told < upto:
            while happened and happened[0][0] <= told:
                _, step, when = happened.pop(0)
                yield f"  {when:7.1f}  ~ {step.kind} {' '.join(step.words)}"
            instant = history[told]
            rows = [f"{b.server_id}{'@' + b.server_ip if b.server_ip else ''}:{b.port}={b.weight}"
                    f"{'#' + b.description if b.description else ''}" for b in instant.backends]  # fmt: skip
            yield f"           [{told}] {instant.group_id}: {', '.join(rows) or 'empty'}"
            told += 1
        while happened and happened[0][0] <= told:
            _, step, when = happened.pop(0)
            yield f"  {when:7.1f}  ~ {step.kind} {' '.join(step.words)}"

    for attempt in played.all:
        yield from instants(attempt.first)
        once_more = " (once more)" if attempt is played.again else ""
        yield f"-- attempt {attempt.number}: {' '.join(attempt.words)}{once_more}"
        for call in attempt.calls:
            yield from instants(call.first)
            trouble = f" !{call.trouble}" if call.trouble else ""
            yield f"  {call.at:7.1f}  {call.action} {call.group}{trouble} {call.answer}"
            yield from instants(call.last)
        yield from instants(attempt.last)
        for told_hook in attempt.hooks:
            yield f"   hook {told_hook.transition} of {told_hook.servers}: {told_hook.result}"
        yield f"   = {attempt.outcome} after {attempt.ended - attempt.began:.1f} s"
        for one in attempt.results:
            refused = [(r["subject"], r["reason"]) for r in one["refused"]]
            yield f"     {one['target']}: {one['outcome']} {one['reason']} {refused or ''}"
        if attempt.broken:
            yield attempt.broken


def shown(found: Sequence[tuple[str, str]], most: int, *, smaller: bool = True) -> Iterator[str]:
    """Yield the violations by rule, each with a world that was made as small as can be."""
    by_rule: dict[str, list[tuple[str, str]]] = {}
    for world, what in sorted(found, key=lambda one: (len(one[0]), one)):
        by_rule.setdefault(rule(what), []).append((world, what))
    for name, worlds in sorted(by_rule.items(), key=lambda one: -len(one[1])):
        yield f"{len(worlds)} times: {name}"
        for world, _ in worlds[:most]:
            small = shrink(of_text(world), name) if smaller else of_text(world)
            again = next((one for one in violations(play(small)) if rule(one) == name), "")
            yield f"    {again}"
            yield f"    python -m tests.explore --replay '{small}'"


def main(argv: Sequence[str] | None = None) -> int:
    """Explore, or replay one world; the exit code is 1 where anything is not right."""
    parser = argparse.ArgumentParser(prog="python -m tests.explore", description=__doc__)
    parser.add_argument("--bounds", choices=BOUNDS, help="play every world within them, and none at random")
    parser.add_argument("--for", dest="seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=2, help="worlds shown of each rule that is broken")
    parser.add_argument(
        "--as-found", action="store_true", help="show them as they were found, not made smaller"
    )
    parser.add_argument("--replay", metavar="WORLD", help="tell the story of one world")
    given = parser.parse_args(argv)
    if given.replay:
        return replay(given.replay)
    started, tally = time.monotonic(), Tally()
    told = started
    bounds = list(BOUNDS[given.bounds]()) if given.bounds else []
    found_in = every(bounds, given.jobs) if bounds else walked(given.seed, given.seconds, given.jobs)
    try:
        for found in found_in:
            tally.add(found)
            for world, what in found.found:
                print(f"{what}\n    {world}", file=sys.stderr, flush=True)
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                print(f"... {tally.worlds:,} worlds in {told - started:.0f} s, {len(tally.found)} violations",
                      file=sys.stderr, flush=True)  # fmt: skip
    except KeyboardInterrupt:
        print("interrupted: this is what was found so far", file=sys.stderr)
    seconds = time.monotonic() - started
    print(*(f"- {bound.said}" for bound in bounds), sep="\n")
    print(*dimensions.table(tally.met, tally.compared, tally.changed, tally.excused), sep="\n")
    print(f"\n{seconds:.0f} s, {tally.worlds / max(seconds, 0.001):.0f} worlds a second\n")
    print(*shown(tally.found, given.show, smaller=not given.as_found), sep="\n")
    # The bounds have what they have; a walk meets everything.
    asked = [name for name in dimensions.DIMENSIONS if tally.met[name] or not bounds]
    unmet = [name for name in asked if not tally.changed[name] and name not in dimensions.ALIKE]
    if unmet and tally.worlds >= dimensions.ENOUGH:
        print(f"contributed nothing: {', '.join(unmet)}")
    print(f"{tally.worlds} worlds, {len(tally.found)} violations")
    return bool(tally.found or (unmet and tally.worlds >= dimensions.ENOUGH))
