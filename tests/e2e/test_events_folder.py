"""Every file of events/ gives the outcome beside it, through the functions of the template."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.level_c import ROOT, Http, Reply, running

sys.path.insert(0, str(ROOT / "tests" / "triggers"))
from tests.support.triggers import EventFile, event_files

EVENTS = ROOT / "events"
STATE = json.loads((EVENTS / "state.json").read_text())
TARGETS = json.loads((EVENTS / "targets.json").read_text())
FILES = list(event_files())


@pytest.fixture(scope="module")
def cloud() -> Iterator[Http]:
    with running(STATE, TARGETS) as http:
        yield http


def _result(reply: Reply, file: EventFile) -> dict[str, Any]:
    answer = reply.json()
    if "errorType" in answer:
        assert answer["errorType"] == "NotYet"
        return {"outcome": "raised", "reason": answer["errorMessage"], "targets": []}
    return dict(json.loads(answer["body"]) if "statusCode" in answer else answer)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_gives_the_outcome_beside_it(cloud: Http, file: EventFile) -> None:
    cloud.put_state(file.state(STATE))
    if file.expect["via"] == "http":
        event = json.loads(file.delivery(time.time()))
        method = event["requestContext"]["http"]["method"]
        reply = cloud.webhook(event["body"].encode(), event["headers"], method)
        assert file.expect["status"] == reply.status
    else:
        reply = cloud.deliver(file.delivery(time.time()))
    result = _result(reply, file)
    assert file.expect["outcome"] == result["outcome"], result["reason"]
    if result["outcome"] == "accepted":
        cloud.send("POST", "/_local/async/drain")
        for old, new in file.expect["targets"]["web"]["pairs"]:
            assert old not in cloud.servers()
            assert new in cloud.servers()
        return
    for name, expected in file.expect.get("targets", {}).items():
        found = next(target for target in result["targets"] if target["target"] == name)
        assert {
            "pairs": sorted(expected["pairs"]),
            "added": sorted(expected["added"]),
            "removed": sorted(expected["removed"]),
        } == {
            "pairs": sorted([pair["old"], pair["new"]] for pair in found["pairs"]),
            "added": sorted(backend["server_id"] for backend in found["added"]),
            "removed": sorted(backend["server_id"] for backend in found["removed"]),
        }


def test_folder_is_where_the_files_are() -> None:
    assert Path(EVENTS).is_dir()
    assert len(FILES) > 100
