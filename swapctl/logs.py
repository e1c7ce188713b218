"""``slb-swap logs``: log lines as the story of each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from swapctl import given, loglines, options, view
from swapctl.ending import DONE, Failed


def command(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="JSON lines, or what Log Service's commands print")
    ] = Path("-"),
    target: Annotated[str, typer.Option("--target", help="of one target alone")] = "",
    picture: Annotated[Path | None, typer.Option("--picture", metavar="FILE.svg", help="drawn, too")] = None,
    json: options.Json = False,
) -> int:
    """Tell the story of each run: what was planned, done and waited for, and how it ended."""
    read = loglines.in_order(loglines.restored(loglines.read(given.text(file))))
    lines = [one for line in read if (one := _of_target(line, target) if target else line)]
    if not lines:
        raise Failed(f"{file}: no log line of slb-swap" + (f" about {target}" if target and read else ""))
    if json:
        view.as_json(lines)
    else:
        for run in _runs(lines):
            _story(run)
    if picture is not None:
        _draw(lines, picture, target)
    return DONE


def _of_target(line: dict[str, Any], target: str) -> dict[str, Any] | None:
    """Return what a line says of one target; None if that is nothing."""
    if not isinstance(line.get("targets"), list):
        return line if line.get("target") == target else None
    told = [one for one in line["targets"] if isinstance(one, dict) and one.get("target") == target]
    return {**line, "targets": told} if told else None


def _runs(lines: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the lines of each invocation, in the order of their first lines."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        key = (str(line.get("request_id")), str(line.get("function_name")))
        found.setdefault(key, []).append(line)
    return list(found.values())


def _story(run: list[Mapping[str, Any]]) -> None:
    first = run[0]
    start = _seconds(first)
    about = [str(first[key]) for key in ("time", "function_name", "trigger", "request_id") if first.get(key)]
    view.say(("  ".join(about) or "a result", "bold"))
    for line in run:
        ended = "targets" in line and isinstance(line["targets"], list)
        at = _seconds(line)
        after = f"{at - start:8.2f} s  " if at is not None and start is not None else " " * 12
        if ended:
            view.say(after, str(line.get("event", "result")))
            view.result(line)
        else:
            view.say(after, *_told(line))
    view.say("")


def _told(line: Mapping[str, Any]) -> tuple[str | tuple[str, str], ...]:
    """Return a line in words."""
    of = f"{line['target']}: " if line.get("target") else ""
    match line.get("event"):
        case "swap.planned":
            steps = line.get("steps") or []
            return (
                f"{of}plan {line.get('plan_id')}, ",
                view.several(len(steps), "call") if steps else "nothing to do",
            )
        case "swap.step":
            done = line.get("result") == "applied"
            code = f" {line.get('code')}" if line.get("code") else ""
            return (
                f"{of}{line.get('why')}: {line.get('step')}  ",
                (f"{line.get('result')}{code}", "green" if done else "red"),
            )
        case "swap.waiting":
            return (f"{of}waits {line.get('seconds')} s: {line.get('why')}",)
        case "swap.ignored":
            return (("ignored ", "dim"), f"{line.get('reason')}: {line.get('detail')}")
        case "swap.rejected":
            return (("rejected ", "red"), str(line.get("reason")))
        case "swap.failed":
            return ((f"{of}failed ", "red"), str(line.get("exception", "")).strip().rpartition("\n")[2])
        case "hook.completed" | "hook.failed" | "hook.left" as event:
            told = f"{line.get('result') or 'left to its default'} {line.get('code') or ''}".strip()
            return (f"{event} {line.get('hook_id')}: {told}",)
    rest = {key: value for key, value in line.items() if key not in _SAID}
    return (str(line.get("event")), "".join(f"  {key}={value}" for key, value in rest.items()))


#: The same in each line, and said above.
_SAID = {
    "time",
    "level",
    "event",
    "request_id",
    "function_name",
    "region",
    "cold_start",
    "trigger",
    "event_ids",
}


def _seconds(line: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(line["time"]).replace("Z", "+00:00")).timestamp()
    except (KeyError, ValueError):
        return None


def _draw(lines: list[dict[str, Any]], file: Path, target: str) -> None:
    try:
        from show.picture import picture  # noqa: PLC0415 - developers alone have what it draws with

        drawn = picture(lines, target=target or None)
    except ImportError as error:
        raise Failed(
            f"--picture: {error.name or 'show'} is missing: pip install matplotlib, in a checkout of slb-swap"
        ) from None
    except ValueError as error:
        raise Failed(f"--picture: {error}") from None
    file.write_text(drawn, encoding="utf-8")
    view.say(f"drawn: {file}", out=view.console(errors=True))
