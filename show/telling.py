"""Tells a run's story from its log lines.

`swap.*` lines are enough. A new server then counts as unproven until the run that put it in has stopped
waiting for health. Lines of the local cloud (`cloud.group`) say more, and are believed where there are any;
`traffic.counted` lines tell what senders met.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from show.story import Count, Lane, Mark, Span, State, Story

_STATES: Mapping[str, State] = {"normal": "normal", "abnormal": "abnormal"}
_ENTRY = re.compile(r"(?P<server>[^\s,]+):(?P<port>\d+) \((?P<weight>\d+)\)")
#: What a step is for: these go forward, and so may begin a wave; the others finish one or take it back.
_FORWARD = {"replace", "add", "surge"}
_BACK = {"take_back", "put_back"}


def tell(lines: Iterable[str | Mapping[str, Any]], target: str | None = None) -> Story:
    """Tell the story of one target, the first that is named if None. ValueError: no line tells of a run."""
    parsed = _parsed(lines)
    names = [str(line["target"]) for line in parsed if line["event"] == "swap.planned"]
    target = target or (names[0] if names else None)
    if target is None and not any(line["event"] == "cloud.group" for line in parsed):
        raise ValueError("no swap.planned line: these lines tell of no run")
    ours = [line for line in parsed if line.get("target") in {None, target}]
    start = _seconds(ours[0])
    return _Teller(target or "", ours, start).story


def _parsed(lines: Iterable[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines that are ours, in the order of their times; lists that were logged apart are put back."""
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            value = json.loads(line) if isinstance(line, str) else dict(line)
        except ValueError:
            continue
        known = isinstance(value, dict) and str(value.get("event", "")).startswith(
            ("swap.", "cloud.", "traffic.")
        )
        if known and "time" in value:
            found.append(value)
    found.sort(key=_seconds)
    details: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    for line in found:
        if line["event"] == "swap.detail":
            lists = details.setdefault((line.get("request_id"), line["of"], line.get("details")), {})
            lists.setdefault(line["list"], []).extend(line["items"])
    for line in found:
        whose = line.get("request_id"), line["event"], line.get("details")
        for path, items in details.get(whose, {}).items():
            _put(line, path, items)
    return found


def _put(line: dict[str, Any], path: str, items: list[Any]) -> None:
    """Put a list back where it belongs: `rejected`, `targets`, `targets[0].before`."""
    match = re.fullmatch(r"targets\[(\d+)\]\.(\w+)", path)
    if match is None:
        line[path] = items
        return
    targets = line.get("targets")
    if isinstance(targets, list) and int(match[1]) < len(targets):
        targets[int(match[1])][match[2]] = items


