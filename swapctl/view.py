"""How a result is shown: what was swapped for what, what is refused with its numbers, and how to undo it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from rich.console import Console
from rich.text import Text

from handler import blinds

#: The colour of each outcome, and of each level of a check; anything else is red.
COLOURS = {
    "applied": "green",
    "unchanged": "green",
    "accepted": "green",
    "planned": "cyan",
    "ignored": "dim",
    "good": "green",
    "look": "yellow",
    "wrong": "red",
}


#: The parts of a line, each plain or with a style.
Part: TypeAlias = str | tuple[str, str]
Line: TypeAlias = tuple[Part, ...]


def console(*, errors: bool = False) -> Console:
    """Return a console on the standard output of now; without a window, 150 wide."""
    stream = sys.stderr if errors else sys.stdout
    return Console(file=stream, highlight=False, soft_wrap=True, width=None if stream.isatty() else 150)


def say(*parts: Part, out: Console | None = None, cut: bool = False) -> None:
    """Print a line of texts, each plain or with a style; secrets in it are blinded.

    ``cut`` ends it where the window does.
    """
    line = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        line.append(blinds.hide(words), style)
    if cut:
        (out or console()).print(line, soft_wrap=False, no_wrap=True, overflow="ellipsis")
    else:
        (out or console()).print(line)


def as_json(value: Any) -> None:
    """Print a value as JSON, for scripts; secrets in it are blinded."""
    print(blinds.hide(json.dumps(value, ensure_ascii=False, indent=2)))


def coloured(outcome: str) -> tuple[str, str]:
    """Return an outcome with its colour."""
    return outcome, f"bold {COLOURS.get(outcome, 'red')}"


def several(number: int, noun: str) -> str:
    """Return a number of things: ``1 call``, ``2 calls``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def result(told: Mapping[str, Any], *, typed: bool = False) -> None:
    """Print the result of an invocation, or of a plan; ``typed`` if options said what was asked."""
    for line in result_lines(told, typed=typed):
        say(*line)


def result_lines(told: Mapping[str, Any], *, typed: bool = False) -> list[Line]:
    """Return the lines of a result: how it ended, what came of each target, how to undo it."""
    reason = f"  {told['reason']}" if told.get("reason") else ""
    targets = told.get("targets") or []
    lines: list[Line] = [(coloured(str(told["outcome"])), reason)]
    for target in targets:
        lines += _target(target, alone=len(targets) == 1, typed=typed)
    for rejected in told.get("rejected") or []:
        if rejected["reason"] != told.get("reason"):
            lines.append((("  rejected  ", "red"), rejected["reason"]))
    for target in targets:
        if target.get("reverse"):
            lines.append((("  undo      ", "bold"), json.dumps(target["reverse"], ensure_ascii=False)))
    return lines


def _target(target: Mapping[str, Any], *, alone: bool, typed: bool) -> Iterator[Line]:
    plan = f", plan {target['plan_id']}" if target.get("plan_id") else ""
    yield "  ", (target["target"], "bold"), f" ({target['vserver_group_id']}){plan}"
    if not alone:
        reason = f"  {target['reason']}" if target.get("reason") else ""
        yield "  ", coloured(target["outcome"]), reason
    if target.get("capacity"):
        capacity = target["capacity"]
        yield (f"  capacity  {capacity['baseline']} in service, never below {capacity['floor']}",)
    yield from _changes(target)
    for number, wave in enumerate(target.get("waves", ()), 1):
        for step in wave["steps"]:
            yield f"  wave {number:<4} ", step, (f"  {wave['why']}", "dim")
    for refusal in _listed(target, "refused"):
        yield ("  refused   ", "yellow"), refusal_line(refusal, typed=typed)
    for server in target.get("instances", ()):
        yield ("  ECS       ", "yellow"), f"{server['server_id']}: {server['state']}"
    if _listed(target, "unmanaged"):
        yield "  unmanaged ", " ".join(target["unmanaged"]), ("  listed by no scaling group, not ours", "dim")


def _listed(target: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list of a target; a long one that a log line only counts is told elsewhere."""
    found = target.get(key)
    return found if isinstance(found, list) else []


def _changes(target: Mapping[str, Any]) -> Iterator[Line]:
    before, after = _listed(target, "before"), _listed(target, "after")
    for pair in _listed(target, "pairs"):
        new = f"{pair['new']}:{pair['port']} ({pair['weight']})"
        yield "  swap      ", (f"{pair['old']}{_weight(before, pair['old'])}", "red"), " -> ", (new, "green")
    for words, style in (("added", "green"), ("removed", "red")):
        for backend in _listed(target, words):
            yield f"  {words:<9} ", (backend_line(backend), style)
    known = {(b["server_id"], b["port"], b["server_ip"]): b["weight"] for b in before}
    for backend in after:
        weight = known.get((backend["server_id"], backend["port"], backend["server_ip"]))
        if weight is not None and weight != backend["weight"]:
            old = backend_line({**backend, "weight": weight})
            yield "  weight    ", (old, "red"), (f" -> {backend['weight']}", "green")


def _weight(backends: Iterable[Mapping[str, Any]], server: str) -> str:
    """Return port and weight of a server's backend, where it has one alone; else nothing."""
    found = [b for b in backends if b["server_id"] == server]
    return f":{found[0]['port']} ({found[0]['weight']})" if len(found) == 1 else ""


def backend_line(backend: Mapping[str, Any]) -> str:
    """Return a backend in a few words: server, address, port and weight."""
    address = f"@{backend['server_ip']}" if backend.get("server_ip") else ""
    return f"{backend['server_id']}{address}:{backend['port']} ({backend['weight']})"


def refusal_line(refusal: Mapping[str, Any], *, typed: bool) -> str:
    """Return a refusal with its numbers, and what overrides it: an option, or a key of the request."""
    numbers = ", ".join(f"{name} {value}" for name, value in refusal.get("numbers", {}).items())
    word, override = refusal.get("override"), ""
    if word:
        override = f"; --force {word} overrides it" if typed else f'; "force": ["{word}"] overrides it'
    return f"{refusal['subject']}  {refusal['reason']}" + (f": {numbers}" if numbers else "") + override
