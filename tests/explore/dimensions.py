"""What each part of the worlds contributes: in how many it was there, and in how many it changed things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.explore.playing import Played, fingerprint, play
from tests.explore.ports import TROUBLES
from tests.explore.worlds import PLAYED, World

#: The share of worlds of which one part is taken out, to be compared.
SHARE = 0.15
#: Worlds from which on each dimension must have changed something.
ENOUGH = 50_000
#: What is to change nothing: a request that was signed and queued is done as one that is sent again.
ALIKE = frozenset({"request async"})

#: A fault that goes on until its attempt ends.
LASTING = "fault that lasts"

Test = Callable[[str], bool]


def _starts(*beginnings: str) -> Test:
    return lambda clause: clause.startswith(beginnings)


def _has(beginning: str, word: str) -> Test:
    return lambda clause: clause.startswith(beginning) and word in clause


def _delivery(kind: str) -> Test:
    return lambda clause: clause.startswith("> ") and clause.split()[1] == kind


def _happens(kind: str, *words: str) -> Test:
    return lambda clause: (
        clause.startswith("~") and clause.split()[1] == kind and all(word in clause.split() for word in words)
    )


def _without_word(world: World, clause: str, *words: str) -> World:
    left = " ".join(w for w in clause.split() if not any(w.startswith(word) for word in words))
    return world.changed(clause, left)


DELIVERIES = (
    "request", "out", "in", "outerr", "inerr", "hookin", "hooksin", "hookout", "interrupted", "deleted",
    "timer",
)  # fmt: skip
#: Clauses as a whole, by the dimension that they are.
_CLAUSES: dict[str, Test] = {
    **{f"delivery {kind}": _delivery(kind) for kind in DELIVERIES},
    "happens doomed": _happens("is", "doomed"),
    "happens sick": _happens("is", "abnormal"),
    "happens sick on one listener": _happens("is", "443=abnormal"),
    "happens sick for another group": _happens("is", "beside=abnormal"),
    "happens stopped": _happens("is", "stopped"),
    "happens healthy": _happens("is", "normal"),
    **{
        f"happens {kind}": _happens(kind)
        for kind in ("launch", "leave", "unlist", "release", "lag", "drop", "zero")
    },
    "happens foreign": _happens("foreign"),
    "happens meanwhile": _starts("~+"),
    "server sick": _has("server ", " abnormal"),
    "server sick on one listener": _has("server ", "443=abnormal"),
    "server sick for another group": _has("server ", "beside=abnormal"),
    "server stopped": _has("server ", "stopped"),
    "server doomed": _has("server ", "doomed"),
    "two addresses": _has("in web eni-", "@10.0.0.2"),
    "second listener": _has("listener ", " https:"),
    "no check": _has("listener ", "unchecked"),
    "rule": _starts("rule "),
    "rule with a check of its own": _has("rule ", " own"),
    "rr": _has("listener ", " rr"),
    "listener drains": _has("listener ", "drains"),
    "room": _starts("room "),
    "time": _starts("time "),
    "ecs denied": _starts("denied "),
    "given up at once": _starts("once"),
    "refused for ever": lambda clause: clause.startswith("refuse ") and " of " not in clause,
    "one server refused": _has("refuse ", " of "),
    LASTING: lambda clause: clause.startswith("fault ") and "+" in clause,
    **{f"read {name}": _starts(f"read {name}=") for name in PLAYED},
}
#: Words of a clause, by the dimension: which clauses, and the beginnings of the words.
_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "surge": ("target ", ("strategy=",)),
    "drain": ("target ", ("drain=",)),
    "exclusive": ("target ", ("exclusive",)),
    "ports": ("target ", ("ports=",)),
    "usual weight": ("target ", ("weight=",)),
    "small calls": ("target ", ("batch=",)),
    "max_unavailable": ("target ", ("un=",)),
    "min_backends": ("target ", ("min=",)),
    "max_removed": ("target ", ("rem=",)),
    "mode": ("target ", ("mode=",)),
    "request force": ("> request", ("force:",)),
    "request gone": ("> request", ("gone",)),
    "request dry_run": ("> request", ("dry_run",)),
    "request async": ("> request", ("async",)),
    "request strategy": ("> request", ("swap", "surge")),
    "request pairs": ("> request", ("p:",)),
    "mark": ("in ", ("mark",)),
    "foreign description": ("in ", ("foreign",)),
    "second port": ("in ", ("81=",)),
}
_FAULTS = [f"fault {kind} {what}" for kind, all_of in TROUBLES.items() for what in all_of]
_WEIGHTS = {"weight 30": "=30", "weight 0": "=0"}
_TARGETS = ("second target", "second source", "one source of two targets")

DIMENSIONS = (*_CLAUSES, *_WORDS, *_WEIGHTS, *_TARGETS, *_FAULTS)


def met(played: Played) -> list[str]:
    """The dimensions that a world has: of faults those that struck, of readings those that were asked."""
    clauses = played.world.clauses
    readings: Any = played.cloud.world.readings
    found = [
        name
        for name, test in _CLAUSES.items()
        if any(map(test, clauses)) and (name[:5] != "read " or name[5:] in readings.names)
        if name != LASTING or _has_lasted(played)
    ]
    found += [
        name
        for name, (beginning, words) in _WORDS.items()
        if any(c.startswith(beginning) and any(w.startswith(words) for w in c.split()[1:]) for c in clauses)
    ]
    found += [
        name
        for name, said in _WEIGHTS.items()
        if any(c.startswith("in ") and f"{said} " in f"{c} " for c in clauses)
    ]
    targets = played.setup.targets
    sources = [one.get("scaling_group_ids", []) for one in targets]
    if len(targets) > 1:
        found.append("second target")
        if sources[0] == sources[1]:
            found.append("one source of two targets")
    if any(len(one) > 1 for one in sources):
        found.append("second source")
    struck = {f"fault {c.kind} {c.trouble}" for attempt in played.all for c in attempt.calls if c.trouble}
    return [*found, *(name for name in _FAULTS if name in struck)]


def _has_lasted(played: Played) -> bool:
    """Whether a fault that lasts has struck."""
    lasting = {(f.attempt, f.kind, f.what) for f in played.setup.faults if f.lasts}
    return any((a.number, c.kind, c.trouble) in lasting for a in played.all for c in a.calls)


def without(world: World, name: str) -> World:
    """The same world without a dimension."""
    if name in _CLAUSES:
        return world.without(*filter(_CLAUSES[name], world.clauses))
    if name in _WORDS:
        beginning, words = _WORDS[name]
        for clause in world.clauses:
            if clause.startswith(beginning):
                world = _without_word(world, clause, *words)
        return world
    if name in _WEIGHTS:
        for clause in world.clauses:
            if clause.startswith("in "):
                plain = f"{clause} ".replace(f"{_WEIGHTS[name]} ", "=100 ").strip()
                world = world.changed(clause, plain)
        return world
    if name in _TARGETS:
        return _without_target(world, name)
    kind, what = name.split()[1:]
    return world.without(
        *(c for c in world.clauses if c.startswith("fault ") and c.split()[2::2] == [kind, what])
    )


def _without_target(world: World, name: str) -> World:
    if name == "second source":
        return World(tuple(c.replace("asg=a,b", "asg=a") for c in world.clauses))
    return World(tuple(
        c for c in world.clauses
        if not c.startswith(
            ("target api", "in api", "listener api", "rule api", "> request api", "~ foreign api")
        )
    ))  # fmt: skip


def changes(played: Played, name: str) -> bool:
    """Tell whether anything goes another way in the same world without a dimension."""
    try:
        return fingerprint(play(without(played.world, name))) != fingerprint(played)
    except (KeyError, ValueError, IndexError):
        return True  # without it the world makes no sense: others rely on it


def table(
    there: Counter[str], compared: Counter[str], changed: Counter[str], excused: Counter[str]
) -> Iterator[str]:
    """Yield what each dimension contributed, and how often each excuse was used."""
    yield "| dimension | worlds | compared without it | went another way |"
    yield "|---|---|---|---|"
    for name in DIMENSIONS:
        yield f"| {name} | {there[name]:,} | {compared[name]:,} | {changed[name]:,} |"
    yield ""
    yield "| excuse | worlds |"
    yield "|---|---|"
    for name, count in sorted(excused.items()):
        yield f"| `{name}` | {count:,} |"