def _seconds(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(str(line["time"]).replace("Z", "+00:00")).timestamp()


class _Teller:
    """Goes through the lines once and fills the story."""

    def __init__(self, target: str, lines: list[dict[str, Any]], start: float) -> None:
        self.story = Story(target)
        self._start = start
        self._lanes: dict[str, Lane] = {}
        self._seen = any(line["event"] == "cloud.group" for line in lines)
        self._told = any("unproven" in line for line in lines)
        self._waited, self._turned = False, True
        self._wave: float | None = None
        self._result = {
            line.get("request_id"): one
            for line in lines
            if line["event"] in {"swap.completed", "swap.unfinished"}
            and isinstance(line.get("targets"), list)
            for one in line["targets"]
            if one.get("target") == target
        }
        self._met: set[Any] = set()
        self._began = False
        for line in lines:
            at = _seconds(line) - start
            self.story.end = max(self.story.end, at)
            getattr(self, "_" + line["event"].replace(".", "_"), self._other)(line, at)
        swaps = [_seconds(line) for line in lines if line["event"].startswith("swap.")]
        self.story.seconds = max(swaps) - min(swaps) if swaps else self.story.end
        self._close()

    def _other(self, line: Mapping[str, Any], at: float) -> None:
        pass

    def _swap_planned(self, line: Mapping[str, Any], at: float) -> None:
        if isinstance(line.get("floor"), int):
            self.story.floor = line["floor"]
        if line.get("request_id") in self._met or self._seen:
            return
        self._met.add(line.get("request_id"))
        before = self._result.get(line.get("request_id"), {}).get("before")
        for backend in before if isinstance(before, list) else []:
            self._enter(f"{backend['server_id']}:{backend['port']}", backend["weight"], "normal", at)
        self._began = True

    def _swap_step(self, line: Mapping[str, Any], at: float) -> None:
        action, _, rest = str(line["step"]).partition(" ")
        why, result = str(line["why"]), str(line["result"])
        self.story.marks.append(Mark(at, action, why, result, str(line.get("code") or "")))
        if why in _FORWARD and self._turned:
            self._end_wave(at)
            self._wave, self._turned = at, False
        elif why not in _FORWARD:
            self._turned = True
        if (self._waited and why not in _BACK) or why == "retire":
            self._proven(at)
        self._waited = False
        if result != "applied" or self._seen:
            return
        for entry in rest.split(", "):
            sides = [_ENTRY.fullmatch(side) for side in entry.split(" -> ")]
            if any(side is None for side in sides):
                continue
            keys = [(f"{s['server']}:{s['port']}", int(s["weight"])) for s in sides if s is not None]
            if action in {"Modify", "Remove"}:
                self._leave(keys[0][0], at)
            if action != "Remove":
                name, weight = keys[-1]
                kept = action == "SetWeight" and (self._told or why != "weigh")
                state = self._state_now(name) if kept else None
                known = action == "SetWeight" or why in _BACK
                self._enter(name, weight, state or ("normal" if known else "unproven"), at)

    def _swap_waiting(self, line: Mapping[str, Any], at: float) -> None:
        if line.get("why") == "health":
            self._waited = self._turned = True
        unproven = line.get("unproven")
        if isinstance(unproven, list):
            self._prove({name for name in self._lanes if name.rpartition(":")[0] not in unproven}, at)

    def _swap_completed(self, line: Mapping[str, Any], at: float) -> None:
        done = self._result.get(line.get("request_id"))
        if done is None:
            return
        self.story.outcome, self.story.reason = str(done["outcome"]), done.get("reason")
        refused = done.get("refused") if isinstance(done.get("refused"), list) else []
        failed = {one["subject"] for one in refused or [] if one["reason"] == "not_healthy"}
        for name, lane in self._lanes.items():
            for span in lane.spans:
                if name.rpartition(":")[0] in failed and span.state == "unproven":
                    span.state = "abnormal"
        if self.story.outcome != "raised":
            self._prove(set(self._lanes), at)
        self._end_wave(at)
        self._turned = True

    _swap_unfinished = _swap_completed

    def _cloud_group(self, line: Mapping[str, Any], at: float) -> None:
        """The group as the local cloud has it, with what its checks have found."""
        there = {f"{b['server_id']}:{b['port']}": b for b in line["backends"]}
        for name, lane in self._lanes.items():
            if name not in there and lane.spans and lane.spans[-1].end == float("inf"):
                self._leave(name, at)
        for name, backend in there.items():
            self._enter(name, backend["weight"], _STATES.get(backend["health"], "unproven"), at)
        self._began = True

    def _cloud_call(self, line: Mapping[str, Any], at: float) -> None:
        """A write of another program."""
        self.story.marks.append(Mark(at, str(line["action"]), "", str(line["result"]), ""))

    def _traffic_counted(self, line: Mapping[str, Any], at: float) -> None:
        self.story.traffic.append(Count(at, int(line["requests"]), int(line["failed"])))

    def _state_now(self, name: str) -> State | None:
        lane = self._lanes.get(name)
        return lane.spans[-1].state if lane and lane.spans else None

    def _enter(self, name: str, weight: int, state: State, at: float) -> None:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(name, not self._began)
            self.story.lanes.append(lane)
        last = lane.spans[-1] if lane.spans else None
        if last is not None and last.end == float("inf"):
            if (last.weight, last.state) == (weight, state):
                return
            last.end = at
        lane.spans.append(Span(at, float("inf"), weight, state))

    def _leave(self, name: str, at: float) -> None:
        if name not in self._lanes:  # the run ended before it could say what was there before
            self._lanes[name] = Lane(name, True, [Span(0.0, at, 100, "normal")])
            self.story.lanes.append(self._lanes[name])
        elif self._lanes[name].spans[-1].end == float("inf"):
            self._lanes[name].spans[-1].end = at

    def _proven(self, at: float) -> None:
        """What waited for health has ended well, or the run would not go on; of no use where lines say it."""
        if not self._told:
            self._prove({name for name, lane in self._lanes.items() if lane.spans[-1].weight}, at)

    def _prove(self, names: set[str], at: float) -> None:
        for name in names if not self._seen else ():
            last = self._lanes[name].spans[-1]
            if last.state == "unproven" and last.end == float("inf"):
                self._enter(name, last.weight, "normal", at)

    def _end_wave(self, at: float) -> None:
        if self._wave is not None:
            self.story.waves.append((self._wave, at))
        self._wave = None

    def _close(self) -> None:
        self._end_wave(self.story.end)
        for lane in self.story.lanes:
            for span in lane.spans:
                span.end = min(span.end, self.story.end)
            lane.spans = [span for span in lane.spans if span.end > span.start]
        self.story.lanes = [lane for lane in self.story.lanes if lane.spans]
