"""``slb-swap logs`` tells a run in the order in which it happened."""

from __future__ import annotations

import json
from pathlib import Path

from tests.swapctl.conftest import Command


def _lines(run: str, minute: int) -> list[str]:
    target = {"target": "web", "vserver_group_id": "rsp-web", "outcome": "applied", "reverse": None}
    told = [
        {"event": "swap.planned", "plan_id": run, "steps": ["a step"]},
        {"event": "swap.step", "step": "a", "result": "applied", "why": "replace"},
        {"event": "swap.waiting", "seconds": 1, "why": "health"},
        {"event": "swap.completed", "outcome": "applied", "targets": [target]},
    ]
    # The second and the third have the same time: only their order in the file tells which came first.
    times = [f"2026-01-01T00:0{minute}:0{second}Z" for second in (0, 1, 1, 2)]
    return [json.dumps({"time": at, "request_id": run, **one}) for at, one in zip(times, told, strict=True)]


def test_lines_that_come_newest_first_tell_the_same_story(command: Command, tmp_path: Path) -> None:
    lines = [*_lines("one", 1), *_lines("two", 2)]
    forward, backward = tmp_path / "forward", tmp_path / "backward"
    forward.write_text("\n".join(lines))
    backward.write_text(json.dumps([{"message": line, "__time__": "1"} for line in lines[::-1]]))
    told = command("logs", forward)
    assert (0, told.out) == (0, command("logs", backward).out)
    assert "-" not in "".join(line[:9] for line in told.out.splitlines() if line.startswith(" "))
    assert told.out.index("one") < told.out.index("two")
    assert command("logs", forward, "--json").json() == command("logs", backward, "--json").json()


def test_a_single_call_is_called_one(command: Command, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(_lines("one", 1)))
    assert "plan one, 1 call\n" in command("logs", log).out
