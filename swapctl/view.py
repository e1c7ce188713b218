"""How a result is shown: what was swapped for what, what is refused with its numbers, and how to undo it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

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


def console(*, errors: bool = False) -> Console:
    """Return a console on the standard output of now; without a window, 150 wide."""
    stream = sys.stderr if errors else sys.stdout
    return Console(file=stream, highlight=False, soft_wrap=True, width=None if stream.isatty() else 150)


def say(*parts: str | tuple[str, str], out: Console | None = None) -> None:
    """Print a line of texts, each plain or with a style; secrets in it are blinded."""
    line = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        line.append(blinds.hide(words), style)
    (out or console()).print(line)


def as_json(value: Any) -> None:
    """Print a value as JSON, for scripts; secrets in it are blinded."""
    print(blinds.hide(json.dumps(value, ensure_ascii=False, indent=2)))


def coloured(outcome: str) -> tuple[str, str]:
    """Return an outcome with its colour."""
    return outcome, f"bold {COLOURS.get(outcome, 'red')}"


def result(told: Mapping[str, Any], *, undo: bool = True) -> None:
    """Print the result of an invocation, or of a plan."""
    reason = f"  {told['reason']}" if told.get("reason") else ""
    say(coloured(str(told["outcome"])), reason)
    for target in told.get("targets", ()):
        _target(target, alone=len(told["targets"]) == 1)
    for rejected in told.get("rejected", ()):
        if rejected["reason"] != told.get("reason"):
            say("  rejected  ", rejected["reason"])
    reverses = [t["reverse"] for t in told.get("targets", ()) if t.get("reverse")]
    if undo and reverses:
        for reverse in reverses:
            say(("  undo      ", "bold"), json.dumps(reverse, ensure_ascii=False))


def _target(target: Mapping[str, Any], *, alone: bool) -> None:
    plan = f", plan {target['plan_id']}" if target.get("plan_id") else ""
    say("  ", (target["target"], "bold"), f" ({target['vserver_group_id']}){plan}")
    if not alone:
        reason = f"  {target['reason']}" if target.get("reason") else ""
        say("  ", coloured(target["outcome"]), reason)
    if target.get("capacity"):
        capacity = target["capacity"]
        say(f"  capacity  {capacity['baseline']} in service, never below {capacity['floor']}")
    _changes(target)
    for number, wave in enumerate(target.get("waves", ()), 1):
        for step in wave["steps"]:
            say(f"  wave {number:<4} ", step, (f"  {wave['why']}", "dim"))
    for refusal in target["refused"]:
        say(("  refused   ", "yellow"), refusal_line(refusal))
    for server in target.get("instances", ()):
        say(("  ECS       ", "yellow"), f"{server['server_id']}: {server['state']}")
    if target.get("unmanaged"):
        say("  unmanaged ", " ".join(target["unmanaged"]), ("  listed by no scaling group, not ours", "dim"))


def _changes(target: Mapping[str, Any]) -> None:
    for pair in target["pairs"]:
        before = _weight(target["before"], pair["old"])
        new = f"{pair['new']}:{pair['port']} ({pair['weight']})"
        say("  swap      ", (f"{pair['old']}{before}", "red"), " -> ", (new, "green"))
    for words, style in (("added", "green"), ("removed", "red")):
        for backend in target[words]:
            say(f"  {words:<9} ", (backend_line(backend), style))
    known = {(b["server_id"], b["port"], b["server_ip"]): b["weight"] for b in target["before"]}
    for backend in target["after"]:
        weight = known.get((backend["server_id"], backend["port"], backend["server_ip"]))
        if weight is not None and weight != backend["weight"]:
            say(
                "  weight    ",
                (backend_line({**backend, "weight": weight}), "red"),
                f" -> {backend['weight']}",
            )


def _weight(backends: Iterable[Mapping[str, Any]], server: str) -> str:
    """Return port and weight of a server's backend, where it has one alone; else nothing."""
    found = [b for b in backends if b["server_id"] == server]
    return f":{found[0]['port']} ({found[0]['weight']})" if len(found) == 1 else ""


def backend_line(backend: Mapping[str, Any]) -> str:
    """Return a backend in a few words: server, address, port and weight."""
    address = f"@{backend['server_ip']}" if backend.get("server_ip") else ""
    return f"{backend['server_id']}{address}:{backend['port']} ({backend['weight']})"


def refusal_line(refusal: Mapping[str, Any]) -> str:
    """Return a refusal with its numbers, and the word that overrides it."""
    numbers = ", ".join(f"{name} {value}" for name, value in refusal.get("numbers", {}).items())
    override = f'; "force": ["{refusal["override"]}"] overrides it' if refusal.get("override") else ""
    return f"{refusal['subject']}  {refusal['reason']}" + (f": {numbers}" if numbers else "") + override
