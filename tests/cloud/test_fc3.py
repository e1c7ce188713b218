"""Invoking a function of Function Compute 3.0: held to the official client by what that has sent."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from handler.cloud import endpoints
from handler.cloud import fc3 as fc3_module
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoint, Endpoints
from handler.cloud.fc3 import Fc3, authorization
from handler.cloud.invoking import Invoked
from handler.core.model.answers import Answer, CallFailed, Result
from tests.support.cloud import KEYS, Reply, Server, serving

_EVIDENCE = Path(__file__).parents[1] / "evidence" / "fc3" / "signed.json"
RECORDED = json.loads(_EVIDENCE.read_text())["requests"]

#: What the official client sends and signs of its own, and Function Compute does not ask for.
_ITS_OWN = {"accept", "user-agent", "x-acs-credentials-provider"}


def fc_at(endpoint: Endpoint, function: str = "swap", keys: Credentials = KEYS, **given: Any) -> Fc3:
    return Fc3(keys, endpoint, function, **{"read_timeout_s": 60.0, **given})


def fc_of(server: Server, function: str = "swap", **given: Any) -> Fc3:
    return fc_at(endpoints.loopback(server.url), function, **given)


def failure(fc: Fc3, **given: Any) -> Answer:
    with pytest.raises(CallFailed) as caught:
        fc.invoke(b"{}", **given)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.answer


def signed_in(sent: dict[str, Any]) -> dict[str, str]:
    """The headers of a recorded request that its signature covers."""
    names = sent["headers"]["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    return {name: sent["headers"][name] for name in names}


@pytest.mark.parametrize("recorded", RECORDED, ids=range(len(RECORDED)))
def test_the_signature_is_that_of_the_official_client(recorded: dict[str, Any]) -> None:
    sent, keys = recorded["sent"], Credentials(**recorded["given"]["keys"])
    made = authorization(keys, "POST", sent["path"], sent["query"], signed_in(sent))
    assert made == sent["headers"]["authorization"]


@pytest.mark.parametrize("recorded", RECORDED, ids=range(len(RECORDED)))
def test_the_request_is_that_of_the_official_client(
    server: Server, monkeypatch: pytest.MonkeyPatch, recorded: dict[str, Any]
) -> None:
    given, sent = recorded["given"], recorded["sent"]
    theirs = sent["headers"]
    at = time.strptime(theirs["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ")
    monkeypatch.setattr(time, "gmtime", lambda *_: at)
    monkeypatch.setattr(secrets, "token_hex", lambda *_: theirs["x-acs-signature-nonce"])
    qualified = f"{given['function']}.{given['qualifier']}" if given["qualifier"] else given["function"]
    server.reply(Reply(b"", 202 if given["type"] == "Async" else 200))
    fc_of(server, qualified, keys=Credentials(**given["keys"])).invoke(
        base64.b64decode(sent["body"]),
        asynchronous=given["type"] == "Async",
        invocation_id=given["task"],
    )
    (seen,) = server.seen
    assert (seen.path.partition("?")[0], seen.query) == (sent["path"], sent["query"])
    assert seen.body == base64.b64decode(sent["body"])
    ours = dict(seen.headers)
    signature = ours.pop("authorization")
    for unsigned in ("accept-encoding", "connection", "content-length", "user-agent"):
        ours.pop(unsigned, None)
    wanted = {name: value for name, value in signed_in(sent).items() if name not in _ITS_OWN}
    # They leave the type out where it is not said; Sync is what it then means.
    assert {**wanted, "host": ours["host"], "x-fc-invocation-type": given["type"] or "Sync"} == ours
    assert signature == authorization(
        Credentials(**given["keys"]), "POST", sent["path"], sent["query"], ours
    ), "what is sent is what is signed"


def test_a_key_without_a_token_sends_none(server: Server) -> None:
    server.reply(Reply(b'{"outcome": "applied"}'))
    fc = fc_of(server, keys=Credentials("LTAI", "secret"))
    assert fc.invoke(b"\x00payload") == Invoked(200, b'{"outcome": "applied"}')
    (seen,) = server.seen
    assert seen.path == "/2023-03-30/functions/swap/invocations"
    assert "x-acs-security-token" not in seen.headers


def test_an_id_that_is_queued_already_is_told_as_repeated(server: Server) -> None:
    server.reply(Reply({"Code": "AsyncTaskAlreadyExists", "Message": "x"}, 409))
    invoked = fc_of(server).invoke(b"{}", asynchronous=True, invocation_id="_id")
    assert invoked == Invoked(202, b"", repeated=True)
    assert failure(fc_of(server)).code == "AsyncTaskAlreadyExists"


@pytest.mark.parametrize("status", [200, 417, 500])
def test_what_a_function_raises_is_told_as_its_error(server: Server, status: int) -> None:
    server.reply(Reply({"errorMessage": "busy"}, status, {"X-Fc-Error-Type": "UnhandledInvocationError"}))
    invoked = fc_of(server).invoke(b"{}")
    assert (invoked.status, invoked.error_type) == (status, "UnhandledInvocationError")


@pytest.mark.parametrize(
    ("reply", "result", "code"),
    [
        (Reply({"Code": "ResourceExhausted", "Message": "x"}, 429), Result.THROTTLED, "ResourceExhausted"),
        (Reply({"errorCode": "ResourceExhausted"}, 429), Result.THROTTLED, "ResourceExhausted"),
        (Reply({"ErrorCode": "AccessDenied"}, 403), Result.PERMANENT, "AccessDenied"),
        (Reply({"code": "SignatureNotMatch"}, 403), Result.PERMANENT, "SignatureNotMatch"),
        (Reply({"code": 403, "Code": 1}, 403), Result.PERMANENT, "FC.Unknown"),
        (Reply({"Code": "EntityTooLarge"}, 400), Result.PERMANENT, "EntityTooLarge"),
        (Reply({"Code": "FunctionNotFound"}, 404), Result.PERMANENT, "FunctionNotFound"),
        (Reply({"Code": "InternalServerError"}, 500), Result.UNKNOWN, "InternalServerError"),
        (
            Reply({"Code": "ResourceExhausted"}, 429, {"X-Fc-Error-Type": "FcCommonError"}),
            Result.THROTTLED,
            "ResourceExhausted",
        ),
        (Reply(b"<html>", 502), Result.UNKNOWN, "FC.Unknown"),
        (Reply(b"[" * 100_000, 502), Result.UNKNOWN, "FC.Unknown"),
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


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Fc-Request-Id": "req-9"}, {}),
        ({"x-acs-request-id": "req-9"}, {}),
        ({}, {"RequestId": "req-9"}),
        ({}, {"requestId": "req-9"}),
    ],
)
def test_the_request_id_is_told_wherever_it_stands(
    server: Server, headers: dict[str, str], body: dict[str, str]
) -> None:
    server.reply(Reply({"Code": "X", **body}, 400, headers))
    assert failure(fc_of(server)).request_id == "req-9"


def test_a_lost_connection_is_unknown_at_once(server: Server) -> None:
    server.reply(Reply(None))
    assert failure(fc_of(server)).result is Result.UNKNOWN
    server.reply(Reply(hold=True))
    answer = failure(fc_of(server, read_timeout_s=0.1))
    assert (answer.result, answer.message) == (Result.UNKNOWN, "TimeoutError")
    assert len(server.seen) == 2


def test_an_answer_that_breaks_off_is_unknown(server: Server) -> None:
    for status in (200, 400):
        server.reply(Reply(b"no chunk", status, {"Transfer-Encoding": "chunked"}))
        answer = failure(fc_of(server))
        assert (answer.result, answer.message) == (Result.UNKNOWN, "IncompleteRead")


def test_nobody_listening_is_unknown_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        answer = failure(fc_at(endpoints.loopback(url)))
    assert (answer.result, answer.message) == (Result.UNKNOWN, "ConnectionRefusedError")


def test_nothing_secret_is_logged_or_told(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    caplog.set_level(logging.DEBUG)
    told = []
    signed = "signed: " + " ".join(KEYS.secrets())
    for status in (400, 403, 409, 429, 500):
        server.reply(Reply({"Code": "X", "Message": signed}, status))
        told.append(repr(failure(fc_of(server))))
    server.reply(Reply(None))
    told.append(repr(failure(fc_of(server))))
    text = "\n".join(told) + caplog.text + "".join(capfd.readouterr())
    assert server.seen[-1].headers["x-acs-security-token"] == KEYS.security_token
    assert not [secret for secret in (*KEYS.secrets(), "ACS3-HMAC") if secret in text]


def test_loopback_is_never_sent_through_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fc_of(server).invoke(b"{}").status == 200


def test_the_environments_proxy_is_used_but_for_what_no_proxy_names(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is asked for a tunnel to the account's endpoint, and refuses it."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked: list[str] = []

    def connect(self: Any) -> None:
        asked.append(self.host)
        raise ConnectionRefusedError

    monkeypatch.setattr("http.client.HTTPSConnection.connect", connect)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    failure(fc_at(Endpoints().fc("1234", "cn-hangzhou")))
    monkeypatch.setenv("NO_PROXY", ".aliyuncs.com")
    failure(fc_at(Endpoints("vpc").fc("1234", "cn-hangzhou")))
    assert asked == ["proxy.example", "1234.cn-hangzhou-internal.fc.aliyuncs.com"]


def test_tls_is_verified_with_the_bundle_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with serving(context) as server:
        monkeypatch.delenv("ALIBABA_CLOUD_CA_BUNDLE", raising=False)
        answer = failure(fc_of(server))
        assert (answer.result, answer.message) == (Result.UNKNOWN, "SSLCertVerificationError")
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", str(tmp_path / "ca.pem"))
        assert fc_of(server).invoke(b"{}").status == 200


def test_connecting_has_a_time_of_its_own(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    real = socket.create_connection

    def create(address: Any, timeout: Any = None, *more: Any, **named: Any) -> socket.socket:
        given.append(timeout)
        return real(address, timeout, *more, **named)

    monkeypatch.setattr(socket, "create_connection", create)
    fc_of(server, read_timeout_s=60).invoke(b"{}")
    assert given == [fc3_module.CONNECT_TIMEOUT_S]


def test_another_host_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def connect(self: Any) -> None:
        asked.append(self.host)
        raise ConnectionRefusedError

    monkeypatch.setattr("http.client.HTTPSConnection.connect", connect)
    monkeypatch.setenv("NO_PROXY", "*")
    host = "fcv3.cn-hangzhou.aliyuncs.com"
    failure(fc_at(Endpoints(hosts={"fc": host}).fc("1234", "cn-hangzhou")))
    assert asked == ["fcv3.cn-hangzhou.aliyuncs.com"]
