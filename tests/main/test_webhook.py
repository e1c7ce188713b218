"""``handler.webhook``: checks, hands on, relays; on both generations of Function Compute."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from handler import main
from handler import webhook as door
from handler.cloud.fc import Fc
from handler.cloud.fc3 import Fc3
from handler.cloud.invoking import Invoked
from handler.core.model.answers import Answer, CallFailed, Result
from handler.outcome import NotYet
from localcloud.fc.functions import Functions
from tests.support import deliveries
from tests.support.entrance import Entrance
from tests.support.level_c import SECRET

PAIR = json.dumps({"target": "web", "pairs": [["i-old1", "i-new1"]]}).encode()


@pytest.fixture(scope="module", params=["template.yml", "template.fc2.yml"])
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wsgi(template: str) -> bool:
    return template == "template.fc2.yml"


class Door:
    """The door of one generation."""

    def __init__(self, entrance: Entrance, wsgi: bool) -> None:
        self.entrance, self.cloud, self._wsgi = entrance, entrance.cloud, wsgi

    def post(self, body: bytes, headers: dict[str, str], method: str = "POST") -> tuple[int, Any, Any]:
        return self.entrance.webhook(body, headers, method, wsgi=self._wsgi)

    def drain(self) -> None:
        self.cloud.send("POST", "/_local/async/drain")

    def queued(self) -> int:
        reports = self.cloud.send("GET", "/_local/async").json()
        return len(reports["pending"]) + len(reports["finished"])

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep the one instance of ``swap`` busy."""
        functions = self.entrance.local.functions
        assert isinstance(functions, Functions)
        function = functions._fleet.named("swap")
        pool = functions._fleet._pools[function.service, function.name]
        worker = pool._take(False)
        try:
            yield
        finally:
            pool._give_back(worker)


@pytest.fixture
def hook(entrance: Entrance, wsgi: bool) -> Door:
    return Door(entrance, wsgi)


def signed(body: bytes = PAIR, **how: Any) -> dict[str, str]:
    return deliveries.signed(body, **how)


def test_answer_of_swap_is_relayed(hook: Door) -> None:
    status, headers, body = hook.post(PAIR, signed())
    assert (200, "application/json", "applied") == (status, headers["Content-Type"], body["outcome"])
    assert "i-new1" in hook.cloud.servers()


def test_unsigned_request_is_not_handed_on(hook: Door) -> None:
    status, _, body = hook.post(PAIR, {})
    assert (401, "rejected") == (status, body["outcome"])
    assert [] == hook.cloud.calls()


def test_wrong_method_is_told_the_right_one(hook: Door) -> None:
    status, headers, _ = hook.post(b"", {}, method="GET")
    assert (405, "POST") == (status, headers["Allow"])


def test_respond_async_is_accepted_and_done_after_it(hook: Door) -> None:
    status, _, body = hook.post(PAIR, {**signed(), "prefer": "respond-async"})
    assert (202, "accepted") == (status, body["outcome"])
    hook.drain()
    assert "i-new1" in hook.cloud.servers()


def test_github_is_never_kept_waiting(hook: Door) -> None:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    deployment = {"payload": json.loads(PAIR), "created_at": created}
    body = json.dumps({"action": "created", "deployment": deployment}).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "x-github-event": "deployment",
        "x-github-delivery": "delivery-1",
        "x-hub-signature-256": f"sha256={digest}",
    }
    assert 202 == hook.post(body, headers)[0]
    hook.drain()
    assert "i-new1" in hook.cloud.servers()


def test_same_asynchronous_request_twice_is_one_invocation(hook: Door) -> None:
    before = hook.queued()
    headers = {**signed(number="msg_twice"), "prefer": "respond-async"}
    answers = [hook.post(PAIR, headers) for _ in range(2)]
    assert [202, 202] == [status for status, _, _ in answers]
    told = [(body["outcome"], body["reason"]) for _, _, body in answers]
    assert [("accepted", None), ("accepted", "queued_before")] == told
    hook.drain()
    assert 1 == len(hook.cloud.calls("ModifyVServerGroupBackendServers"))
    assert before + 1 == hook.queued()


def test_another_request_under_the_same_id_is_not_lost(hook: Door) -> None:
    before = hook.queued()
    for body in (PAIR, PAIR + b" "):
        headers = {**signed(body, number="msg_reused"), "prefer": "respond-async"}
        assert 202 == hook.post(body, headers)[0]
    hook.drain()
    assert before + 2 == hook.queued()


def test_busy_swap_is_a_503_to_be_sent_again(hook: Door) -> None:
    with hook.busy():
        status, headers, body = hook.post(PAIR, signed())
    assert (503, "30") == (status, headers["Retry-After"])
    assert ("raised", "ResourceExhausted") == (body["outcome"], body["reason"])
    assert 200 == hook.post(PAIR, signed())[0]


def test_what_is_queued_waits_for_a_busy_swap(hook: Door) -> None:
    with hook.busy():
        assert 202 == hook.post(PAIR, {**signed(), "prefer": "respond-async"})[0]
    hook.drain()
    assert "i-new1" in hook.cloud.servers()


def invoking(monkeypatch: pytest.MonkeyPatch, answer: Invoked | CallFailed) -> None:
    def invoke(self: Any, *_: Any, **__: Any) -> Invoked:
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    monkeypatch.setattr(Fc, "invoke", invoke)
    monkeypatch.setattr(Fc3, "invoke", invoke)


