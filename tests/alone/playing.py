"""Plays one delivery of events/ against a running local cloud, and compares what came of it."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from localcloud.serving import LocalCloud
from tests.support.level_c import ROOT, Http, Reply

sys.path.insert(0, str(ROOT / "tests" / "triggers"))

from tests.support.triggers import EventFile, event_files


class Cloud(Http):
    """A local cloud, with the URL of its webhook."""

    def __init__(self, local: LocalCloud) -> None:
        super().__init__(local.endpoint)
        self._local = local
        self._url = json.loads(local.greeting())["webhook_url"]

    def request(self, body: bytes, headers: dict[str, str], method: str) -> Reply:
        """Send a request to the webhook."""
        path = self._url.removeprefix(self.endpoint)
        return self.send(method, path, body, headers)

    def denied(self) -> list[tuple[str, str]]:
        """What the functions asked for and have no right to: action and resource."""
        functions = self._local.functions
        policies = functions.policies() if functions is not None else []
        return sorted({pair for policy in policies for pair in policy.denied})


def files() -> list[EventFile]:
    """Every delivery."""
    return list(event_files())


def wrong(cloud: Cloud, file: EventFile) -> str | None:
    """Play a delivery; returns how its outcome differs from what is beside it, None if it does not."""
    if file.expect["via"] == "http":
        event = json.loads(file.delivery(time.time()))
        method = event["requestContext"]["http"]["method"]
        reply = cloud.request(event["body"].encode(), event["headers"], method)
        if reply.status != file.expect["status"]:
            return f"status {reply.status}, not {file.expect['status']}: {reply.body[:200]!r}"
    else:
        reply = cloud.deliver(file.delivery(time.time()))
    result = _result(reply)
    if result.get("outcome") != file.expect["outcome"]:
        return f"{result.get('outcome')} ({result.get('reason')}), not {file.expect['outcome']}"
    if result["outcome"] == "accepted":
        cloud.send("POST", "/_local/async/drain")
        pairs = file.expect["targets"]["web"]["pairs"]
        undone = [old for old, new in pairs if old in cloud.servers() or new not in cloud.servers()]
        return f"not done afterwards: {undone}" if undone else None
    return _targets(file.expect.get("targets", {}), result.get("targets", []))


def _targets(expected: dict[str, Any], found: list[dict[str, Any]]) -> str | None:
    by_name = {one["target"]: one for one in found}
    for name, wanted in expected.items():
        one = by_name.get(name, {"pairs": [], "added": [], "removed": []})
        got = {
            "pairs": sorted([pair["old"], pair["new"]] for pair in one["pairs"]),
            "added": sorted(backend["server_id"] for backend in one["added"]),
            "removed": sorted(backend["server_id"] for backend in one["removed"]),
        }
        if got != {key: sorted(wanted[key]) for key in got}:
            return f"{name}: {got}"
    return None


def _result(reply: Reply) -> dict[str, Any]:
    answer = reply.json()
    if "errorType" in answer:
        return {
            "outcome": "raised" if answer["errorType"] == "NotYet" else "broken",
            "reason": str(answer)[:300],
        }
    return dict(json.loads(answer["body"]) if "statusCode" in answer else answer)
