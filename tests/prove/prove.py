"""Plays every small world within some bounds, and asks the oracle about each.

``python -m tests.prove --bounds full`` prints what was covered, as a table, and ``N worlds, 0 violations``.
``python -m tests.prove --replay 'rwc/1-t/n|5.2'`` tells the story of one world.
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

from tests.prove import worlds
from tests.prove.choices import ELSEWHERE, VALUES, Budget, Choices, of_shorthand, shorthand, walk
from tests.prove.oracle import violations
from tests.prove.playing import Played, fingerprint, play
from tests.prove.worlds import FEW_SHAPES, FULL, ONE_PORT, SHAPES, Beginning, beginnings, big

#: More choices than any world has.
ANY = 99
#: The readings that must make a difference here.
PLAYED = [name for name in VALUES if name not in ELSEWHERE]
#: Seconds between two lines that say how far it got.
PROGRESS_S = 10
#: What a shell gives for a command that Ctrl-C ended.
INTERRUPTED = 130


@dataclass(frozen=True)
class Bound:
    """One part of the bounds: some beginnings, and how many readings and faults at most in their worlds."""

    said: str
    where: Iterable[Beginning]
    readings: int
    faults: int


def small() -> Iterator[Bound]:
    """Yield the bounds that take seconds."""
    yield Bound("requests, up to 2 servers", _all("rg", 2, ONE_PORT), 0, 0)
    yield Bound("requests, 1 server, 1 port", beginnings("rg", 1, ONE_PORT, most=1, roles="st"), 1, 1)
    yield Bound("events and timer, 1 server", beginnings("etx", 1, ONE_PORT, most=1), 0, 0)
    yield Bound(
        "in other circumstances", beginnings("r", 1, FULL, most=1, circumstances="udrqow", roles="t"), 1, 0
    )
    yield Bound("a call of 21", big(), 1, 0)


def ci() -> Iterator[Bound]:
    """Yield the bounds that take minutes."""
    yield Bound("requests, up to 3 servers, 2 ports", _all("rg", 3, FEW_SHAPES), 0, 0)
    yield Bound("events and timer, up to 2 servers", _all("etx", 2, ONE_PORT, most=1), 0, 0)
    yield Bound("requests, up to 2 servers, 1 port", _all("rg", 2, ONE_PORT), 1, 0)
    yield Bound("events and timer, 1 server", beginnings("etx", 1, ONE_PORT, most=1), 1, 0)
    yield Bound("requests, 1 server", beginnings("rg", 1, ONE_PORT, most=1), 2, 1)
    yield Bound("events and timer, 1 server", beginnings("etx", 1, FULL, most=1), 0, 1)
    other = beginnings("r", 1, ONE_PORT, most=1, circumstances="udrqow", roles="t")
    yield Bound("in other circumstances", other, 1, 1)
    yield Bound("a call of 21", big(), 1, 0)


def full() -> Iterator[Bound]:
    """Yield the bounds of the proof."""
    yield Bound("requests, 4 servers, 2 ports, up to 2 new", beginnings("rg", 4, SHAPES, most=2), 0, 0)
    yield Bound("requests, 4 servers, 4 shapes, up to 4 new", beginnings("rg", 4, FEW_SHAPES, most=4), 0, 0)
    yield Bound("requests, 4 servers, 1 port, up to 2 new", beginnings("rg", 4, ONE_PORT, most=2), 1, 0)
    yield Bound("requests, 4 servers, 1 port, 1 new", beginnings("rg", 4, ONE_PORT, most=1), 0, 1)
    yield Bound("requests, 4 servers of weight 100, up to 2 new", beginnings("rg", 4, FULL, most=2), 0, 1)
    yield Bound("events and timer, 4 servers, 1 port, 1 new", beginnings("etx", 4, ONE_PORT, most=1), 0, 0)
    yield Bound("events and timer, 4 servers of weight 100, 1 new", beginnings("etx", 4, FULL, most=1), 1, 0)
    yield Bound("requests, up to 3 servers, 2 ports", _all("rg", 3, SHAPES), 0, 0)
    yield Bound("requests, 3 servers, 4 shapes, up to 2 new", beginnings("rg", 3, FEW_SHAPES, most=2), 1, 0)
    yield Bound("requests, 3 servers, 4 shapes, up to 2 new", beginnings("rg", 3, FEW_SHAPES, most=2), 0, 1)
    yield Bound("requests, 3 servers, 1 port", beginnings("rg", 3, ONE_PORT, most=3), 1, 0)
    yield Bound("events and timer, 3 servers, 1 port, 1 new", beginnings("etx", 3, ONE_PORT, most=1), 1, 0)
    yield Bound("events and timer, 3 servers of weight 100, 1 new", beginnings("etx", 3, FULL, most=1), 0, 1)
    yield Bound("requests, up to 2 servers, 2 ports", _all("rg", 2, SHAPES), 0, 1)
    yield Bound("requests, up to 2 servers, 4 shapes", _all("rg", 2, FEW_SHAPES), 1, 0)
    yield Bound(
        "events and timer, up to 2 servers, 4 shapes, 1 new", _all("etx", 2, FEW_SHAPES, most=1), 1, 0
    )
    yield Bound("events and timer, up to 2 servers, 1 port, 1 new", _all("etx", 2, ONE_PORT, most=1), 0, 1)
    yield Bound("events and timer, up to 2 servers, 4 shapes", _all("etx", 2, FEW_SHAPES), 0, 0)
    yield Bound("requests, 1 server, 1 port, 1 new", beginnings("rg", 1, ONE_PORT, most=1), 2, 1)
    yield Bound("requests, 1 server, 1 port, 1 new", beginnings("rg", 1, ONE_PORT, most=1), 0, 2)
    yield Bound("events and timer, 1 server of weight 100, 1 new", beginnings("etx", 1, FULL, most=1), 1, 1)
    yield Bound("all kinds, 1 server, 1 port, 1 new", beginnings("rgetx", 1, ONE_PORT, most=1), ANY, 0)
    other = beginnings("rg", 1, ONE_PORT, most=1, circumstances="udrqo")
    yield Bound("requests in other circumstances, 1 server", other, 1, 1)
    other = beginnings("rg", 2, ONE_PORT, most=2, circumstances="udrqo")
    yield Bound("requests in other circumstances, 2 servers", other, 1, 0)
    other = beginnings("et", 1, FULL, most=1, circumstances="udrqo")
    yield Bound("events and timer in other circumstances, 1 server of weight 100", other, 0, 1)
    wire = beginnings("rg", 1, ONE_PORT, most=1, circumstances="w")
    yield Bound("through the function's client, 1 server", wire, 2, 1)
    yield Bound("a call of 21", big(), 1, 1)


BOUNDS = {"small": small, "ci": ci, "full": full}


def _all(kinds: str, largest: int, shapes: Sequence[str], most: int = 3) -> Iterator[Beginning]:
    for size in range(largest + 1):
        yield from beginnings(kinds, size, shapes, most=most)


@dataclass
class Tally:
    """What was found in some worlds."""

    worlds: int = 0
    faulted: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    chosen: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what was found elsewhere."""
        self.worlds += other.worlds
        self.faulted += other.faulted
        self.changed += other.changed
        self.chosen += other.chosen
        self.violations += other.violations


