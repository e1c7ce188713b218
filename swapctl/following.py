"""Follows a request that was only queued, in the log of a local cloud; says how to, elsewhere."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from typing import Any

from swapctl import view
from swapctl.sending import ANSWER_S, Way

#: Seconds between two looks at the log.
EVERY_S = 0.2


def until_done(told: dict[str, Any], sent_id: str, way: Way, *, quiet: bool) -> dict[str, Any]:
    """Return what a queued request came to, once the log says so; else ``told``, and where to look."""
    deadline = time.monotonic() + ANSWER_S
    while way.endpoint is not None and time.monotonic() < deadline:
        lines = _lines(way.endpoint)
        if lines is None:
            break
        for line in lines:
            if sent_id in line.get("event_ids", []) and line["event"] == "swap.completed" and line["targets"]:
                return {key: line[key] for key in ("outcome", "reason", "request_id", "targets", "rejected")}
        time.sleep(EVERY_S)
    if not quiet:
        view.say(
            f"Queued as {sent_id}. The outcome follows in the log of swap: "
            f"aliyun sls GetLogs ... --query '\"{sent_id}\"' | slb-swap logs"
        )
    return told


def _lines(endpoint: str) -> list[dict[str, Any]] | None:
    """Return the log lines of a local cloud; None if there is none at that endpoint."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_local/logs?function=swap", timeout=30) as answer:  # noqa: S310
            return [json.loads(line) for line in json.loads(answer.read()) if line.startswith("{")]
    except (OSError, ValueError, http.client.HTTPException):
        return None
