"""Invoking a function through aliyun-fc2, without its traps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from handler.cloud import endpoints
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoint, Endpoints
from handler.cloud.fc import Fc, Invoked
from handler.core.model.answers import Answer, CallFailed, Result
from tests.support.cloud import KEYS, Reply, Seen, Server


def fc_at(endpoint: Endpoint, read_timeout_s: float = 60) -> Fc:
    return Fc(KEYS, endpoint, "slb-swap", "swap", read_timeout_s=read_timeout_s)


def fc_of(server: Server, **given: Any) -> Fc:
    return fc_at(endpoints.loopback(server.url), **given)


def signature(seen: Seen, secret: str) -> str:
    """Sign as Function Compute's document says, from what arrived: independent of the SDK."""
    headers = sorted((name, value) for name, value in seen.headers.items() if name.startswith("x-fc-"))
    lines = [
        seen.method,
        seen.headers.get("content-md5", ""),
        seen.headers["content-type"],
        seen.headers["date"],
        *(f"{name}:{value}" for name, value in headers),
        seen.path,
    ]
    made = hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).digest()
    return base64.b64encode(made).decode()


def failure(fc: Fc, **given: Any) -> Answer:
    with pytest.raises(CallFailed) as caught:
        fc.invoke(b"{}", **given)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.answer


def test_a_synchronous_invocation_gives_what_the_function_gave(server: Server) -> None:
    server.reply(Reply(b'{"outcome": "applied"}'))
    assert fc_of(server).invoke(b"\x00payload") == Invoked(200, b'{"outcome": "applied"}')
    (seen,) = server.seen
    assert seen.path == "/2016-08-15/services/slb-swap/functions/swap/invocations"
    assert seen.body == b"\x00payload"
    assert seen.headers["x-fc-invocation-type"] == "Sync"
    assert "x-fc-stateful-async-invocation-id" not in seen.headers
    assert (
        seen.headers["authorization"] == f"FC {KEYS.access_key_id}:{signature(seen, KEYS.access_key_secret)}"
    )


def test_an_asynchronous_invocation_is_queued_under_its_id(server: Server) -> None:
    server.reply(Reply(b"", 202))
    assert fc_of(server).invoke(b"{}", asynchronous=True, invocation_id="_id") == Invoked(202, b"")
    (seen,) = server.seen
    assert seen.headers["x-fc-invocation-type"] == "Async"
    assert seen.headers["x-fc-stateful-async-invocation-id"] == "_id"


def test_an_id_that_is_queued_already_is_told_as_repeated(server: Server) -> None:
    server.reply(Reply({"ErrorCode": "StatefulAsyncInvocationAlreadyExists"}, 409))
    invoked = fc_of(server).invoke(b"{}", asynchronous=True, invocation_id="_id")
    assert invoked == Invoked(202, b"", repeated=True)
    assert failure(fc_of(server)).result is Result.PERMANENT


@pytest.mark.parametrize("status", [200, 417, 500])
def test_what_a_function_raises_is_told_as_its_error(server: Server, status: int) -> None:
    body = {"errorMessage": "busy", "errorType": "NotYet"}
    server.reply(Reply(body, status, {"X-Fc-Error-Type": "HandledInvocationError"}))
    invoked = fc_of(server).invoke(b"{}")
    assert (invoked.status, invoked.error_type) == (status, "HandledInvocationError")
    assert b"NotYet" in invoked.body


