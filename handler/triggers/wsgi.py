"""Turns a WSGI request into the HTTP event that Function Compute 3.0 would send."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from handler.triggers.http import MAX_BODY

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def event_of(environ: Mapping[str, Any]) -> dict[str, object]:
    """Return the event; of a body that is too large, only enough is read to show that."""
    path = str(environ.get("PATH_INFO") or "/")
    return {
        "version": "v1",
        "rawPath": path,
        "headers": dict(_headers(environ)),
        "queryParameters": {},
        "body": base64.b64encode(_body(environ)).decode(),
        "isBase64Encoded": True,
        "requestContext": {"http": {"method": str(environ.get("REQUEST_METHOD") or ""), "path": path}},
    }


def _headers(environ: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), str(value)
    if environ.get("CONTENT_TYPE"):
        yield "content-type", str(environ["CONTENT_TYPE"])


def _body(environ: Mapping[str, Any]) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    stream = environ.get("wsgi.input")
    return stream.read(min(length, MAX_BODY + 1)) if stream is not None and length > 0 else b""


def respond(response: Mapping[str, Any], start_response: StartResponse) -> list[bytes]:
    """Answer a WSGI request with the HTTP response of an event function."""
    status = HTTPStatus(int(response["statusCode"]))
    start_response(f"{status.value} {status.phrase}", list(response["headers"].items()))
    return [str(response["body"]).encode()]


def relayed(answer: bytes) -> dict[str, Any] | None:
    """Return the HTTP response in a function's answer, or None if there is none."""
    try:
        response = json.loads(answer)
        known = HTTPStatus(response["statusCode"]).value
        headers, body = dict(response["headers"]), str(response["body"])
    except (ValueError, TypeError, KeyError):
        return None
    return {"statusCode": known, "headers": headers, "isBase64Encoded": False, "body": body}
