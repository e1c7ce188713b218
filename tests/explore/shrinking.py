"""Makes a failing world smaller: clauses and words are taken out as long as the same rule is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.explore.oracle.judging import violations
from tests.explore.playing import play
from tests.explore.worlds import World

#: Worlds that may be played to make one smaller.
MOST = 1500


def rule(found: str) -> str:
    """The rule that a violation breaks: its text up to what differs from world to world."""
    head = found.partition(":")[0].partition("(")[0].strip()
    return f"{head}: {found.split(':')[1].split('(', maxsplit=1)[0].strip()}" if head in _SPEAKING else head


#: Rules whose second word says what it is about.
_SPEAKING = frozenset({"raised for ever", "broken"})


def broken(world: World) -> set[str]:
    """The rules that are broken in a world; none where its clauses make no sense together."""
    try:
        return {rule(found) for found in violations(play(world))}
    except (KeyError, ValueError, IndexError, StopIteration):
        return set()


def shrink(
    world: World, wanted: str, breaks: Callable[[World], set[str]] = broken, most: int = MOST
) -> World:
    """Return a smaller world in which the same rule is broken; greedy, until no more can be taken out."""
    played = 0
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(world):
            played += 1
            if played > most:
                return world
            if wanted in breaks(candidate):
                world, smaller = candidate, True
                break
    return world


def _smaller(world: World) -> Iterator[World]:
    clauses = world.clauses
    for size in (len(clauses) // 2, len(clauses) // 4):
        for start in range(0, len(clauses), size or 1):
            if size > 1:
                yield World(clauses[:start] + clauses[start + size :])
    yield from (World(clauses[:at] + clauses[at + 1 :]) for at in range(len(clauses) - 1, -1, -1))
    for at, clause in enumerate(clauses):
        words = clause.split()
        for gone in range(len(words) - 1, 1, -1):
            shorter = " ".join(words[:gone] + words[gone + 1 :])
            yield World((*clauses[:at], shorter, *clauses[at + 1 :]))
    for at, clause in enumerate(clauses):
        for old, new in (("=30", "=100"), ("=0", "=100"), ("~+", "~ +")):
            if clause.startswith("in ") and old in clause:
                yield World((*clauses[:at], clause.replace(old, new, 1), *clauses[at + 1 :]))
