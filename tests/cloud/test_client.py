"""The client over a real socket: what it sends, what it makes of what comes back, what it never shows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import trustme
from aliyunsdkslb.request.v20140515.AddVServerGroupBackendServersRequest import (
    AddVServerGroupBackendServersRequest,
)
from aliyunsdkslb.request.v20140515.DescribeVServerGroupAttributeRequest import (
    DescribeVServerGroupAttributeRequest,
)

from handler.cloud import client as client_module
from handler.cloud.client import Client
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoints
from handler.core.model.answers import Answer, CallFailed, Result
from tests.support.cloud import KEYS, Reply, Seen, Server, client_of, error, local, serving

READ = DescribeVServerGroupAttributeRequest
WRITE = AddVServerGroupBackendServersRequest
LIST = '[{"ServerId":"i-1","Port":80,"Description":"蓝色"}]'


def answer_of(
    client: Client, params: dict[str, str] | None = None, body: dict[str, str] | None = None
) -> Answer:
    with pytest.raises(CallFailed) as caught:
        client.call(WRITE if body else READ, params or {}, body)
    return caught.value.answer


def signature(seen: Seen, secret: str) -> str:
    """Sign as the RPC documents say, from what arrived: independent of the SDK."""
    pairs = sorted((k, v) for k, v in seen.params.items() if k != "Signature")
    canonical = urlencode([(k, v) for k, v in pairs], quote_via=quote, safe="~")
    text = f"{seen.method}&%2F&{quote(canonical, safe='~')}"
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


def test_an_answer_is_returned_as_it_was_parsed(server: Server) -> None:
    server.reply(Reply({"RequestId": "r"}))
    assert client_of(server).call(READ, {"VServerGroupId": "rsp-1"}) == {"RequestId": "r"}
    (seen,) = server.seen
    assert seen.query["Action"] == "DescribeVServerGroupAttribute"
    assert seen.query["Version"] == "2014-05-15"
    assert seen.query["VServerGroupId"] == "rsp-1"
    assert seen.query["RegionId"] == "cn-hangzhou"
    assert seen.query["SecurityToken"] == KEYS.security_token
    assert seen.query["Signature"] == signature(seen, KEYS.access_key_secret)


def test_an_enveloped_answer_is_taken_out_of_its_envelope(server: Server) -> None:
    server.reply(Reply({"DescribeVServerGroupAttributeResponse": {"RequestId": "r"}}))
    assert client_of(server).call(READ, {}) == {"RequestId": "r"}


def test_one_connection_outlives_several_credentials(server: Server) -> None:
    client = client_of(server)
    for number in range(4):
        client.renew(Credentials(f"key{number}", f"secret{number}", f"token{number}"))
        client.call(READ, {})
    assert server.connections == 1
    assert [seen.query["AccessKeyId"] for seen in server.seen] == ["key0", "key1", "key2", "key3"]
    assert [seen.query["SecurityToken"] for seen in server.seen] == ["token0", "token1", "token2", "token3"]
    assert all(seen.query["Signature"] == signature(seen, f"secret{n}") for n, seen in enumerate(server.seen))


def test_a_lasting_key_sends_no_token(server: Server) -> None:
    Client(Credentials("key", "secret"), "cn-hangzhou", local(server.url)).call(READ, {})
    assert "SecurityToken" not in server.seen[0].query


def test_no_environment_variable_replaces_the_credentials(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_ID", "ENVKEY")
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_SECRET", "ENVSECRET")
    client_of(server).call(READ, {})
    assert server.seen[0].query["AccessKeyId"] == KEYS.access_key_id
    assert server.seen[0].query["Signature"] == signature(server.seen[0], KEYS.access_key_secret)


def test_a_netrc_changes_nothing(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client_of(server).call(READ, {})
    assert "authorization" not in server.seen[0].headers


def test_the_user_agent_does_not_grow(server: Server) -> None:
    client = client_of(server)
    for _ in range(3):
        client.call(READ, {})
    assert len({seen.headers["user-agent"] for seen in server.seen}) == 1


def test_lists_go_into_the_form_and_are_signed_there(server: Server) -> None:
    client_of(server).call(WRITE, {}, {"VServerGroupId": "rsp-1", "BackendServers": LIST})
    (seen,) = server.seen
    assert "BackendServers" not in seen.query
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.form == {"VServerGroupId": "rsp-1", "BackendServers": LIST}
    assert seen.query["Signature"] == signature(seen, KEYS.access_key_secret)


def test_forty_long_descriptions_fit(server: Server) -> None:
    entries = (
        "["
        + ",".join(
            '{"ServerId":"i-bp1234567890abcdefgh","Description":"' + "蓝" * 80 + '"}' for _ in range(40)
        )
        + "]"
    )
    client_of(server).call(WRITE, {}, {"VServerGroupId": "rsp-1", "BackendServers": entries})
    (seen,) = server.seen
    assert len(seen.path) < 1000
    assert len(seen.body) > 20_000


#: A gateway that sees no group to be allowed on says that it is not allowed.
BODY_NOT_SEEN = ("MissingParameter", "SignatureDoesNotMatch", "Forbidden.RAM", "NoPermission")


@pytest.mark.parametrize("code", BODY_NOT_SEEN)
def test_a_gateway_that_does_not_read_forms_gets_everything_in_the_query(server: Server, code: str) -> None:
    server.reply(error(code, "no body: seen"), Reply({"RequestId": "r"}))
    client = client_of(server)
    body = {"VServerGroupId": "rsp-1", "BackendServers": "[]"}
    assert client.call(WRITE, {}, body) == {"RequestId": "r"}
    client.call(WRITE, {}, body)
    assert [sorted(seen.form) for seen in server.seen] == [["BackendServers", "VServerGroupId"], [], []]
    assert server.seen[2].query["BackendServers"] == "[]"


@pytest.mark.parametrize("code", BODY_NOT_SEEN)
def test_what_fails_in_the_query_too_was_not_about_the_form(server: Server, code: str) -> None:
    server.reply(error(code, "a: b"), error(code, "a: b"), Reply({"RequestId": "r"}))
    client = client_of(server)
    body = {"VServerGroupId": "rsp-1"}
    assert answer_of(client, body=body).code == code
    client.call(WRITE, {}, body)
    assert [sorted(seen.form) for seen in server.seen] == [["VServerGroupId"], [], ["VServerGroupId"]]


def test_a_write_that_fails_otherwise_is_not_sent_again(server: Server) -> None:
    server.reply(error("BackendServer.configuring", status=409))
    assert answer_of(client_of(server), body={"VServerGroupId": "rsp-1"}).result is Result.BUSY
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [400, 409, 429, 449, 500, 502, 503])
def test_the_sdk_retries_nothing(server: Server, status: int) -> None:
    server.reply(error("Throttling.User", status=status))
    assert answer_of(client_of(server)).request_id == "req-1"
    assert len(server.seen) == 1


def test_a_lost_answer_is_unknown_and_sent_once(server: Server) -> None:
    server.reply(Reply(None))
    answer = answer_of(client_of(server))
    assert (answer.result, answer.code) == (Result.UNKNOWN, "SDK.HttpError")
    assert answer.message == "The connection was lost, or there was none."
    assert len(server.seen) == 1


def test_an_answer_that_does_not_come_in_time_is_unknown(server: Server) -> None:
    server.reply(Reply(hold=True))
    answer = answer_of(client_of(server, read_timeout_s=0.1))
    assert (answer.result, answer.message) == (Result.UNKNOWN, "No answer in time.")


def test_nobody_listening_is_unknown() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = answer_of(Client(KEYS, "cn-hangzhou", local(f"http://127.0.0.1:{taken.getsockname()[1]}")))
    assert (answer.result, answer.message) == (Result.UNKNOWN, "The connection was refused.")


@pytest.mark.parametrize(
    ("reply", "result", "code"),
    [
        (Reply(b"<html>"), Result.UNKNOWN, "MalformedAnswer"),
        (Reply(b"[1]"), Result.UNKNOWN, "MalformedAnswer"),
        (Reply(b"\xff\xfe"), Result.UNKNOWN, "MalformedAnswer"),
        (Reply(b"[" * 100_000), Result.UNKNOWN, "SDK.Unexpected"),
        (Reply(b"<html>", 502), Result.UNKNOWN, "SDK.UnknownServerError"),
        (Reply(b"<html>", 403), Result.PERMANENT, "SDK.UnknownServerError"),
        (Reply(b"\xff\xfe", 500), Result.UNKNOWN, "SDK.Unexpected"),
        (Reply({"Code": 7, "Message": ["x"]}, 400), Result.PERMANENT, "7"),
    ],
)
def test_what_is_no_answer_is_a_failure_in_our_words(
    server: Server, reply: Reply, result: Result, code: str
) -> None:
    server.reply(reply)
    answer = answer_of(client_of(server))
    assert (answer.result, answer.code) == (result, code)


def test_a_signature_error_without_the_text_the_sdk_looks_for_is_still_one(server: Server) -> None:
    server.reply(error("SignatureDoesNotMatch", "no colon here"))
    answer = answer_of(client_of(server))
    assert (answer.result, answer.code) == (Result.PERMANENT, "SignatureDoesNotMatch")


def test_no_secret_is_shown_by_any_failure(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(server, read_timeout_s=0.2)
    told: list[str] = [repr(KEYS), repr(client)]

    def echo(status: int) -> Reply:
        secrets = " ".join((*KEYS.secrets(), *(quote(s, safe="") for s in KEYS.secrets())))
        return error("Odd", f"{secrets} server string to sign is:POST&{secrets}", status)

    page = f"<html>GET /?Signature=made%3D&token={quote(KEYS.security_token).lower()}".encode()
    asked = error("Odd", "asked for /?a=b&Signature=made%3D&c=d")
    for reply in (Reply(None), Reply(hold=True), echo(400), echo(503), Reply(page, 502), asked):
        server.reply(reply)
        with pytest.raises(CallFailed) as caught:
            client.call(READ, {})
        told += [str(caught.value), repr(caught.value), repr(caught.value.answer)]
        assert caught.value.__cause__ is None
    text = "\n".join(told) + caplog.text + "".join(capfd.readouterr())
    for secret in KEYS.secrets():
        assert secret not in text
        assert quote(secret, safe="") not in text
    assert "made%3D" not in text
    assert "token0%2f" not in text


def test_the_sdks_own_debugging_shows_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    caplog.set_level(logging.DEBUG)
    client_of(server).call(READ, {})
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_a_long_message_is_cut(server: Server) -> None:
    server.reply(error("Odd", "x" * 5000))
    assert len(answer_of(client_of(server)).message) == 300


def test_a_proxy_is_not_used_for_loopback(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client_of(server).call(READ, {}) == {}


class Recorded:
    """In place of the HTTP session: remembers how it was asked to send."""

    def __init__(self, session: Any) -> None:
        self.cookies = session.cookies
        self.prepare_request = session.prepare_request
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def send(self, prepared: Any, **given: Any) -> Any:
        self.asked.append((prepared.url, given))
        raise OSError("not sent")

    def close(self) -> None:
        pass


def recorded(client: Client) -> Recorded:
    session = Recorded(client.transport.session)
    client.transport.session = session
    answer_of(client)
    return session


@pytest.mark.parametrize(
    ("region", "network", "url"),
    [
        ("cn-hangzhou", "public", "https://slb.aliyuncs.com/?"),
        ("eu-central-1", "public", "https://slb.eu-central-1.aliyuncs.com/?"),
        ("xx-nowhere-9", "public", "https://slb.xx-nowhere-9.aliyuncs.com/?"),
        ("cn-hangzhou", "vpc", "https://slb-vpc.cn-hangzhou.aliyuncs.com/?"),
    ],
)
def test_https_to_the_regions_endpoint_and_nowhere_else(region: str, network: Any, url: str) -> None:
    session = recorded(Client(KEYS, region, Endpoints(network)))
    ((asked, given),) = session.asked
    assert asked.startswith(url)
    assert given["verify"] is True
    assert given["timeout"] == (client_module.CONNECT_TIMEOUT_S, client_module.READ_TIMEOUT_S)


def test_a_host_that_is_named_is_asked_instead_on_either_network() -> None:
    for network in ("public", "vpc"):
        hosts = {"slb": "slb.cn-beijing.aliyuncs.com", "ess": "ess.aliyuncs.com"}
        session = recorded(Client(KEYS, "cn-hangzhou", Endpoints(network, hosts=hosts)))
        ((asked, _),) = session.asked
        assert asked.startswith("https://slb.cn-beijing.aliyuncs.com/?")


def test_an_empty_bundle_variable_does_not_turn_verification_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", "")
    ((_, given),) = recorded(Client(KEYS, "cn-hangzhou", Endpoints())).asked
    assert given["verify"] is True


def test_the_environments_proxy_is_used_but_for_what_no_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    ((_, given),) = recorded(Client(KEYS, "cn-hangzhou", Endpoints())).asked
    assert given["proxies"]["https"] == "http://proxy:3128"
    monkeypatch.setenv("NO_PROXY", ".aliyuncs.com")
    ((_, given),) = recorded(Client(KEYS, "cn-hangzhou", Endpoints())).asked
    assert not given["proxies"]["https"]


def tls_context(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return authority


def test_tls_names_the_server_and_keeps_one_connection(bundle: trustme.CA) -> None:
    with serving(tls_context(bundle)) as server:
        client = client_of(server)
        client.call(READ, {})
        client.renew(Credentials("other", "other", "other"))
        client.call(READ, {})
    assert server.server_names == ["localhost"]
    assert server.connections == 1


def test_the_authorities_are_read_once_for_all_connections(
    bundle: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    loads = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext,
        "load_verify_locations",
        lambda self, *paths, **also: (read.append(str(paths)), loads(self, *paths, **also))[1],
    )
    with serving(tls_context(bundle)) as server:
        client = client_of(server)
        for _ in range(3):
            client.call(READ, {})
            # The next call connects anew.
            client.transport.session.get_adapter("https://").poolmanager.clear()
    assert (3, 1) == (server.connections, len(read))


def test_two_threads_may_call_at_once() -> None:
    """Nothing of a call is kept where another one finds it: no proxy, no cookie, no count that gets lost."""
    with serving() as server:
        client = client_of(server)
        client.transport.proxy = {"http": "http://mine"}
        threads = [
            threading.Thread(target=lambda: [client.call(READ, {}) for _ in range(50)]) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {"http": "http://mine"} == client.transport.proxy
    assert (100, 100) == (client.calls, len(server.seen))
    assert server.connections <= 2


def test_no_cookie_is_kept() -> None:
    with serving() as server:
        server.reply(Reply(headers={"Set-Cookie": "a=b"}))
        client = client_of(server)
        client.call(READ, {})
        assert [] == list(client.transport.session.cookies)


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_tls_refuses_a_certificate_that_is_not_the_servers(bundle: trustme.CA, wrong: str) -> None:
    context = tls_context(trustme.CA()) if wrong == "authority" else tls_context(bundle, "elsewhere.example")
    with serving(context) as server:
        answer = answer_of(client_of(server))
    assert (answer.result, answer.message) == (
        Result.UNKNOWN,
        "The TLS connection was broken or not trusted.",
    )
    assert server.seen == []
