"""A request's freshness is judged once, at the door; what the door says is sealed with the secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.triggers import door
from handler.triggers.door import RETRIED_FOR_S, Word
from handler.triggers.http import headers_of, request_of
from handler.triggers.reading import Delivery, read_request
from handler.triggers.signatures import GITHUB_TOLERANCE_S, TOLERANCE_S
from tests.support.triggers import NOW, OTHER_SECRET, SECRET, WEB, deliver, github, http_event, standard

PAIR = {"target": "web", "pairs": [["i-old1", "i-new1"]]}
BODY = json.dumps(PAIR).encode()
HOUR = 3600


def handed_on(
    event: dict[str, Any] | None = None,
    *,
    at: int = NOW,
    asynchronous: bool = True,
    secrets: tuple[str, ...] = (SECRET,),
) -> dict[str, Any]:
    """What the door makes of a request."""
    event = http_event(BODY) if event is None else event
    request = request_of(event)
    return door.handed_on(request.headers, request.body, Word(at, asynchronous), secrets)


def reason(found: Delivery) -> str:
    (rejected,) = found.rejected
    assert (found.intents, rejected.status) == ((), 401)
    return rejected.reason


def taken(found: Delivery) -> bool:
    assert len(found.intents) + len(found.rejected) == 1
    return bool(found.intents)


def of_github(created_at: str) -> dict[str, Any]:
    body = json.dumps(
        {"action": "created", "deployment": {"payload": PAIR, "created_at": created_at}}
    ).encode()
    return http_event(body, github(body))


@pytest.mark.parametrize("delay", [0, 301, HOUR, 24 * HOUR, RETRIED_FOR_S])
def test_a_request_that_was_fresh_at_the_door_stays_good_while_the_platform_may_try_again(delay: int) -> None:
    event = handed_on(at=NOW)
    assert taken(deliver(event, now=NOW + delay))


@pytest.mark.parametrize("delay", [-TOLERANCE_S - 1, RETRIED_FOR_S + TOLERANCE_S + 1])
def test_nothing_is_good_for_ever_nor_before_it_was_received(delay: int) -> None:
    assert "receivedAt" in reason(deliver(handed_on(at=NOW), now=NOW + delay))


def test_what_somebody_waits_for_is_never_queued_and_not_good_for_longer() -> None:
    event = handed_on(asynchronous=False)
    assert taken(deliver(event, now=NOW + TOLERANCE_S))
    assert "receivedAt" in reason(deliver(event, now=NOW + 2 * TOLERANCE_S + 1))


@pytest.mark.parametrize("off", [-TOLERANCE_S - 1, TOLERANCE_S + 1])
def test_the_timestamp_is_judged_by_when_the_request_was_received(off: int) -> None:
    stale = http_event(BODY, standard(BODY, at=NOW - off))
    assert "webhook-timestamp" in reason(deliver(handed_on(stale), now=NOW + max(0, -off)))
    assert "webhook-timestamp" in reason(deliver(stale))


def test_githubs_deployment_is_judged_by_when_the_request_was_received() -> None:
    event = handed_on(of_github("2023-11-14T22:13:20Z"))  # NOW
    assert taken(deliver(event, now=NOW + RETRIED_FOR_S))
    old = handed_on(of_github("2023-11-14T21:13:19Z"))
    assert str(GITHUB_TOLERANCE_S) in reason(deliver(old))


def test_a_request_that_comes_by_itself_is_judged_then_and_there() -> None:
    event = http_event(BODY)
    assert taken(deliver(event))
    assert "webhook-timestamp" in reason(deliver(event, now=NOW + TOLERANCE_S + 1))


def test_nobody_can_say_that_he_is_the_door() -> None:
    stale = http_event(BODY, standard(BODY, at=NOW - HOUR))
    for seals in ([], ["00" * 32], ["zz"], [""], "00" * 32, [b"".hex()], ["00"] * 65, None):
        word = {"receivedAt": NOW - HOUR, "asynchronous": True, "seals": seals}
        assert "handedOn" in reason(deliver({**stale, "handedOn": word}))
        assert "handedOn" in reason(deliver({**http_event(BODY), "handedOn": word}))


@pytest.mark.parametrize(
    "word",
    [None, {}, [], "x", {"receivedAt": True}, {"receivedAt": 10**15}, {"asynchronous": 1}, {"seals": 1}],
)
def test_what_the_door_would_not_say_is_turned_away(word: Any) -> None:
    event = handed_on()
    event["handedOn"] = {**event["handedOn"], **word} if isinstance(word, dict) and word else word
    assert "handedOn" in reason(deliver(event))


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("receivedAt", NOW + 1),
        ("asynchronous", False),
        ("body", base64.b64encode(BODY + b" ").decode()),
        ("headers", {"webhook-id": "msg_2"}),
        ("headers", {"prefer": "respond-async"}),
        ("headers", {"content-type": "application/json; charset=utf-8"}),
    ],
)
def test_a_seal_covers_when_who_waits_headers_and_body(what: str, value: Any) -> None:
    event = handed_on()
    if what in event["handedOn"]:
        event["handedOn"][what] = value
    else:
        event[what] = {**event[what], **value} if isinstance(value, dict) else value
    assert "no seal matches" in reason(deliver(event))


def test_the_door_hands_on_no_header_that_it_need_not() -> None:
    sent = {**standard(BODY), "Content-Type": "application/json", "Authorization": "x", "Cookie": "y"}
    assert set(handed_on(http_event(BODY, sent))["headers"]) == {
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }


def test_the_senders_signature_is_checked_beside_the_seal() -> None:
    forged = http_event(BODY, standard(BODY, secret=OTHER_SECRET))
    assert "webhook-signature" in reason(deliver(handed_on(forged)))


def test_a_secret_in_common_is_enough_while_secrets_change() -> None:
    event = http_event(BODY, standard(BODY, secret=OTHER_SECRET))
    of_both = handed_on(event, secrets=(SECRET, OTHER_SECRET))
    assert taken(deliver(of_both, secrets=(OTHER_SECRET,)))
    assert taken(deliver(of_both, secrets=("another-secret-in-use", OTHER_SECRET)))
    assert "secret in common" in reason(deliver(of_both, secrets=("another-secret-in-use",)))
    assert "secret in common" in reason(deliver(of_both, secrets=()))


def test_a_seal_is_no_signature_and_no_signature_is_a_seal() -> None:
    """Whoever has seen a seal cannot sign with it; whoever signs what we like cannot seal with it."""
    event = handed_on()
    (seal,) = event["handedOn"]["seals"]
    headers = headers_of(event)
    for name, value in (
        ("webhook-signature", "v1," + base64.b64encode(bytes.fromhex(seal)).decode()),
        ("x-hub-signature-256", f"sha256={seal}"),
    ):
        kept = {key: old for key, old in headers.items() if key != "webhook-signature"}
        assert deliver(http_event(BODY, {**kept, name: value})).rejected[0].status == 401
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed_by_sender = (
        hmac.new(key, f"msg_1.{NOW}.".encode() + BODY, hashlib.sha256).hexdigest(),
        hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest(),
    )
    for signature in signed_by_sender:
        event["handedOn"]["seals"] = [signature]
        assert "no seal matches" in reason(deliver(event))


def test_the_door_itself_believes_no_seal() -> None:
    """It reads what an HTTP trigger gives, or what somebody who may invoke it makes up."""
    stale = handed_on(at=NOW)
    _, found = read_request(json.dumps(stale), targets=(WEB,), now=NOW + HOUR, secrets=(SECRET,))
    assert "webhook-timestamp" in reason(found)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"requestContext": {}}', 400),
        (b'{"requestContext": {"http": []}}', 400),
        (b'{"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "t", "payload": ""}', 400),
        (json.dumps([http_event(BODY)]).encode(), 400),
        (b" " * (4 * 1024 * 1024 + 1), 413),
        (json.dumps(http_event(BODY, {}, method="GET")).encode(), 405),
    ],
)
def test_the_door_takes_nothing_but_requests(given: bytes, status: int) -> None:
    _, found = read_request(given, targets=(WEB,), now=NOW, secrets=(SECRET,))
    assert (found.intents, found.http, [one.status for one in found.rejected]) == ((), True, [status])


def test_whether_anybody_waits_is_the_doors_word() -> None:
    asynchronous = {**http_event(BODY), "headers": {**headers_of(http_event(BODY))}}
    asynchronous["headers"]["x-fc-invocation-type"] = "Async"
    assert not deliver(handed_on(asynchronous=True)).http
    assert deliver(handed_on(asynchronous, asynchronous=False)).http
    assert not deliver(asynchronous).http
    assert deliver(http_event(BODY)).http


def test_a_request_that_failed_for_good_can_be_done_again_from_the_queue() -> None:
    failed = {
        "requestContext": {"requestId": "r-1", "condition": "UnhandledInvocationError"},
        "requestPayload": json.dumps(handed_on()),
        "responseContext": {"statusCode": 200, "functionError": "UnhandledInvocationError"},
    }
    found = deliver(failed, now=NOW + HOUR)
    assert taken(found)
    assert not found.http


def test_the_same_request_has_one_id_and_another_body_another() -> None:
    ids = [
        door.invocation_id(given, body)
        for given, body in (
            (("msg_1",), BODY),
            (("msg_1",), BODY + b" "),
            (("msg_2",), BODY),
            ((), BODY),
        )
    ]
    assert len(set(ids)) == 4
    assert ids[0] == door.invocation_id(["msg_1"], BODY)
    assert all(one.startswith("webhook-") and len(one) <= 128 for one in ids)


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
            st.binary(max_size=8),
            st.integers(0, 20),
            st.booleans(),
        ),
        min_size=2,
        max_size=2,
        unique_by=repr,
    )
)
def test_no_two_requests_have_the_same_seal(two: list[Any]) -> None:
    seals = [door._seals(headers, body, Word(at, who), [SECRET]) for headers, body, at, who in two]
    assert seals[0] != seals[1]


@pytest.mark.parametrize("headers", [{"prefer": "respond-async"}, {"x-github-event": "deployment"}])
def test_who_does_not_wait(headers: dict[str, str]) -> None:
    assert door.prefers_async(headers)


@pytest.mark.parametrize(
    "prefer", ["return=minimal, respond-async; wait=10", "RESPOND-ASYNC", " respond-async ;x"]
)
def test_preferences_may_stand_in_any_order(prefer: str) -> None:
    assert door.prefers_async({"prefer": prefer})


@pytest.mark.parametrize("prefer", ["", "wait=10", "respond-asynchronously", "x=respond-async"])
def test_other_preferences_wait(prefer: str) -> None:
    assert not door.prefers_async({"prefer": prefer})