def prove(beginning: Beginning, budget: Budget) -> Tally:
    """Play every world that begins so."""
    tally = Tally()
    for visited in walk(lambda choices: play(beginning, choices), budget, fingerprint):
        tally.worlds += 1
        tally.faulted += visited.choices.spent["fault"] > 0
        if visited.changed:
            name, different = visited.changed
            tally.chosen[name] += 1
            tally.changed[name] += different
        for found in violations(visited.result):
            tally.violations.append((f"{beginning}|{shorthand(visited.given)}", found))
    return tally


def merged(bounds: Iterable[Bound]) -> dict[Beginning, set[tuple[int, int]]]:
    """Return every beginning once, with all that is bound for it, so that no world is played twice."""
    found: dict[Beginning, set[tuple[int, int]]] = {}
    for bound in bounds:
        for beginning in bound.where:
            found.setdefault(beginning, set()).add((bound.readings, bound.faults))
    return found


def _prove(work: tuple[Beginning, Budget]) -> Tally:
    return prove(*work)


def tallied(work: Sequence[tuple[Beginning, Budget]], jobs: int, limit: int) -> Iterator[Tally]:
    """Yield what was found at each beginning, until there are as many worlds as the limit."""
    worlds_so_far = 0
    with multiprocessing.Pool(jobs, _unheeding) if jobs > 1 else _Alone() as pool:
        for tally in pool.imap_unordered(_prove, work, chunksize=8):
            yield tally
            worlds_so_far += tally.worlds
            if limit and worlds_so_far >= limit:
                return


