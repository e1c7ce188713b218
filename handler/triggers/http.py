"""Reads an HTTP request from Function Compute 3.0 or the door: type, size, signature, body."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from msgspec import Struct

from handler.core.model.policy import Target
from handler.triggers import door
from handler.triggers.choosing import Item
from handler.triggers.envelopes import MAX_BYTES, loads
from handler.triggers.messages import Unreadable
from handler.triggers.signatures import verify

MAX_BODY = 64 * 1024  #: bytes of a request's body

_MAX_ENCODED = (MAX_BODY + 2) // 3 * 4


class Request(Struct, frozen=True):
    """A POST request. ``headers`` have lower-case names; ``body`` is as sent."""

    headers: Mapping[str, str]
    body: bytes


def event_of(given: bytes | str | Mapping[str, object]) -> dict[str, object]:
    """Return an HTTP trigger's event, without anything that only the door may say.

    Raises Unreadable: 413 if it is too large, 400 if it is not such an event.
    """
    event: object = given
    if isinstance(given, (bytes, str)):
        if len(given) > MAX_BYTES:
            raise Unreadable(f"the request: more than {MAX_BYTES} bytes", 413)
        event = loads(given)
    fields = event if isinstance(event, dict) else {}
    context = fields.get("requestContext")
    if not isinstance(context, dict) or not isinstance(context.get("http"), dict):
        raise Unreadable("no HTTP request: expected requestContext.http, as an HTTP trigger gives it")
    return {name: value for name, value in fields.items() if name != door.WORD}


def is_async(event: Mapping[str, object]) -> bool:
    """Tell whether nobody waits for the answer, so that a failure must be raised to be retried.

    The door's word is sealed. Without the door only the platform's header tells. Anybody may send that
    header, but a raised failure is still a failure to a sender who waits.
    """
    said = door.is_async(event)
    if said is not None:
        return said
    return headers_of(event).get("x-fc-invocation-type", "").strip().lower() == "async"


def headers_of(event: Mapping[str, object]) -> dict[str, str]:
    """Return an HTTP event's headers by lower-case name, without those that are not text."""
    headers = event.get("headers")
    if not isinstance(headers, dict):
        return {}
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}


def request_of(event: Mapping[str, object]) -> Request:
    """Return the request in an HTTP event.

    Raises Unreadable: 405 if it is not a POST, 415 if not JSON, 413 above ``MAX_BODY``, 400 for a bad body.
    """
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    method = http.get("method") if isinstance(http, dict) else None
    if not isinstance(method, str) or method.upper() != "POST":
        raise Unreadable("method: expected POST", 405)
    headers = headers_of(event)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Unreadable("content-type: expected application/json", 415)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Unreadable("content-encoding: expected none", 415)
    return Request(headers, _body(event))


def _body(event: Mapping[str, object]) -> bytes:
    sent, encoded = event.get("body"), event.get("isBase64Encoded", False)
    if not isinstance(sent, str) or not isinstance(encoded, bool):
        raise Unreadable("body: expected a text, and isBase64Encoded true or false")
    if len(sent) > (_MAX_ENCODED if encoded else MAX_BODY):
        raise Unreadable(f"body: more than {MAX_BODY} bytes", 413)
    try:
        body = base64.b64decode(sent, validate=True) if encoded else sent.encode()
    except (binascii.Error, ValueError):
        raise Unreadable("body: neither base64 nor UTF-8, whichever isBase64Encoded says") from None
    if len(body) > MAX_BODY:
        raise Unreadable(f"body: more than {MAX_BODY} bytes", 413)
    return body


def read(
    event: Mapping[str, object], targets: Sequence[Target], now: float, secrets: Sequence[str]
) -> tuple[list[Item], tuple[str, ...]]:
    """Return what a signed request asks for, and its id. Raises Unreadable with the HTTP status.

    Its age counts up to its receipt: at the door, or now if it did not come through the door.
    """
    request = request_of(event)
    received_at = door.received_at(event, request.headers, request.body, now, secrets)
    signed = verify(request.headers, request.body, received_at, secrets)
    ids = () if signed.event_id is None else (signed.event_id,)
    # Imported here: events and timers, which are most deliveries, do not need the decoder.
    if signed.scheme == "github":
        from handler.triggers import github  # noqa: PLC0415

        event_name = request.headers.get("x-github-event", "")
        return github.read(request.body, event_name, received_at, targets, ids), ids
    from handler.triggers import deployment  # noqa: PLC0415

    return deployment.read(request.body, targets, ids), ids
