"""An old webhook is replayed: refused by its signed timestamp; inside the window it is `unchanged`."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.scenarios.world import Make, Remote, here
from tests.support.deliveries import http_event, signed
from tests.support.level_b import World
from tests.support.looks import Told

ROW = 29
BODY = json.dumps({"target": "web", "pairs": [["i-1", "i-4"]]}).encode()


def send(world: World | Remote, headers: dict[str, str]) -> Told:
    if isinstance(world, World):
        return world.deliver(http_event(BODY, headers))
    reply = world.http.webhook(BODY, headers)
    return Told(reply.json(), status=reply.status)


def replayed(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-5", fresh="i-4", **state)
    headers = signed(BODY, number="msg-1")
    assert send(world, headers).outcome == "applied"
    world.forget_calls()
    again = send(world, headers)
    assert (again.outcome, again.status) == ("unchanged", 200)
    assert world.writes() == []
    world.forget_calls()
    for seconds in (-400, 400):
        old = send(world, signed(BODY, at=time.time() + seconds, number="msg-1"))
        assert (old.outcome, old.status) == ("rejected", 401)
    assert world.calls() == []


def test_it_is_refused_or_unchanged(readings: dict[str, Any]) -> None:
    replayed(here, readings=readings)


@pytest.mark.parametrize("name", ["webhook-timestamp", "webhook-id"])
def test_a_replay_with_another_name_or_time_is_not_signed(name: str) -> None:
    world = here("i-1 i-2 i-3 i-5", fresh="i-4")
    headers = signed(BODY, at=time.time() - 400)
    headers[name] = str(int(time.time()))
    assert send(world, headers).status == 401
    assert world.calls() == []


def test_replayed_over_http(there: Make) -> None:
    replayed(there)
