"""Finds our log lines in whatever carries them: JSON lines, a pretty result, the output of aliyunlog."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

#: The fields in which Log Service carries a line (Function Compute, Logs).
_CARRIERS = ("message", "content", "msg")
#: The fields in which its answer holds all of them (GetLogs, GetLogsV2).
_SEVERAL = ("data", "logs")


def read(text: str) -> list[dict[str, Any]]:
    """Return the lines and results in a text, in their order; everything else is passed over."""
    try:
        return list(_ours(json.loads(text)))
    except (ValueError, RecursionError):
        pass
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        at = line.find("{")
        if at < 0:
            continue
        try:
            found += _ours(json.loads(line[at:]))
        except (ValueError, RecursionError):
            continue
    return found


def restored(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return lines with the lists that a line was too short for (``swap.detail``) in their places again."""
    found: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    for line in lines:
        (details if line.get("event") == "swap.detail" else found).append(copy.deepcopy(dict(line)))
    # The targets come first, since others are inside; the parts of a list in their order.
    details.sort(key=lambda one: (one.get("list") != "targets", str(one.get("list")), one.get("part", 0)))
    for detail in details:
        for line in found:
            if [line.get(key) for key in _SAME] == [detail.get(key) for key in _THERE]:
                _put_back(line, str(detail.get("list")), detail.get("items"))
    return found


#: What a line has in common with the lines of its lists, and how it is called there.
_SAME = ("request_id", "event", "details")
_THERE = ("request_id", "of", "details")


def _put_back(line: dict[str, Any], path: str, items: Any) -> None:
    *way, last = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]
    at: Any = line
    try:
        for step in way:
            at = at[step]
        kept = at[last] if isinstance(at[last], list) else []
        at[last] = kept + items
    except (LookupError, TypeError):
        return  # a part of the lines is missing


def results(text: str) -> list[dict[str, Any]]:
    """Return the whole results in a text, the oldest first if they say when they were."""
    found = [line for line in restored(read(text)) if isinstance(line.get("targets"), list)]
    return in_order(found)


def in_order(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return lines with the oldest first; those of the same time as they came, or turned like the others."""
    times = [str(line["time"]) for line in lines if line.get("time")]
    backward = times and times[0] > times[-1]
    return sorted(lines[::-1] if backward else lines, key=lambda line: str(line.get("time", "")))


def _ours(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from read(one) if isinstance(one, str) else _ours(one)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("event"), str) or "outcome" in value:
        if _is_ours(value):
            yield value
        return
    if isinstance(value.get("body"), str) and "statusCode" in value:
        yield from read(value["body"])
        return
    for several in _SEVERAL:
        if isinstance(value.get(several), list):
            yield from _ours(value[several])
            return
    for carrier in _CARRIERS:
        if isinstance(value.get(carrier), str):
            yield from read(value[carrier])
            return


def _is_ours(value: Mapping[str, Any]) -> bool:
    """Tell whether the targets of a line, if it has any, are as the function tells them."""
    targets = value.get("targets", [])
    return isinstance(targets, int) or (
        isinstance(targets, list) and all(isinstance(one, dict) and one.keys() >= _KEYS for one in targets)
    )


#: What the function tells of every target.
_KEYS = frozenset({"target", "vserver_group_id", "outcome"})
