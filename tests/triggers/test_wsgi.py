"""A WSGI request becomes the HTTP event of Function Compute 3.0, whose response becomes the answer."""

from __future__ import annotations

import base64
import io
import json

import pytest

from handler.triggers.http import MAX_BODY
from handler.triggers.reading import Delivery, read
from handler.triggers.wsgi import event_of, relayed, respond
from tests.support.triggers import WEB, standard

BODY = json.dumps({"target": "web", "pairs": [["i-old1", "i-new1"]]}).encode()


def environ(body: bytes = BODY, **more: object) -> dict[str, object]:
    headers = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in standard(BODY).items()}
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/hook",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "fc.context": object(),
        **headers,
        **more,
    }


def delivered(request: dict[str, object]) -> Delivery:
    event = json.dumps(event_of(request)).encode()
    secret = "whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b"
    return read(event, targets=(WEB,), region="", now=1_700_000_000, secrets=(secret,))


def test_request_is_read_as_it_was_sent() -> None:
    found = delivered(environ())
    assert [one.pairs for one in found.intents] == [(("i-old1", "i-new1"),)]
    assert (found.http, found.rejected) == (True, ())
    assert event_of(environ())["rawPath"] == "/hook"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (environ(REQUEST_METHOD="GET"), 405),
        (environ(CONTENT_TYPE=""), 415),
        (environ(b"x" * (MAX_BODY + 1)), 413),
        (environ(CONTENT_LENGTH="many"), 401),
        (environ(CONTENT_LENGTH=None), 401),
        (environ(**{"wsgi.input": None}), 401),
        (environ(BODY + b" "), 401),
        ({}, 405),
    ],
)
def test_request_that_is_wrong_gets_its_status(request_: dict[str, object], status: int) -> None:
    found = delivered(request_)
    assert [one.status for one in found.rejected] == [status]
    assert found.http


def test_no_more_of_a_body_is_read_than_shows_that_it_is_too_large() -> None:
    body = io.BytesIO(b"x" * (10 * MAX_BODY))
    sent = event_of(environ(CONTENT_LENGTH=str(10 * MAX_BODY), **{"wsgi.input": body}))
    assert len(base64.b64decode(str(sent["body"]))) == MAX_BODY + 1 == body.tell()


def test_response_answers_the_request() -> None:
    begun: list[object] = []
    response = {"statusCode": 409, "headers": {"content-type": "application/json"}, "body": '{"a": "蓝"}'}
    answer = respond(response, lambda status, headers: begun.append((status, headers)))
    assert answer == ['{"a": "蓝"}'.encode()]
    assert begun == [("409 Conflict", [("content-type", "application/json")])]


def test_answer_of_a_function_is_relayed_only_if_it_is_a_response() -> None:
    response = {"statusCode": 200, "headers": {"a": "b"}, "body": "x"}
    whole = {**response, "isBase64Encoded": False}
    assert relayed(json.dumps(response).encode()) == whole
    for answer in (b"", b"{}", b"[]", b"null", b'{"statusCode": 1000, "headers": {}, "body": ""}', b"\xff"):
        assert relayed(answer) is None
