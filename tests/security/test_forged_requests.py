"""Forged, stale, replayed, truncated, huge, deep and wrongly typed requests: each its status, none a call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.security.conftest import STATE
from tests.support.deliveries import SECRET, signed
from tests.support.level_c import Http

GOOD = {"target": "web", "pairs": [["i-1", "i-5"]]}
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
JSON = {"content-type": "application/json"}


def _raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass(frozen=True)
class Case:
    """A request, and the status that it must get."""

    status: int
    body: Any = field(default_factory=lambda: GOOD)
    headers: Callable[[bytes], dict[str, str]] = signed
    method: str = "POST"


def _github(body: bytes, *, secret: str = SECRET, event: str = "deployment") -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        **JSON,
        "x-github-event": event,
        "x-github-delivery": "d-1",
        "x-hub-signature-256": f"sha256={digest}",
    }


def _deployment(created: float) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
    return {"action": "created", "deployment": {"created_at": stamp, "payload": GOOD}}


def _but(**changed: str | None) -> Callable[[bytes], dict[str, str]]:
    """A good signature, with headers changed, or left out where they are None."""

    def headers(body: bytes) -> dict[str, str]:
        made = {
            **signed(body),
            **{name.replace("_", "-"): value for name, value in changed.items() if value is not None},
        }
        return {
            name: value for name, value in made.items() if changed.get(name.replace("-", "_"), "") is not None
        }

    return headers


def _at(seconds: float) -> Callable[[bytes], dict[str, str]]:
    return lambda body: signed(body, at=time.time() + seconds)


def _truncated_signature(body: bytes) -> dict[str, str]:
    made = signed(body)
    return {**made, "webhook-signature": made["webhook-signature"][:-4]}


def _of_another_body(_: bytes) -> dict[str, str]:
    return signed(b'{"target": "web", "pairs": [["i-1", "i-9"]]}')


def _unpadded_sha1(body: bytes) -> dict[str, str]:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = signed(body)
    text = f"{made['webhook-id']}.{made['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(key, text, hashlib.sha1).digest()).decode()
    return {**made, "webhook-signature": f"v1,{digest}"}


CASES: dict[str, Case] = {
    # forged
    "unsigned": Case(401, headers=lambda _: dict(JSON)),
    "another secret": Case(401, headers=lambda body: signed(body, secret=OTHER_SECRET)),
    "the signature of another body": Case(401, headers=_of_another_body),
    "an empty signature": Case(401, headers=_but(webhook_signature="")),
    "no version": Case(401, headers=_but(webhook_signature="AAAA")),
    "an unknown version": Case(401, headers=_but(webhook_signature="v2,AAAA")),
    "a thousand signatures": Case(401, headers=_but(webhook_signature="v1,AAAA " * 1000)),
    "a weaker hash": Case(401, headers=_unpadded_sha1),
    "another id": Case(401, headers=_but(webhook_id="msg_other")),
    "no id": Case(401, headers=_but(webhook_id=None)),
    "no timestamp": Case(401, headers=_but(webhook_timestamp=None)),
    "the secret as the signature": Case(401, headers=_but(webhook_signature=SECRET)),
    "another secret, as GitHub signs": Case(
        401, _deployment(time.time()), lambda body: _github(body, secret=OTHER_SECRET)
    ),
    "a deployment that GitHub did not sign": Case(
        401, _deployment(time.time()), lambda _: {**JSON, "x-github-event": "deployment"}
    ),
    # stale, or from the future
    "ten minutes old": Case(401, headers=_at(-600)),
    "ten minutes ahead": Case(401, headers=_at(600)),
    "a timestamp that is none": Case(401, headers=_but(webhook_timestamp="now")),
    "a timestamp with a sign": Case(401, headers=_but(webhook_timestamp="-1")),
    "a timestamp beyond all": Case(401, headers=_but(webhook_timestamp="9" * 400)),
    "a deployment of yesterday": Case(401, _deployment(time.time() - 86_400), _github),
    "a deployment of tomorrow": Case(401, _deployment(time.time() + 86_400), _github),
    # replayed: what was signed, with a fresh time or another name put on it
    "an old one with a fresh time": Case(
        401,
        headers=lambda body: {
            **signed(body, at=time.time() - 600),
            "webhook-timestamp": str(int(time.time())),
        },
    ),
    # truncated
    "a truncated body": Case(401, _raw(GOOD)[:-5], lambda _: signed(_raw(GOOD))),
    "a truncated body, signed": Case(400, _raw(GOOD)[:-5]),
    "no body": Case(400, b""),
    "a truncated signature": Case(401, headers=_truncated_signature),
    # huge
    "65 KB": Case(413, {"target": "web", "terminated": ["i-" + "x" * 66_000]}),
    "5 MB": Case(413, b'{"target": "' + b"x" * 5_000_000 + b'"}'),
    "501 entries": Case(400, {"target": "web", "launched": [f"i-{n}" for n in range(501)]}),
    "an id of 200": Case(400, {"target": "web", "terminated": ["i-" + "x" * 200]}),
    # deep
    "deep lists": Case(400, b"[" * 20_000 + b"]" * 20_000),
    "deep objects": Case(400, b'{"target":' * 5_000 + b"1" + b"}" * 5_000),
    # wrongly typed
    "a list": Case(400, [GOOD]),
    "a text": Case(400, "web"),
    "null": Case(400, None),
    "a number": Case(400, 7),
    "not JSON": Case(400, b"target=web"),
    "not UTF-8": Case(400, b'{"target": "\xff\xfe"}'),
    "NaN": Case(400, b'{"target": "web", "terminated": [NaN]}'),
    "target is a number": Case(400, {**GOOD, "target": 7}),
    "target is a list": Case(400, {**GOOD, "target": ["web"]}),
    "pairs of one": Case(400, {"target": "web", "pairs": [["i-1"]]}),
    "pairs of three": Case(400, {"target": "web", "pairs": [["i-1", "i-5", "i-6"]]}),
    "pairs as objects": Case(400, {"target": "web", "pairs": [{"old": "i-1", "new": "i-5"}]}),
    "terminated is a text": Case(400, {"target": "web", "terminated": "i-1"}),
    "a port as a text": Case(400, {"target": "web", "terminated": [{"server_id": "i-1", "port": "8080"}]}),
    "a port of 0": Case(400, {"target": "web", "terminated": [{"server_id": "i-1", "port": 0}]}),
    "a port of 65536": Case(400, {"target": "web", "terminated": [{"server_id": "i-1", "port": 65536}]}),
    "a port of true": Case(400, {"target": "web", "terminated": [{"server_id": "i-1", "port": True}]}),
    "a weight of 101": Case(400, {"target": "web", "launched": [{"server_id": "i-5", "weight": 101}]}),
    "a weight of -1": Case(400, {"target": "web", "launched": [{"server_id": "i-5", "weight": -1}]}),
    "a weight of 1e9": Case(400, {"target": "web", "launched": [{"server_id": "i-5", "weight": 10**9}]}),
    "an unknown type": Case(400, {"target": "web", "launched": [{"server_id": "i-5", "type": "vm"}]}),
    "gone as a text": Case(400, {**GOOD, "gone": "yes"}),
    "an unknown field": Case(400, {**GOOD, "dryrun": True}),
    "an unknown word to force": Case(400, {**GOOD, "force": ["everything"]}),
    "an unknown strategy": Case(400, {**GOOD, "strategy": "yolo"}),
    "an id with a line in it": Case(400, {"target": "web", "terminated": ["i-1\nlevel=error"]}),
    "an id that is markup": Case(400, {"target": "web", "terminated": ["<script>"]}),
    "nothing to do": Case(400, {"target": "web"}),
    "one on both sides": Case(400, {"target": "web", "terminated": ["i-1"], "launched": ["i-1"]}),
    # not for us
    "an unknown target": Case(404, {**GOOD, "target": "elsewhere"}),
    "a group that is no target": Case(404, {**GOOD, "target": "rsp-elsewhere"}),
    "a GET": Case(405, b"", lambda _: {}, "GET"),
    "a PUT": Case(405, method="PUT"),
    "a form": Case(415, headers=_but(content_type="application/x-www-form-urlencoded")),
    "compressed": Case(415, headers=_but(content_encoding="gzip")),
    "a push of GitHub": Case(200, {"ref": "main"}, lambda body: _github(body, event="push")),
    "a ping of GitHub": Case(200, {"zen": "x"}, lambda body: _github(body, event="ping")),
}


@pytest.mark.parametrize("name", CASES)
def test_each_gets_its_status_and_none_reaches_the_load_balancer(name: str, cloud: Http) -> None:
    case = CASES[name]
    body = _raw(case.body)
    cloud.put_state(STATE)
    reply = cloud.webhook(body, case.headers(body), case.method)
    assert reply.status == case.status, reply.body
    assert cloud.calls() == []
    assert cloud.servers() == ["i-1", "i-2", "i-3"]
    answer = reply.json()
    assert answer["outcome"] == ("ignored" if case.status == 200 else "rejected")
    if case.status == 400:
        assert ":" in answer["reason"]  # it names the field
    if case.status == 405:
        assert {name.lower(): value for name, value in reply.headers.items()}["allow"] == "POST"


def test_a_good_one_is_done(cloud: Http) -> None:
    """So that the table tells of its requests, and not of a door that is shut."""
    cloud.put_state(STATE)
    body = _raw(GOOD)
    assert cloud.webhook(body, signed(body)).status == 200
    assert "i-5" in cloud.servers()


def test_what_can_publish_to_the_topic_cannot_order_a_deployment(cloud: Http) -> None:
    cloud.put_state(STATE)
    for body in (_raw(GOOD), json.dumps({"body": json.dumps(GOOD), "headers": signed(_raw(GOOD))}).encode()):
        reply = cloud.deliver(body)
        assert reply.json()["outcome"] in {"rejected", "ignored"}
    assert cloud.calls() == []