def _unheeding() -> None:
    """Leave Ctrl-C to the process that asks: it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Alone:
    def __enter__(self) -> _Alone:
        return self

    def __exit__(self, *problem: object) -> None:
        return

    @staticmethod
    def imap_unordered(do: object, work: Iterable[object], chunksize: int) -> Iterator[Tally]:
        return map(do, work)  # type: ignore[arg-type]


def replay(text: str) -> int:
    """Tell the story of one world, and what the oracle says of it."""
    begins, _, given = text.partition("|")
    beginning, choices = worlds.of_text(begins), Choices(of_shorthand(given), [(ANY, ANY)])
    played = play(beginning, choices)
    for line in story(played, choices):
        print(line)
    found = violations(played)
    print(*(f"VIOLATION {one}" for one in found) if found else ["no violation"], sep="\n")
    return bool(found)


def story(played: Played, choices: Choices) -> Iterator[str]:
    """Tell a world: what it begins with, then every call, and every instant of the group."""
    beginning = played.beginning
    yield f"{worlds.KINDS[beginning.kind]}; {worlds.STRATEGIES[beginning.strategy]}; "
    yield f"  {worlds.CIRCUMSTANCES[beginning.circumstance]}"
    roles = worlds.OLD_ROLES[beginning.kind], worlds.NEW_ROLES[beginning.kind]
    for servers, said in zip((beginning.olds, beginning.coming), roles, strict=True):
        for server, role in servers.items():
            yield f"  {server}: {said[role]}"
    yield f"chosen: {', '.join(choices.named()) or 'nothing'}"
    yield f"readings met: {dict(played.cloud.world.readings)}"
    deliveries = [*played.deliveries, *filter(None, [played.again])]
    for number, delivery in enumerate(deliveries, 1):
        yield f"-- delivery {number}"
        at = delivery.first
        yield f"            {_rows(played, at)}"
        for call in delivery.calls:
            for between in range(at + 1, call.instant):
                yield f"            {_rows(played, between)}"
            at = max(at, call.instant - 1)
            yield f"  {call.at:7.1f}  {call.action} {call.trouble and '!' + call.trouble} {call.answer[:110]}"
        for between in range(at + 1, delivery.last + 1):
            yield f"            {_rows(played, between)}"
        refused = [(r["subject"], r["reason"]) for r in delivery.told.get("refused", ())]
        yield f"   = {delivery.outcome} {delivery.told.get('reason')} {refused} hooks {delivery.hooks}"


def _rows(played: Played, at: int) -> str:
    said = [
        f"{r['server_id']}:{r['port']}={r['weight']}{'' if r['health'] == 'normal' else ' ' + r['health']}"
        for r in played.history[at]["backends"]
    ]
    return f"[{at}] {', '.join(said) or 'empty'}"


def table(name: str, bounds: Sequence[Bound], tally: Tally, seconds: float) -> Iterator[str]:
    """Yield the lines of a table that says what was covered."""
    yield f"Bounds `{name}`:"
    yield ""
    yield "| what begins so | readings other than the first value | faults or kills |"
    yield "|---|---|---|"
    for bound in bounds:
        readings = "all" if bound.readings == ANY else f"up to {bound.readings}" if bound.readings else "none"
        yield f"| {bound.said} | {readings} | {f'up to {bound.faults}' if bound.faults else 'none'} |"
    yield ""
    yield "| reading | chosen in | changed what happened in |"
    yield "|---|---|---|"
    for reading in PLAYED:
        yield f"| `{reading}` | {tally.chosen[reading]:,} | {tally.changed[reading]:,} worlds |"
    yield ""
    yield f"With a fault or a kill: {tally.faulted:,} worlds. Time: {seconds:.0f} s."


def shown(found: Iterable[tuple[str, str]], most: int = 6) -> Iterator[str]:
    """Yield violations, the smallest worlds of each invariant."""
    by_kind: dict[str, list[tuple[str, str]]] = {}
    for world, what in sorted(found, key=lambda one: (len(one[0]), one)):
        by_kind.setdefault(what.partition(":")[0].partition("(")[0].strip(), []).append((world, what))
    for what, worlds_of_it in by_kind.items():
        yield f"{len(worlds_of_it)} times: {what}"
        yield from (f"    {world}  {said}" for world, said in worlds_of_it[:most])


def main(argv: Sequence[str] | None = None) -> int:
    """Prove, or replay one world; the exit code is 1 where anything is not right."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--bounds", choices=BOUNDS, default="full")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0, help="stop after so many worlds")
    parser.add_argument("--first", action="store_true", help="stop at the first violation")
    parser.add_argument("--replay", metavar="WORLD", help="tell the story of one world")
    given = parser.parse_args(argv)
    if given.replay:
        return replay(given.replay)
    started = time.monotonic()
    bounds = list(BOUNDS[given.bounds]())
    work = [(begins, sorted(budget)) for begins, budget in merged(bounds).items()]
    # Where much is to be chosen there are most worlds: those first, so that no core is idle at the end.
    work.sort(key=lambda one: -sum(readings + 2 * faults for readings, faults in one[1]))
    tally, told = Tally(), started
    begun = 0
    try:
        for found in tallied(work, given.jobs, given.limit):
            tally.add(found)
            begun += 1
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                said = f"... {tally.worlds:,} worlds, {begun:,} of {len(work):,} beginnings"
                print(f"{said}, in {told - started:.0f} s", file=sys.stderr, flush=True)
            for world, what in found.violations[:1]:
                print(f"{world}  {what}", file=sys.stderr, flush=True)
            if given.first and tally.violations:
                break
    except KeyboardInterrupt:
        print(
            f"interrupted: {tally.worlds} worlds, {len(tally.violations)} violations so far", file=sys.stderr
        )
        return INTERRUPTED
    print(*table(given.bounds, list(BOUNDS[given.bounds]()), tally, time.monotonic() - started), sep="\n")
    print()
    print(*shown(tally.violations), sep="\n", end="\n" if tally.violations else "")
    unmet = [name for name in PLAYED if not tally.changed[name]]
    complete = given.bounds != "small" and not given.limit and not given.first
    if unmet and complete:
        print(f"changed nothing: {', '.join(unmet)}")
    print(f"{tally.worlds} worlds, {len(tally.violations)} violations")
    return bool(tally.violations or (unmet and complete))


if __name__ == "__main__":
    sys.exit(main())
