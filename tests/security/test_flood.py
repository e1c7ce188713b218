"""A flood of requests that nobody signed does not delay one event: shown by counting, not by the clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.deliveries import SECRET, scaled_in, signed
from tests.support.level_c import Http, running
from tests.support.places import place, target

STATE = place("web", "i-1 i-2 i-3", "i-2 i-3 i-4", fresh="i-5")
RAW = json.dumps({"target": "web", "pairs": [["i-2", "i-5"]]}).encode()
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture(scope="module", params=["template.yml", "template.fc2.yml"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Http]:
    with running(STATE, [target()], name=request.param) as http:
        yield http


def flood() -> list[tuple[bytes, dict[str, str], int]]:
    """Requests, and the status that each gets."""
    plain = {"content-type": "application/json"}
    stale, forged = signed(RAW, at=time.time() - 900), signed(RAW, secret=OTHER_SECRET)
    sealed: dict[str, Any] = {"receivedAt": int(time.time()), "asynchronous": True, "seals": ["00" * 32]}
    events = json.dumps({**json.loads(RAW), "handedOn": sealed}).encode()
    kinds = [(RAW, plain, 401), (RAW, stale, 401), (RAW, forged, 401), (events, plain, 401), (b"", {}, 415)]
    return [kinds[number % len(kinds)] for number in range(60)]


def runs_of_swap(cloud: Http) -> int:
    lines = cloud.send("GET", "/_local/logs?function=swap").json()
    return sum(line.startswith("FC Invoke Start") for line in lines)


def test_a_flood_is_refused_at_the_door_and_never_invokes_the_writer(cloud: Http) -> None:
    cloud.put_state(STATE)
    cloud.send("DELETE", "/_local/logs")
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(cloud.webhook, body, headers) for body, headers, _ in flood()]
        told = cloud.deliver(scaled_in("i-1")).json()
        statuses = [answer.result().status for answer in answers]
    assert told["outcome"] == "applied"
    # On 3.0 the door itself takes so many at a time, and the rest is told so: never by the writer.
    assert all(got in {wanted, 429} for got, (_, _, wanted) in zip(statuses, flood(), strict=True))
    assert 401 in statuses
    assert runs_of_swap(cloud) == 1
    door = cloud.send("GET", "/_local/logs?function=webhook").json()
    assert not [line for line in door if "ResourceExhausted" in line or SECRET in line]
