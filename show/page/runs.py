"""The runs of the function, from its log: each with its pairs, its waves, and its story in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from show.telling import tell

ROOT = Path(__file__).resolve().parents[2]
_RESULTS = {
    "busy": "the load balancer is busy, so it is tried again",
    "throttled": "too many calls, so it is tried again",
    "unknown": "no answer that can be trusted, so the group is looked at again",
    "bad_backend": "a server is not taken",
    "over_quota": "the load balancer is full",
    "gone": "what it names is gone",
    "permanent": "refused for good",
}
_WHY = {
    "replace": "Replace", "add": "Add", "surge": "Add at weight 0", "weigh": "Give weight", "drain": "Drain",
    "retire": "Retire", "take_back": "Take back", "put_back": "Put back",
}  # fmt: skip


def meanings() -> dict[str, str]:
    """What each outcome, reason and wait means, from docs/operating.md."""
    found: dict[str, str] = {}
    for line in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) < 4 or not (name := re.fullmatch(r"`([a-z_]+)`", cells[1])):
            continue
        override = len(cells) > 5
        meaning = cells[3] if override else cells[2]
        found.setdefault(name[1], re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", ""))
    return found


def runs(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Every invocation that these lines tell of, the newest last."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for text in lines:
        if not text.startswith("{"):
            continue
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if "request_id" in line and str(line.get("event", "")).startswith(("swap.", "hook.")):
            by_id.setdefault(line["request_id"], []).append(line)
    return [_run(request_id, told) for request_id, told in by_id.items()]


def _run(request_id: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    last = next((x for x in lines if x["event"] in {"swap.completed", "swap.unfinished"}), None)
    names = list(dict.fromkeys(x["target"] for x in lines if x["event"] == "swap.planned"))
    told = {one["target"]: one for one in _targets(lines, last)}
    return {
        "id": request_id,
        "at": lines[0]["time"],
        "trigger": lines[0].get("trigger"),
        "outcome": last["outcome"] if last else "running",
        "reason": last.get("reason") if last else None,
        "targets": [_target(name, lines, told.get(name, {})) for name in dict.fromkeys([*names, *told])],
        "hooks": [_hook(x) for x in lines if x["event"].startswith("hook.")],
        "ignored": [x["detail"] for x in lines if x["event"] == "swap.ignored" and x.get("detail")],
        "rejected": [str(x["reason"]) for x in lines if x["event"] == "swap.rejected"],
    }


def _targets(lines: list[dict[str, Any]], last: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The result's targets; lists that were too long for one line are put back."""
    targets = last.get("targets") if last else []
    whose = last.get("details") if last else None
    details = [x for x in lines if x["event"] == "swap.detail" and x.get("details") == whose]
    if not isinstance(targets, list):
        targets = [item for x in details if x["list"] == "targets" for item in x["items"]]
    for x in details:
        if match := re.fullmatch(r"targets\[(\d+)\]\.(\w+)", x["list"]):
            one = targets[int(match[1])]
            if not isinstance(one.get(match[2]), list):
                one[match[2]] = []
            one[match[2]] += x["items"]
    return targets


_LISTS = ("pairs", "added", "removed", "refused")
_VALUES = ("outcome", "reason", "api_calls", "attempts", "duration_ms", "reverse")


def _target(name: str, lines: list[dict[str, Any]], told: Mapping[str, Any]) -> dict[str, Any]:
    lists = {key: told.get(key) for key in _LISTS}
    planned = next((x for x in lines if x["event"] == "swap.planned" and x["target"] == name), {})
    return {
        "target": name,
        **{key: told.get(key) for key in _VALUES},
        **{key: value if isinstance(value, list) else [] for key, value in lists.items()},
        "plan": planned.get("steps", []),
        "story": _story(name, lines),
    }


def _story(name: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was done and waited for, in order; waits that follow each other are one."""
    steps: list[dict[str, Any]] = []
    starts = _wave_starts(name, lines)
    begin = None
    for line in lines:
        if line.get("target") != name:
            continue
        at = _seconds(line["time"])
        begin = at if begin is None else begin
        wave = sum(start <= at + 1e-6 for start in starts)
        if line["event"] == "swap.step":
            fine = line["result"] == "applied"
            result = "done" if fine else _RESULTS.get(line["result"], line["result"])
            code = f" ({line['code']})" if line.get("code") else ""
            steps.append(
                {"at": round(at - begin, 2), "wave": wave, "kind": "step" if fine else "trouble",
                 **_words(line), "result": f"{result}{code}"}
            )  # fmt: skip
        elif line["event"] == "swap.waiting":
            if steps and steps[-1]["kind"] == "wait" and steps[-1]["why"] == line["why"]:
                steps[-1]["seconds"] = round(steps[-1]["seconds"] + line["seconds"], 1)
            else:
                steps.append(
                    {"at": round(at - begin, 2), "wave": wave, "kind": "wait", "why": line["why"],
                     "seconds": round(line["seconds"], 1)}
                )  # fmt: skip
        elif line["event"] == "swap.failed":
            steps.append(
                {
                    "at": round(at - begin, 2),
                    "wave": wave,
                    "kind": "trouble",
                    "text": "It broke",
                    "result": "",
                }
            )
    return steps


def _words(line: Mapping[str, Any]) -> dict[str, str]:
    """A write in words; where it names many servers, the first two, and all of them apart."""
    why, words = _WHY.get(line["why"], line["why"]), str(line["step"])
    action, _, rest = words.partition(" ")
    entries = rest.split(", ")
    if len(entries) <= 3:
        return {"text": f"{why}: {words}"}
    text = f"{why}: {action} of {len(entries)}, {', '.join(entries[:2])} and {len(entries) - 2} more"
    return {"text": text, "full": rest}


def _wave_starts(name: str, lines: list[dict[str, Any]]) -> list[float]:
    mine = [x for x in lines if x.get("target") == name]
    if not any(x["event"] == "swap.planned" for x in mine):
        return []
    story, start = tell(mine, name), _seconds(min(x["time"] for x in mine))
    return [start + wave[0] for wave in story.waves]


def _hook(line: Mapping[str, Any]) -> str:
    hook = line.get("hook_id")
    if line["event"] == "hook.completed":
        return f"{hook} was told {line.get('result')}"
    return (
        f"{hook} could not be completed"
        if line["event"] == "hook.failed"
        else f"{hook} is left to its default"
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
