"""A request means exactly what it says, and one that is forged, stale or wrong gets its status."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.model import addresses
from handler.core.model.values import Cause, Intent, Scope, ServerRef
from handler.triggers import deployment
from handler.triggers.messages import Unreadable
from handler.triggers.reading import Delivery
from tests.support.triggers import (
    EVENTS,
    NOW,
    OTHER_SECRET,
    SECRET,
    WEB,
    deliver,
    github,
    http_event,
    sign_bytes,
    signed,
    standard,
    target,
)

PAIR = {"target": "web", "pairs": [["i-old1", "i-new1"]]}
BODY = json.dumps(PAIR).encode()


def created(at: float) -> str:
    return datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def github_body(payload: object = PAIR, at: object = created(NOW), **more: object) -> bytes:
    return json.dumps(
        {"action": "created", "deployment": {"payload": payload, "created_at": at}, **more}
    ).encode()


def the_intent(found: Delivery) -> Intent:
    assert (found.rejected, found.ignored) == ((), ())
    (intent,) = found.intents
    return intent


def ask(**request: object) -> Delivery:
    return deliver(http_event({"target": "web", **request}))


def test_request_means_exactly_what_it_says() -> None:
    request = {
        "terminated": ["i-old1", {"server_id": "i-old2", "port": 8080}],
        "launched": [
            "i-new1",
            {
                "server_id": "eni-new2",
                "port": 9090,
                "weight": 0,
                "type": "eni",
                "server_ip": "10.0.0.1",
                "description": "蓝/blue-1._",
            },
        ],
        "pairs": [["i-old1", "i-new1"]],
        "dry_run": True,
        "strategy": "surge",
        "force": ["min_backends", "max_removed"],
    }
    assert the_intent(ask(**request)) == Intent(
        "web",
        "deployment",
        ("msg_1",),
        Scope.LITERAL,
        terminated=(ServerRef("i-old1"), ServerRef("i-old2", 8080)),
        launched=(ServerRef("i-new1"), ServerRef("eni-new2", 9090, 0, "eni", "10.0.0.1", "蓝/blue-1._")),
        pairs=(("i-old1", "i-new1"),),
        force=frozenset({"min_backends", "max_removed"}),
        dry_run=True,
        strategy="surge",
    )


def test_pairs_alone_are_a_whole_request() -> None:
    intent = the_intent(ask(pairs=[["i-old1", "i-new1"], ["i-old2", "i-new2"]]))
    assert intent.terminated == (ServerRef("i-old1"), ServerRef("i-old2"))
    assert intent.launched == (ServerRef("i-new1"), ServerRef("i-new2"))


def test_pair_keeps_the_entry_that_its_server_has_in_a_list() -> None:
    intent = the_intent(ask(launched=[{"server_id": "i-new1", "weight": 5}], pairs=[["i-old1", "i-new1"]]))
    assert intent.launched == (ServerRef("i-new1", weight=5),)


def test_chain_of_pairs_launches_its_live_end_alone() -> None:
    intent = the_intent(ask(pairs=[["i-old", "i-new1"], ["i-new1", "i-new2"]]))
    assert intent.terminated == (ServerRef("i-old"), ServerRef("i-new1"))
    assert intent.launched == (ServerRef("i-new2"),)


def test_empty_description_asks_for_none() -> None:
    intent = the_intent(ask(launched=[{"server_id": "i-a", "description": ""}]))
    assert intent.launched == (ServerRef("i-a", description=""),)


def test_gone_says_it_of_the_terminated_alone() -> None:
    intent = the_intent(ask(pairs=[["i-old1", "i-new1"]], gone=True))
    assert [one.cause for one in (*intent.terminated, *intent.launched)] == [Cause.GONE, Cause.REQUESTED]


def test_null_is_the_same_as_left_out() -> None:
    entry = {
        "server_id": "i-new1",
        "port": None,
        "weight": None,
        "type": None,
        "server_ip": None,
        "description": None,
    }
    assert the_intent(ask(launched=[entry], strategy=None)).launched == (ServerRef("i-new1"),)


def test_eni_without_its_address_is_left_to_the_plan() -> None:
    assert the_intent(ask(launched=["eni-new1"])).launched == (ServerRef("eni-new1"),)


def test_one_server_may_move_from_one_port_to_another() -> None:
    intent = the_intent(
        ask(terminated=[{"server_id": "i-a", "port": 80}], launched=[{"server_id": "i-a", "port": 81}])
    )
    assert (intent.terminated, intent.launched) == ((ServerRef("i-a", 80),), (ServerRef("i-a", 81),))


def test_one_eni_may_be_named_once_for_each_address() -> None:
    entries = [{"server_id": "eni-a", "port": 80, "server_ip": ip} for ip in ("10.0.0.1", "10.0.0.2")]
    assert len(the_intent(ask(launched=entries)).launched) == 2


def test_one_eni_may_be_named_at_several_addresses_with_and_without_ports() -> None:
    entries = [
        {"server_id": "eni-a", "server_ip": "10.0.0.1"},
        {"server_id": "eni-a", "server_ip": "10.0.0.2", "port": 80},
        {"server_id": "eni-a", "server_ip": "10.0.0.2", "port": 81},
        {"server_id": "eni-a", "server_ip": "2001:db8::1"},
    ]
    assert the_intent(ask(launched=entries)).launched == tuple(
        ServerRef("eni-a", one.get("port"), server_ip=one["server_ip"]) for one in entries
    )


@given(st.lists(st.tuples(st.ip_addresses(), st.none() | st.integers(1, 65535)), max_size=8, unique=True))
def test_every_address_that_a_request_names_is_an_entry_of_its_own(asked: list[tuple[Any, Any]]) -> None:
    ports: dict[Any, list[Any]] = {}
    for ip, port in asked:
        ports.setdefault(getattr(ip, "ipv4_mapped", None) or ip, []).append(port)
    entries = [{"server_id": "eni-a", "server_ip": str(ip), "port": port} for ip, port in asked]
    found = ask(launched=entries)
    twice = any(None in some and len(some) > 1 for some in ports.values())
    nowhere = any(ip.is_unspecified or ip.is_multicast or str(ip) == "255.255.255.255" for ip in ports)
    if not entries or twice or nowhere:
        assert found.intents == ()
    else:
        named = the_intent(found).launched
        assert {(ipaddress.ip_address(one.server_ip or ""), one.port) for one in named} == {
            (ip, port) for ip, some in ports.items() for port in some
        }


@given(st.ip_addresses(v=6), st.randoms(use_true_random=False))
def test_an_address_is_an_address_however_it_is_spelt(ip: Any, chance: Any) -> None:
    spelt = chance.choice([ip.exploded, ip.compressed, ip.exploded.upper(), ip.compressed.upper()])
    try:
        usual = addresses.normal(ip.exploded)
    except ValueError:
        return
    assert addresses.normal(spelt) == usual
    assert addresses.normal(usual) == usual
    twice = [{"server_id": "eni-a", "server_ip": one} for one in (ip.compressed, spelt)]
    (rejected,) = ask(launched=twice).rejected
    assert "twice" in rejected.reason


def test_ipv6_is_named_in_its_usual_spelling() -> None:
    intent = the_intent(
        ask(
            terminated=[{"server_id": "eni-a", "server_ip": "2001:DB8::10"}],
            launched=[{"server_id": "eni-z", "server_ip": "2001:0db8:0:0::20"}],
        )
    )
    assert [one.server_ip for one in (*intent.terminated, *intent.launched)] == [
        "2001:db8::10",
        "2001:db8::20",
    ]


def test_ipv4_in_ipv6_is_that_ipv4() -> None:
    assert addresses.normal("::ffff:10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.256",
        "10.0.0",
        "010.0.0.1",
        "1.2.3.4.5",
        "10.0.0.1/32",
        "2001:db8:::1",
        "2001:db8::1::2",
        "12345::",
        "fe80::1%eth0",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        ":",
        "",
        " 10.0.0.1",
        "host",
        "9" * 128,
    ],
)
@pytest.mark.parametrize("side", ["terminated", "launched"])
def test_an_address_that_cannot_be_is_refused_with_its_path(side: str, address: str) -> None:
    (rejected,) = ask(**{side: ["i-a", {"server_id": "eni-a", "server_ip": address}]}).rejected
    assert rejected.status == 400
    assert rejected.reason.startswith(f"the request: $.{side}[1].server_ip: expected ")


def test_target_is_a_name_or_the_vserver_group_of_one() -> None:
    assert the_intent(deliver(http_event({**PAIR, "target": "rsp-web"}))).target == "web"


def test_name_goes_before_vserver_group() -> None:
    targets = (target("web", vserver_group_id="rsp-a"), target("rsp-a", vserver_group_id="rsp-b"))
    found = deliver(http_event({**PAIR, "target": "rsp-a"}), *targets)
    assert the_intent(found).target == "rsp-a"


def test_vserver_group_of_several_targets_is_no_name() -> None:
    targets = (target("one", vserver_group_id="rsp-a"), target("two", vserver_group_id="rsp-a"))
    (rejected,) = deliver(http_event({**PAIR, "target": "rsp-a"}), *targets).rejected
    assert rejected.status == 400


def test_target_that_is_off_ignores_a_request() -> None:
    found = deliver(http_event(PAIR), target("web", mode="off"))
    assert [one.reason for one in found.ignored] == ["target_off"]
    assert found.intents == ()


def test_500_entries_are_taken_and_501_are_not() -> None:
    ids = [f"i-{n}" for n in range(501)]
    assert len(the_intent(ask(launched=ids[:500])).launched) == 500
    assert [one.status for one in ask(launched=ids).rejected] == [400]


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({}, "at least one entry"),
        ({"terminated": [], "launched": [], "pairs": []}, "at least one entry"),
        ({"terminated": ["i-a", "i-a"]}, "terminated names 'i-a' twice"),
        ({"launched": ["i-a", "i-a"]}, "launched names 'i-a' twice"),
        ({"launched": ["i-a", {"server_id": "i-a", "port": 80}]}, "launched names 'i-a' twice"),
        ({"launched": [{"server_id": "i-a", "port": 80}, "i-a"]}, "launched names 'i-a' twice"),
        ({"launched": [{"server_id": "i-a", "server_ip": "::1"}, "i-a"]}, "launched names 'i-a' twice"),
        ({"terminated": ["i-a"], "launched": ["i-a"]}, "both terminated and launched"),
        (
            {"terminated": ["i-a"], "launched": [{"server_id": "i-a", "port": 80}]},
            "both terminated and launched",
        ),
        (
            {"terminated": [{"server_id": "i-a", "port": 80}], "launched": ["i-a"]},
            "both terminated and launched",
        ),
        ({"pairs": [["i-a", "i-b"], ["i-b", "i-a"]]}, "$.pairs: expected chains with an end, got a circle"),
        ({"pairs": [["i-a", "i-b"], ["i-c", "i-d"], ["i-d", "i-c"]]}, "got a circle: 'i-c', 'i-d'"),
        (
            {"pairs": [[f"i-{n}", f"i-{(n + 1) % 9}"] for n in range(9)]},
            "got a circle: " + ", ".join(f"'i-{n}'" for n in range(8)),
        ),
        ({"pairs": [["i-a", "i-a"]]}, "$.pairs[0]"),
        ({"pairs": [["i-a", "i-b"], ["i-a", "i-c"]]}, "$.pairs[1]"),
        ({"pairs": [["i-a", "i-b"], ["i-c", "i-b"]]}, "$.pairs[1]"),
        ({"pairs": [["i-a"]]}, "$.pairs[0]"),
        ({"pairs": [["i-a", "i-b", "i-c"]]}, "$.pairs[0]"),
        ({"pairs": {"i-a": "i-b"}}, "$.pairs"),
        ({"pairs": [["i-a", None]]}, "$.pairs[0][1]"),
        ({"terminated": "i-a"}, "$.terminated"),
        ({"terminated": [5]}, "$.terminated[0]"),
        ({"terminated": [None]}, "$.terminated[0]"),
        ({"terminated": [""]}, "$.terminated[0]"),
        ({"terminated": ["i a"]}, "$.terminated[0]"),
        ({"terminated": ["i-a\n"]}, "$.terminated[0]"),
        ({"terminated": ["i" * 129]}, "$.terminated[0]"),
        ({"launched": [{"port": 80}]}, "$.launched[0]"),
        ({"launched": [{"server_id": "i-a", "port": 0}]}, "$.launched[0].port"),
        ({"launched": [{"server_id": "i-a", "port": 65536}]}, "$.launched[0].port"),
        ({"launched": [{"server_id": "i-a", "port": "80"}]}, "$.launched[0].port"),
        ({"launched": [{"server_id": "i-a", "port": True}]}, "$.launched[0].port"),
        ({"launched": [{"server_id": "i-a", "port": 80.5}]}, "$.launched[0].port"),
        ({"launched": [{"server_id": "i-a", "weight": -1}]}, "$.launched[0].weight"),
        ({"launched": [{"server_id": "i-a", "weight": 101}]}, "$.launched[0].weight"),
        ({"launched": [{"server_id": "i-a", "type": "ip-secret"}]}, "$.launched[0].type"),
        ({"launched": [{"server_id": "i-a", "server_ip": "host-secret"}]}, "$.launched[0].server_ip"),
        ({"launched": [{"server_id": "i-a", "description": "a b"}]}, "$.launched[0].description"),
        ({"launched": [{"server_id": "i-a", "description": "d" * 81}]}, "$.launched[0].description"),
        ({"launched": [{"server_id": "i-a", "nested": {}}]}, "'nested'"),
        ({"launched": ["i-a"], "force": ["all-secret"]}, "$.force[0]"),
        ({"launched": ["i-a"], "force": "min_backends"}, "$.force"),
        ({"launched": ["i-a"], "strategy": "big-secret"}, "$.strategy"),
        ({"launched": ["i-a"], "gone": "yes-secret"}, "$.gone"),
        ({"launched": ["i-a"], "dry_run": 1}, "$.dry_run"),
        ({"launched": ["i-a"], "target": None}, "$.target"),
        ({"launched": ["i-a"], "target": ""}, "$.target"),
        ({"launched": ["i-a"], "target": ["web"]}, "$.target"),
        ({"launched": ["i-a"], "f" * 300: 1}, "unknown field '" + "f" * 61 + "...'"),
        ({"launched": ["i-a"], "port": 10**400}, "'port'"),
    ],
)
def test_wrong_request_is_refused_with_the_field(request_: dict[str, object], path: str) -> None:
    found = ask(**request_)
    (rejected,) = found.rejected
    assert rejected.status == 400
    assert path in rejected.reason
    assert "secret" not in rejected.reason
    assert (found.intents, found.ignored) == ((), ())


RAW = [
    (b"", 400),
    (b" ", 400),
    (b"{", 400),
    (b"null", 400),
    (b"[]", 400),
    (b'"text"', 400),
    (BODY[:-1], 400),
    (BODY + b"}", 400),
    (b"\xff\xfe" + BODY, 400),
    (BODY.replace(b"i-old1", b"i-\xff"), 400),
    (b"[" * 60_000, 400),
    (b'{"target":' * 6_000, 400),
    (b'{"target": "web", "pairs": ' + b"[" * 60_000, 400),
    (b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", 400),
    (BODY.ljust(65_536), 200),
    (BODY.ljust(65_537), 413),
    (b"9" * 65_536, 400),
    (b'{"target": "web", "launched": [{"server_id": "i-a", "port": ' + b"9" * 60_000 + b"}]}", 400),
    (b'{"target": "nobody", "launched": ["i-a"]}', 404),
    (b'{"target": "rsp-nobody", "launched": ["i-a"]}', 404),
]


@pytest.mark.parametrize(("body", "status"), RAW, ids=range(len(RAW)))
def test_signed_body_gets_its_status(body: bytes, status: int) -> None:
    headers = sign_bytes(body)
    found = deliver(http_event(body, headers, encoded=True))
    assert [one.status for one in found.rejected] == ([] if status == 200 else [status])
    assert len(found.intents) == (status == 200)


def test_support_signs_bytes_as_the_library_does() -> None:
    assert sign_bytes(BODY) == standard(BODY)


GOOD = standard(BODY)
FORGED: dict[str, tuple[dict[str, str], int]] = {
    "not signed": ({}, 401),
    "only an id": ({"webhook-id": "msg_1"}, 401),
    "no id": ({**GOOD, "webhook-id": ""}, 401),
    "an id with a line break": ({**GOOD, "webhook-id": "msg\n1"}, 401),
    "another id": ({**GOOD, "webhook-id": "msg_2"}, 401),
    "no timestamp": ({k: v for k, v in GOOD.items() if k != "webhook-timestamp"}, 401),
    "another timestamp": ({**GOOD, "webhook-timestamp": str(NOW + 1)}, 401),
    "a timestamp that is no number": ({**GOOD, "webhook-timestamp": "now"}, 401),
    "a timestamp in other digits": ({**GOOD, "webhook-timestamp": "\u0661" * 10}, 401),
    "a timestamp too long": ({**GOOD, "webhook-timestamp": "1" * 5000}, 401),
    "a negative timestamp": ({**GOOD, "webhook-timestamp": "-1"}, 401),
    "a timestamp with a fraction": ({**GOOD, "webhook-timestamp": f"{NOW}.5"}, 401),
    "stale": (standard(BODY, at=NOW - 301), 401),
    "from the future": (standard(BODY, at=NOW + 301), 401),
    "at the edge of stale": (standard(BODY, at=NOW - 300), 200),
    "at the edge of the future": (standard(BODY, at=NOW + 300), 200),
    "another secret": (standard(BODY, secret=OTHER_SECRET), 401),
    "another body's signature": (standard(b"{}"), 401),
    "an empty signature": ({**GOOD, "webhook-signature": ""}, 401),
    "a signature without its version": (
        {**GOOD, "webhook-signature": GOOD["webhook-signature"].removeprefix("v1,")},
        401,
    ),
    "another version": ({**GOOD, "webhook-signature": GOOD["webhook-signature"].replace("v1,", "v1a,")}, 401),
    "a cut signature": ({**GOOD, "webhook-signature": GOOD["webhook-signature"][:-1]}, 401),
    "a signature that is no ASCII": ({**GOOD, "webhook-signature": "v1,\u00e9"}, 401),
    "a signature with a lone surrogate": ({**GOOD, "webhook-signature": "v1,\ud800"}, 401),
    "signatures without end": (
        {**GOOD, "webhook-signature": "v1,a " * 2000 + GOOD["webhook-signature"]},
        401,
    ),
    "several signatures, one of them right": (
        {**GOOD, "webhook-signature": "v1,AAAA v2,BBBB " + GOOD["webhook-signature"]},
        200,
    ),
    "right, with another spelling of the headers": ({key.title(): value for key, value in GOOD.items()}, 200),
    "right, replayed inside the tolerance": (GOOD, 200),
    "a GitHub signature beside a wrong one": (
        {**github(BODY), **GOOD, "webhook-signature": "v1,AAAA"},
        401,
    ),
    "a plain request signed as GitHub signs": (github(BODY), 400),
    "GitHub's old signature": ({"x-hub-signature": "sha1=00"}, 401),
    "GitHub, another secret": (github(BODY, secret=OTHER_SECRET), 401),
    "GitHub, without its algorithm": (
        {**github(BODY), "X-Hub-Signature-256": github(BODY)["X-Hub-Signature-256"].removeprefix("sha256=")},
        401,
    ),
    "GitHub, empty": ({**github(BODY), "X-Hub-Signature-256": ""}, 401),
    "GitHub, unsigned ping": ({"X-GitHub-Event": "ping"}, 401),
    "a right signature in the key of a secret as GitHub takes it": (
        {**GOOD, "webhook-signature": "v1," + github(BODY)["X-Hub-Signature-256"]},
        401,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_or_stale_request_gets_its_status(name: str) -> None:
    headers, status = FORGED[name]
    found = deliver(http_event(BODY, headers))
    assert [one.status for one in found.rejected] == ([] if status == 200 else [status])
    assert len(found.intents) == (status == 200)


def test_no_secret_refuses_everything() -> None:
    for secrets in ((), ("",)):
        for headers in (GOOD, github(BODY), {}):
            (rejected,) = deliver(http_event(BODY, headers), secrets=secrets).rejected
            assert (rejected.status, "no webhook secret" in rejected.reason) == (401, True)


@pytest.mark.parametrize(
    "secrets",
    [
        (SECRET,),
        (SECRET.removeprefix("whsec_"),),
        (OTHER_SECRET, SECRET),
        ("", "not base64!", "whsec_", SECRET),
    ],
)
def test_secret_may_have_its_prefix_and_be_one_of_several(secrets: tuple[str, ...]) -> None:
    assert len(deliver(http_event(BODY, GOOD), secrets=secrets).intents) == 1


def test_secret_that_is_no_base64_signs_as_it_is() -> None:
    raw = hmac.new(b"top-secret-of-16", b"msg_1." + str(NOW).encode() + b"." + BODY, hashlib.sha256).digest()
    headers = {**GOOD, "webhook-signature": "v1," + base64.b64encode(raw).decode()}
    assert len(deliver(http_event(BODY, headers), secrets=("top-secret-of-16",)).intents) == 1
    assert len(deliver(http_event(BODY, headers), secrets=("whsec_top-secret-of-16",)).rejected) == 1


def test_unpadded_secret_is_the_padded_one() -> None:
    for length in (24, 25, 26):
        secret = base64.b64encode(bytes(range(length))).decode()
        headers = standard(BODY, secret=secret)
        assert len(deliver(http_event(BODY, headers), secrets=("whsec_" + secret.rstrip("="),)).intents) == 1


@pytest.mark.parametrize("secret", ["not base64! at all", "s\u00e9cret with 16 chars"])
def test_plain_secret_that_is_no_base64_signs_for_github_too(secret: str) -> None:
    (rejected,) = deliver(http_event(BODY, GOOD), secrets=(secret,)).rejected
    assert rejected.status == 401
    body = github_body()
    found = deliver(http_event(body, github(body, secret=secret)), secrets=(secret,))
    assert len(found.intents) == 1


@pytest.mark.parametrize(
    "secret", ["x", "=", "v1", "whsec_", "whsec_====", "whsec_not base64!", "whsec_AAAA"]
)
def test_secret_that_can_be_guessed_signs_nothing(secret: str) -> None:
    bare = secret.removeprefix("whsec_")
    for key in {b"", b"\0\0\0", secret.encode(), bare.encode()}:
        raw = hmac.new(key, b"msg_1." + str(NOW).encode() + b"." + BODY, hashlib.sha256).digest()
        headers = {**GOOD, "webhook-signature": "v1," + base64.b64encode(raw).decode()}
        assert [one.status for one in deliver(http_event(BODY, headers), secrets=(secret,)).rejected] == [401]
        body = github_body()
        digest = hmac.new(key, body, hashlib.sha256).hexdigest()
        headers = {**github(body), "X-Hub-Signature-256": f"sha256={digest}"}
        assert [one.status for one in deliver(http_event(body, headers), secrets=(secret,)).rejected] == [401]


def test_two_secrets_both_work_while_one_is_rotated() -> None:
    for secret in (SECRET, OTHER_SECRET):
        for headers in (standard(BODY, secret=secret), github(github_body(), secret=secret)):
            body = BODY if "webhook-id" in headers else github_body()
            assert len(deliver(http_event(body, headers), secrets=(SECRET, OTHER_SECRET)).intents) == 1


@pytest.mark.parametrize("encoded", [True, False])
def test_signature_is_over_the_raw_bytes(encoded: bool) -> None:
    body = '{ "target":"web",\n"launched":[{"server_id":"i-a","description":"蓝"}] }'.encode()
    assert len(deliver(http_event(body, encoded=encoded)).intents) == 1


HTTP: dict[str, tuple[dict[str, object], int]] = {
    "GET": ({"requestContext": {"http": {"method": "GET"}}}, 405),
    "PUT": ({"requestContext": {"http": {"method": "PUT"}}}, 405),
    "no method": ({"requestContext": {"http": {}}}, 405),
    "a method that is no text": ({"requestContext": {"http": {"method": ["POST"]}}}, 405),
    "another spelling of POST": ({"requestContext": {"http": {"method": "post"}}}, 200),
    "no headers": ({"headers": None}, 415),
    "headers that are a list": ({"headers": [["content-type", "application/json"]]}, 415),
    "no content type": ({"headers": GOOD}, 415),
    "a form": ({"headers": {**GOOD, "content-type": "application/x-www-form-urlencoded"}}, 415),
    "a content type that is no text": ({"headers": {**GOOD, "content-type": 5}}, 415),
    "a charset": ({"headers": {**GOOD, "CONTENT-TYPE": "Application/JSON; charset=utf-8"}}, 200),
    "compressed": (
        {"headers": {**GOOD, "content-type": "application/json", "Content-Encoding": "gzip"}},
        415,
    ),
    "not compressed, said so": (
        {"headers": {**GOOD, "content-type": "application/json", "Content-Encoding": "identity"}},
        200,
    ),
    "a signature that is no text": (
        {"headers": {**GOOD, "content-type": "application/json", "webhook-signature": [1]}},
        401,
    ),
    "no body": ({"body": None}, 400),
    "a body that is an object": ({"body": PAIR}, 400),
    "a body with a lone surrogate": ({"body": "\ud800"}, 400),
    "a flag that is no flag": ({"isBase64Encoded": "false"}, 400),
    "a body that is no base64": ({"isBase64Encoded": True, "body": "!"}, 400),
    "a body that is no ASCII": ({"isBase64Encoded": True, "body": "\u00e9"}, 400),
    "a huge body": ({"body": "x" * 65_537}, 413),
    "a huge body of wide characters": ({"body": "\u84dd" * 30_000}, 413),
    "a huge encoded body": ({"isBase64Encoded": True, "body": "A" * 87_388}, 413),
    "an encoded body a little too large": (
        {"isBase64Encoded": True, "body": base64.b64encode(bytes(65_537)).decode()},
        413,
    ),
    "a huge encoded body that is not base64": ({"isBase64Encoded": True, "body": "!" * 4_000_000}, 413),
    "no flag": ({"isBase64Encoded": False}, 200),
}


@pytest.mark.parametrize("name", HTTP)
def test_http_request_gets_its_status(name: str) -> None:
    changes, status = HTTP[name]
    found = deliver({**http_event(BODY, GOOD), **changes})
    assert [one.status for one in found.rejected] == ([] if status == 200 else [status])
    assert len(found.intents) == (status == 200)
    assert found.http
    assert found.trigger == "deployment"


def test_left_out_flag_means_not_encoded() -> None:
    event = http_event(BODY)
    del event["isBase64Encoded"]
    assert len(deliver(event).intents) == 1


@pytest.mark.parametrize(("sent", "http"), [("Async", False), ("async", False), ("Sync", True), ("", True)])
def test_asynchronous_request_needs_no_http_answer(sent: str, http: bool) -> None:
    found = deliver(http_event(BODY, {**GOOD, "X-Fc-Invocation-Type": sent}))
    assert (found.http, len(found.intents)) == (http, 1)


def test_delivery_larger_than_any_is_not_parsed() -> None:
    huge = http_event(b"x" * (4 * 1024 * 1024))
    for event in (json.dumps(huge).encode(), json.dumps(huge)):
        found = deliver(event)
        assert ([one.status for one in found.rejected], found.http, found.trigger) == (
            [413],
            True,
            "deployment",
        )
    found = deliver(b"[" + b" " * (4 * 1024 * 1024))
    assert ([one.status for one in found.rejected], found.http, found.trigger) == ([413], False, None)


def test_request_inside_another_envelope_still_needs_its_signature() -> None:
    def wrapped(event: object) -> dict[str, object]:
        return {"TopicName": "t", "MessageId": "m-1", "Message": json.dumps(event)}

    found = deliver(wrapped(http_event(BODY, {})))
    assert ([one.status for one in found.rejected], found.http) == ([401], False)
    found = deliver(wrapped(http_event(BODY, GOOD)))
    assert (len(found.intents), found.http) == (1, False)
    assert deliver(wrapped(PAIR)).intents == ()


def test_github_deployment_carries_the_request() -> None:
    for payload in (PAIR, json.dumps(PAIR)):
        body = github_body(payload)
        intent = the_intent(deliver(http_event(body, github(body))))
        assert (intent.pairs, intent.event_ids) == (
            (("i-old1", "i-new1"),),
            ("72d3162e-cc78-11e3-81ab-4c9367dc0958",),
        )


def test_github_delivery_may_lack_its_id() -> None:
    body = github_body()
    headers = {key: value for key, value in github(body).items() if key != "X-GitHub-Delivery"}
    assert the_intent(deliver(http_event(body, headers))).event_ids == ()


GITHUB: dict[str, tuple[str, bytes, int | str]] = {
    "ping": ("ping", b'{"zen": "Design for failure."}', "github_ping"),
    "push": ("push", b"{}", "github_event_not_used"),
    "deployment_status": ("deployment_status", github_body(), "github_event_not_used"),
    "no payload": ("deployment", github_body(None), "github_deployment_without_request"),
    "empty payload": ("deployment", github_body(""), "github_deployment_without_request"),
    "empty object": ("deployment", github_body({}), "github_deployment_without_request"),
    "empty object as text": ("deployment", github_body("{}"), "github_deployment_without_request"),
    "null as text": ("deployment", github_body("null"), "github_deployment_without_request"),
    "blank": ("deployment", github_body(" "), "github_deployment_without_request"),
    "another tool's": ("deployment", github_body({"downtime": False}), "github_deployment_without_request"),
    "another tool's text": ("deployment", github_body("deploy me"), "github_deployment_without_request"),
    "another tool's number": ("deployment", github_body(7), "github_deployment_without_request"),
    "another tool's of yesterday": (
        "deployment",
        github_body({"downtime": False}, at=created(NOW - 86_400)),
        "github_deployment_without_request",
    ),
    "a status of another tool's": (
        "deployment",
        github_body({"downtime": False}, deployment_status={}, action="deleted"),
        "github_deployment_without_request",
    ),
    "target, deeper": (
        "deployment",
        github_body({"to": {"target": "web"}}),
        "github_deployment_without_request",
    ),
    "empty": ("deployment", b" ", 400),
    "a request that was cut": ("deployment", github_body(json.dumps(PAIR)[:-1]), 400),
    "a request in a list": ("deployment", github_body([PAIR]), 400),
    "a target that is none": ("deployment", github_body({"target": None}), 400),
    "a target and nothing to do": ("deployment", github_body('{"target": "web"}'), 400),
    "no event name": ("", github_body(), 400),
    "a deployment_status by a false name": ("deployment", github_body(deployment_status={}), 400),
    "another action": ("deployment", github_body(action="deleted"), 400),
    "not JSON": ("deployment", b"{", 400),
    "not UTF-8": ("deployment", b"\xff", 400),
    "too deep": ("deployment", b"[" * 60_000, 400),
    "a list": ("deployment", b"[]", 400),
    "no deployment": ("deployment", b"{}", 400),
    "payload that is no JSON": ("deployment", github_body("{"), "github_deployment_without_request"),
    "payload too deep": ("deployment", github_body("[" * 50_000), "github_deployment_without_request"),
    "payload that is a list": ("deployment", github_body([1]), "github_deployment_without_request"),
    "payload of another kind": (
        "deployment",
        github_body({"environment": "production"}),
        "github_deployment_without_request",
    ),
    "payload for nobody": ("deployment", github_body({**PAIR, "target": "nobody"}), 404),
    "no time": ("deployment", github_body(at=None), 400),
    "a time that is none": ("deployment", github_body(at="yesterday"), 400),
    "a time without a zone": ("deployment", github_body(at="2023-11-14T22:13:20"), 400),
    "a time beyond all": ("deployment", github_body(at="0001-01-01T00:00:00+23:59"), 401),
    "an hour and a second old": ("deployment", github_body(at=created(NOW - 3601)), 401),
    "an hour old": ("deployment", github_body(at=created(NOW - 3600)), 200),
    "an hour and a second ahead": ("deployment", github_body(at=created(NOW + 3601)), 401),
}


@pytest.mark.parametrize("name", GITHUB)
def test_github_webhook_gets_its_status(name: str) -> None:
    event, body, expected = GITHUB[name]
    found = deliver(http_event(body, github(body, event=event), encoded=True))
    assert [one.status for one in found.rejected] == ([expected] if expected in {400, 401, 404} else [])
    assert [one.reason for one in found.ignored] == ([expected] if isinstance(expected, str) else [])
    assert len(found.intents) == (expected == 200)


def test_value_nested_too_deep_is_refused() -> None:
    value: object = "i-a"
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Unreadable):
        deployment.read_value({"target": "web", "pairs": value}, (WEB,), ())


@pytest.mark.parametrize("where", ["body", "signature", "secret", "id"])
def test_reasons_never_tell_a_secret(where: str) -> None:
    told = "Hush0123456789"
    body = json.dumps({"target": told if where == "x" else "web", "launched": [told + " x"]}).encode()
    headers = {**GOOD, "webhook-signature": f"v1,{told}"} if where == "signature" else standard(body)
    if where == "id":
        headers["webhook-id"] = told + "\u00e9"
    secrets = (told,) if where == "secret" else (SECRET,)
    (rejected,) = deliver(http_event(body, headers), secrets=secrets).rejected
    assert told not in rejected.reason


def test_unsigned_files_of_events_stay_unsigned() -> None:
    assert signed(BODY, "none", NOW) == {}
    assert (EVENTS / "webhook-unsigned.json").exists()
