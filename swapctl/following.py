"""Follows a request that was only queued, in the log of a local cloud; says how to, elsewhere."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

from swapctl import view
from swapctl.sending import ANSWER_S, Way

#: Seconds between two looks at the log.
EVERY_S = 0.2


def until_done(told: dict[str, Any], sent_id: str, way: Way, *, quiet: bool) -> dict[str, Any]:
    """Return what a queued request came to, once the log says so; else ``told``, and where to look."""
    if way.endpoint is None:
        if not quiet:
            view.say(
                f"Queued as {sent_id}. The outcome follows in the log of swap: "
                f"aliyun sls GetLogs ... --query '\"{sent_id}\"' | slb-swap logs"
            )
        return told
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        for line in _lines(way.endpoint):
            if sent_id in line.get("event_ids", []) and line["event"] == "swap.completed" and line["targets"]:
                return {key: line[key] for key in ("outcome", "reason", "request_id", "targets", "rejected")}
        time.sleep(EVERY_S)
    return told


def _lines(endpoint: str) -> Iterator[dict[str, Any]]:
    with urllib.request.urlopen(f"{endpoint}/_local/logs?function=swap", timeout=30) as answer:  # noqa: S310
        for line in json.loads(answer.read()):
            if line.startswith("{"):
                yield json.loads(line)
