"""``handler.webhook``: checks, hands on, relays."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from handler import main
from handler.cloud.fc import Fc, Invoked
from handler.core.model.answers import Answer, CallFailed, Result
from tests.support import deliveries
from tests.support.entrance import Entrance
from tests.support.level_c import SECRET

PAIR = json.dumps({"target": "web", "pairs": [["i-old1", "i-new1"]]}).encode()


def signed(body: bytes = PAIR, msg_id: str = "msg_1") -> dict[str, str]:
    return deliveries.signed(body, number=msg_id)


def drain(entrance: Entrance) -> None:
    entrance.cloud.send("POST", "/_local/async/drain")


def test_answer_of_swap_is_relayed(entrance: Entrance) -> None:
    status, headers, body = entrance.webhook(PAIR, signed())
    assert ("200 OK", "application/json", "applied") == (status, headers["Content-Type"], body["outcome"])
    assert "i-new1" in entrance.cloud.servers()


def test_unsigned_request_is_not_handed_on(entrance: Entrance) -> None:
    status, _, body = entrance.webhook(PAIR, {})
    assert ("401 Unauthorized", "rejected") == (status, body["outcome"])
    assert [] == entrance.cloud.calls()


def test_wrong_method_is_told_the_right_one(entrance: Entrance) -> None:
    status, headers, _ = entrance.webhook(b"", {}, method="GET")
    assert ("405 Method Not Allowed", "POST") == (status, headers["Allow"])


def test_respond_async_is_accepted_and_done_after_it(entrance: Entrance) -> None:
    headers = {**signed(msg_id="msg_async"), "prefer": "respond-async"}
    status, _, body = entrance.webhook(PAIR, headers)
    assert ("202 Accepted", "accepted") == (status, body["outcome"])
    drain(entrance)
    assert "i-new1" in entrance.cloud.servers()


def test_github_is_never_kept_waiting(entrance: Entrance) -> None:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    deployment = {"payload": json.loads(PAIR), "created_at": created}
    body = json.dumps({"action": "created", "deployment": deployment}).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "x-github-event": "deployment",
        "x-github-delivery": "delivery-1",
        "x-hub-signature-256": f"sha256={digest}",
    }
    assert "202 Accepted" == entrance.webhook(body, headers)[0]
    drain(entrance)
    assert "i-new1" in entrance.cloud.servers()


def test_same_asynchronous_request_twice_is_one_invocation(entrance: Entrance) -> None:
    headers = {**signed(msg_id="msg_twice"), "prefer": "respond-async"}
    assert ["202 Accepted"] * 2 == [entrance.webhook(PAIR, headers)[0] for _ in range(2)]
    drain(entrance)
    assert 1 == len(entrance.cloud.calls("ModifyVServerGroupBackendServers"))


def invoking(monkeypatch: pytest.MonkeyPatch, answer: Invoked | CallFailed) -> None:
    def invoke(self: Fc, *_: Any, **__: Any) -> Invoked:
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    monkeypatch.setattr(Fc, "invoke", invoke)


def test_busy_swap_is_a_503_to_be_sent_again(entrance: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    invoking(monkeypatch, CallFailed(Answer(Result.THROTTLED, "ResourceExhausted")))
    status, headers, body = entrance.webhook(PAIR, signed())
    assert ("503 Service Unavailable", "30") == (status, headers["Retry-After"])
    assert ("raised", "ResourceExhausted") == (body["outcome"], body["reason"])


@pytest.mark.parametrize(
    "answer",
    [
        Invoked(200, b'{"errorMessage": "x"}', "UnhandledInvocationError"),
        Invoked(200, b"no json"),
        Invoked(200, b'{"outcome": "applied"}'),
    ],
)
def test_swap_that_broke_is_a_503(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch, answer: Invoked
) -> None:
    invoking(monkeypatch, answer)
    status, _, body = entrance.webhook(PAIR, signed())
    assert ("503 Service Unavailable", "swap_failed") == (status, body["reason"])


def test_instance_that_was_not_initialized_reads_its_settings(entrance: Entrance) -> None:
    assert main._instance is None
    entrance.webhook(PAIR, {})
    assert main._instance is not None
