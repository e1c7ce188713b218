"""Finds our log lines in whatever carries them: JSON lines, a pretty result, the output of aliyunlog."""

from __future__ import annotations

import json
from collections.abc import Iterator
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


def _ours(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from read(one) if isinstance(one, str) else _ours(one)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("event"), str) or "outcome" in value:
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