@pytest.mark.parametrize(
    "answer",
    [
        Invoked(200, b'{"errorMessage": "x"}', "UnhandledInvocationError"),
        Invoked(200, b"no json"),
        Invoked(200, b'{"outcome": "applied"}'),
    ],
)
def test_swap_that_broke_is_a_503(hook: Door, monkeypatch: pytest.MonkeyPatch, answer: Invoked) -> None:
    invoking(monkeypatch, answer)
    status, _, body = hook.post(PAIR, signed())
    assert (503, "swap_failed") == (status, body["reason"])


def test_what_could_not_be_queued_is_not_called_accepted(hook: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    invoking(monkeypatch, Invoked(400, b"", "InvalidArgument"))
    status, _, body = hook.post(PAIR, {**signed(), "prefer": "respond-async"})
    assert (503, "swap_failed") == (status, body["reason"])


def test_instance_that_was_not_initialized_reads_its_settings(hook: Door) -> None:
    assert main._instance is None
    hook.post(PAIR, {})
    assert main._instance is not None


def test_of_bad_settings_nobody_outside_is_told(
    hook: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWAP_TARGETS", "no-such-file.json")
    monkeypatch.setenv("SWAP_NETWORK", SECRET)
    main.initialize(hook.entrance.context)
    for headers in ({}, signed()):
        status, told, body = hook.post(PAIR, headers)
        assert (503, "raised", door.BAD_SETTINGS) == (status, body["outcome"], body["reason"])
        assert ("30", "request-1", []) == (told["Retry-After"], body["request_id"], body["targets"])
    (line, again) = map(json.loads, capsys.readouterr().out.splitlines())
    assert ("swap.unfinished", "error", again["reason"]) == (line["event"], line["level"], line["reason"])
    assert "SWAP_TARGETS: cannot read 'no-such-file.json'" in line["reason"]
    assert "SWAP_NETWORK: expected one of public, vpc, got '***'" in line["reason"]


@pytest.mark.parametrize("given", [b"{", b'{"requestContext": {"http": {"method": "GET"}}}'])
def test_of_bad_settings_nothing_is_told_to_a_request_that_is_none(
    hook: Door, given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWAP_TARGETS", "[]")
    answer = door.webhook(given, hook.entrance.context)
    assert (503, door.BAD_SETTINGS) == (answer["statusCode"], json.loads(answer["body"])["reason"])


def test_bad_settings_are_raised_if_the_platform_has_answered_already(
    hook: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWAP_TARGETS", "[]")
    with pytest.raises(NotYet) as raised:
        hook.post(PAIR, {**signed(), "x-fc-invocation-type": "Async"})
    assert door.BAD_SETTINGS == str(raised.value)


def test_a_request_too_large_to_be_queued_is_refused_with_the_limit(hook: Door) -> None:
    body = PAIR + b" " * (60 * 1024)
    long = {"prefer": "respond-async", "x-github-delivery": "d" * 60 * 1024}
    status, _, answer = hook.post(body, {**signed(body), **long})
    assert (413, "rejected") == (status, answer["outcome"])
    assert str(128 * 1024) in answer["reason"]
    assert [] == hook.cloud.calls()


def test_the_largest_request_can_be_queued(hook: Door) -> None:
    body = PAIR + b" " * (64 * 1024 - len(PAIR))
    assert 202 == hook.post(body, {**signed(body), "prefer": "respond-async"})[0]
    hook.drain()
    assert "i-new1" in hook.cloud.servers()


ASYNC = {"x-fc-invocation-type": "Async"}


def test_what_the_platform_has_answered_is_queued_at_the_door(hook: Door) -> None:
    """Where it hands that header on: nobody would read an answer, and nobody would send again."""
    before = hook.queued()
    assert 202 == hook.post(PAIR, {**signed(), **ASYNC})[0]
    hook.drain()
    assert before + 1 == hook.queued()
    assert "i-new1" in hook.cloud.servers()


def test_what_the_platform_has_answered_is_raised_if_it_may_pass(
    hook: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoking(monkeypatch, CallFailed(Answer(Result.THROTTLED, "Throttling")))
    with pytest.raises(NotYet, match="Throttling"):
        hook.post(PAIR, {**signed(), **ASYNC})
    assert 401 == hook.post(PAIR, ASYNC)[0]


def test_the_door_takes_no_word_of_its_own_from_outside(entrance: Entrance) -> None:
    """A request that was handed on once, with its seal, and is stale now."""
    from handler.triggers.door import Word, handed_on

    at = int(time.time()) - 3600
    old = handed_on(signed(at=at) | {"content-type": "application/json"}, PAIR, Word(at, True), [SECRET])
    answer = door.webhook(json.dumps(old).encode(), entrance.context)
    assert 401 == answer["statusCode"]
    assert [] == entrance.cloud.calls()


def test_what_is_no_http_request_is_turned_away(entrance: Entrance) -> None:
    for event in (b"", b"[]", json.dumps(deliveries.scaled_in("i-old1")).encode()):
        assert 400 == door.webhook(event, entrance.context)["statusCode"]
    assert [] == entrance.cloud.calls()


@pytest.mark.parametrize(("prefer", "seconds"), [("respond-async", 8.0), ("wait", 590.0)])
def test_who_waits_has_the_functions_time_and_who_does_not_a_few_seconds(
    hook: Door, monkeypatch: pytest.MonkeyPatch, prefer: str, seconds: float
) -> None:
    given: list[float] = []
    for kind in (Fc, Fc3):
        real = kind.__init__

        def made(self: Any, *where: Any, real: Any = real, read_timeout_s: float, **how: Any) -> None:
            given.append(read_timeout_s)
            real(self, *where, read_timeout_s=read_timeout_s, **how)

        monkeypatch.setattr(kind, "__init__", made)
    hook.post(PAIR, {**signed(), "prefer": prefer})
    hook.drain()
    assert given == [seconds]