@pytest.mark.parametrize(
    ("reply", "result", "code"),
    [
        (
            Reply({"ErrorCode": "ResourceExhausted", "ErrorMessage": "x"}, 429),
            Result.THROTTLED,
            "ResourceExhausted",
        ),
        (
            Reply({"ErrorCode": "FunctionNotFound", "ErrorMessage": "x"}, 404),
            Result.PERMANENT,
            "FunctionNotFound",
        ),
        (Reply({"errorCode": "ResourceExhausted"}, 429), Result.THROTTLED, "ResourceExhausted"),
        (
            Reply({"ErrorCode": "ResourceExhausted"}, 429, {"X-Fc-Error-Type": "FcCommonError"}),
            Result.THROTTLED,
            "ResourceExhausted",
        ),
        (Reply({"ErrorCode": "InternalServerError"}, 500), Result.UNKNOWN, "InternalServerError"),
        (Reply(b"<html>", 502), Result.UNKNOWN, "FC.Unknown"),
        (Reply(b"[]", 403), Result.PERMANENT, "FC.Unknown"),
        (Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}), Result.PERMANENT, "FC.Unknown"),
    ],
)
def test_what_function_compute_refuses_is_raised(
    server: Server, reply: Reply, result: Result, code: str
) -> None:
    server.reply(reply)
    answer = failure(fc_of(server))
    assert (answer.result, answer.code) == (result, code)
    assert len(server.seen) == 1


def test_a_lost_connection_is_unknown_at_once(server: Server) -> None:
    server.reply(Reply(None))
    assert failure(fc_of(server)).result is Result.UNKNOWN
    server.reply(Reply(hold=True))
    assert failure(fc_of(server, read_timeout_s=0.1)).message == "ReadTimeout"
    assert len(server.seen) == 2


def test_nobody_listening_is_unknown_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fc = fc_at(endpoints.loopback(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    answer = failure(fc)
    assert (answer.result, answer.message) == (Result.UNKNOWN, "ConnectionError")


def test_one_connection_serves_several_invocations(server: Server) -> None:
    server.reply(Reply(b"{}"))
    fc = fc_of(server)
    for _ in range(3):
        fc.invoke(b"{}")
    assert server.connections == 1


def test_a_key_that_is_not_temporary_goes_without_a_token(server: Server) -> None:
    server.reply(Reply(b"{}"))
    at, keys = endpoints.loopback(server.url), Credentials("key", "secret")
    Fc(keys, at, "slb-swap", "swap", read_timeout_s=60).invoke(b"{}")
    assert server.seen[0].headers["authorization"].startswith("FC key:")
    assert "x-fc-security-token" not in server.seen[0].headers


@pytest.mark.parametrize("status", [None, 400, 403, 404, 409, 429, 500, 503])
def test_nothing_secret_is_logged_or_told(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: Any, status: int | None
) -> None:
    """aliyun-fc2 as it is logs token and signature at ERROR on a 4xx, by the root logger."""
    caplog.set_level(logging.DEBUG)
    said = {"ErrorCode": "X", "ErrorMessage": "signed: " + " ".join(KEYS.secrets())}
    server.reply(Reply(None) if status is None else Reply(said, status))
    told = repr(failure(fc_of(server)))
    text = told + caplog.text + "".join(capfd.readouterr())
    signed_as = server.seen[0].headers["authorization"].partition(":")[2]
    assert server.seen[0].headers["x-fc-security-token"] == KEYS.security_token
    assert not [secret for secret in (*KEYS.secrets(), signed_as) if secret in text]


def test_neither_a_netrc_nor_a_proxy_is_used_for_loopback(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fc_of(server).invoke(b"{}")
    assert server.seen[0].headers["authorization"].startswith("FC ")


def test_off_loopback_it_is_https_to_the_accounts_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []

    def send(self: Any, method: str, url: str, **given: Any) -> Any:
        sent.append((url, given["verify"]))
        raise OSError("not sent")

    monkeypatch.setattr("requests.Session.request", send)
    monkeypatch.delenv("ALIBABA_CLOUD_CA_BUNDLE", raising=False)
    with pytest.raises(OSError, match="not sent"):
        fc_at(Endpoints("vpc").fc("1234", "cn-hangzhou")).invoke(b"{}")
    (sent_to,) = sent
    path = "/2016-08-15/services/slb-swap/functions/swap/invocations"
    assert sent_to == (f"https://1234.cn-hangzhou-internal.fc.aliyuncs.com{path}", True)
