"""A signed request that is raised, or queued for hours, is done; one without the door's word is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from handler import main, settings, webhook
from handler.cloud.invoking import Invoked
from tests.support.deliveries import ACCOUNT, REGION, SECRET, http_event, signed
from tests.support.level_b import World
from tests.support.places import target

RAW = json.dumps({"target": "web", "terminated": ["i-1"], "launched": ["n-1"]}).encode()
HOUR = 3600.0


@contextmanager
def at(moment: float) -> Iterator[None]:
    with mock.patch.object(time, "time", lambda: moment):
        yield


def handed_on(
    headers: Mapping[str, str], moment: float, body: bytes = RAW
) -> tuple[bytes, Mapping[str, Any]]:
    """Take a request at the door of Function Compute 3.0; returns what ``swap`` is invoked with, and how."""
    told = settings.load({"SWAP_TARGETS": json.dumps([target()]), "SWAP_WEBHOOK_SECRETS": SECRET})
    seen: list[tuple[bytes, Mapping[str, Any]]] = []

    class Recorder:
        def invoke(self, payload: bytes, **how: Any) -> Invoked:
            seen.append((payload, how))
            return Invoked(202, b"")

    keys = SimpleNamespace(access_key_id="a", access_key_secret="b", security_token="c")
    context = SimpleNamespace(request_id="r", region=REGION, account_id=ACCOUNT, credentials=keys)
    with (
        at(moment),
        mock.patch.object(main, "_instance", main._Instance(told)),
        mock.patch.object(webhook, "_invoker", lambda *_, **__: Recorder()),
    ):
        answer = webhook.webhook(json.dumps(http_event(body, headers)).encode(), context)
    assert answer["statusCode"] == 202
    (found,) = seen
    return found


def world(**how: Any) -> World:
    return World("i-1 i-2 i-3 i-4", fresh="n-1", timeout_s=600, **how)


def github(moment: float) -> tuple[bytes, dict[str, str]]:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    deployment = {"payload": json.loads(RAW), "created_at": created}
    body = json.dumps({"action": "created", "deployment": deployment}).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return body, {
        "content-type": "application/json",
        "x-github-event": "deployment",
        "x-github-delivery": "d-1",
        "x-hub-signature-256": f"sha256={digest}",
    }


def test_a_request_that_was_raised_is_done_by_a_later_try() -> None:
    now = time.time()
    payload, _ = handed_on({**signed(RAW, at=now), "prefer": "respond-async"}, now)
    here = world()
    here.faults(
        {"action": "ModifyVServerGroupBackendServers", "error": "BackendServer.configuring", "every": 1}
    )
    with at(now):
        assert here.deliver(payload).raised
    here.faults()
    with at(now + 630):
        assert here.deliver(payload).outcome == "applied"
    assert "n-1" in here.shown()


@pytest.mark.parametrize("hours", [0.1, 1, 5, 24, 7 * 24])
def test_a_request_that_was_queued_for_hours_is_done(hours: float) -> None:
    now = time.time()
    payload, how = handed_on({**signed(RAW, at=now), "prefer": "respond-async"}, now)
    assert how["asynchronous"]
    here = world()
    with at(now + hours * HOUR):
        assert here.deliver(payload).outcome == "applied"


def test_githubs_deployment_that_was_queued_for_hours_is_done() -> None:
    now = time.time()
    body, headers = github(now - 0.9 * HOUR)
    payload, _ = handed_on(headers, now, body)
    here = world()
    with at(now + 6 * HOUR):
        assert here.deliver(payload).outcome == "applied"


def test_the_edge_of_freshness_is_the_same_at_the_door_and_behind_it() -> None:
    now = float(int(time.time()))
    for off in (-300, 300):
        for part in (0.0, 0.4, 0.999):
            moment = now + part
            payload, _ = handed_on({**signed(RAW, at=now + off), "prefer": "respond-async"}, moment)
            with at(moment):
                assert world().deliver(payload).outcome == "applied"


def test_an_old_request_without_the_doors_word_is_nobodys_order() -> None:
    """Whoever may publish to the topic, or invoke the function, has no more than what he once saw."""
    now = time.time()
    headers = signed(RAW, at=now)
    payload, _ = handed_on({**headers, "prefer": "respond-async"}, now)
    bare = {key: value for key, value in json.loads(payload).items() if key != "handedOn"}
    moved = json.loads(payload)
    moved["handedOn"]["receivedAt"] += int(HOUR)
    other = json.loads(payload)
    other["body"] = base64.b64encode(RAW.replace(b"i-1", b"i-2")).decode()
    body = json.dumps({"Message": json.dumps(http_event(RAW, headers)), "MessageId": "A", "TopicName": "t"})
    for forged in (
        http_event(RAW, headers),
        bare,
        moved,
        other,
        [http_event(RAW, headers)],
        json.loads(body),
    ):
        here = world()
        with at(now + HOUR):
            told = here.deliver(forged)
        assert (told.outcome, here.calls()) == ("rejected", [])


def test_a_request_that_reaches_the_writer_by_itself_is_judged_then_and_there() -> None:
    now = time.time()
    event = http_event(RAW, signed(RAW, at=now))
    with at(now):
        assert world().deliver(event).outcome == "applied"
    with at(now + 301):
        assert world().deliver(event).status == 401
