"""Checks who sent a request: Standard Webhooks, or GitHub's signature. Without a secret all are refused.

Signatures are over the raw bytes of the body and compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from handler.triggers import keys
from handler.triggers.messages import Unreadable, event_id

TOLERANCE_S = (
    5 * 60
)  #: either way, of a request's timestamp (Standard Webhooks, "Verifying webhook authenticity")
GITHUB_TOLERANCE_S = (
    60 * 60
)  #: either way, of deployment.created_at, which GitHub sets and retries do not renew

_SECONDS = re.compile(r"[0-9]{1,12}")
# One header may have several signatures with blanks between them (Standard Webhooks). Repeated headers are
# joined by a comma without a blank (Function Compute 3.0, "HTTP triggers"): v1,A,v1,B.
_V1 = re.compile(rb"(?<![^\s,])v1,[A-Za-z0-9+/]+={0,2}(?![^\s,])")
_SEPARATORS = re.compile(rb"[\s,]+")
_MAX_HEADER = 4096
UNAUTHORIZED = 401


class Signed(Struct, frozen=True):
    """A body with a correct signature. ``event_id`` is the sender's id of the request."""

    scheme: Literal["standard", "github"]
    event_id: str | None


def verify(headers: Mapping[str, str], body: bytes, now: float, secrets: Sequence[str]) -> Signed:
    """Return how a request is signed. ``headers`` have lower-case names; ``now`` is in epoch seconds.

    Raises Unreadable with status 401 if it is not signed, badly signed, or more than five minutes off.
    """
    if not any(secrets):
        raise Unreadable("no webhook secret is configured: every request is refused", UNAUTHORIZED)
    if "webhook-signature" in headers:
        return _standard(headers, body, now, secrets)
    if "x-hub-signature-256" in headers:
        return _github(headers, body, secrets)
    raise Unreadable("not signed: looked for webhook-signature and x-hub-signature-256", UNAUTHORIZED)


def _standard(headers: Mapping[str, str], body: bytes, now: float, secrets: Sequence[str]) -> Signed:
    sent_id = event_id(headers.get("webhook-id"))
    if sent_id is None:
        raise Unreadable("webhook-id: expected 1 to 128 visible ASCII characters", UNAUTHORIZED)
    timestamp = headers.get("webhook-timestamp", "")
    if not _SECONDS.fullmatch(timestamp):
        raise Unreadable("webhook-timestamp: expected seconds since the epoch", UNAUTHORIZED)
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise Unreadable(f"webhook-timestamp: more than {TOLERANCE_S} seconds off", UNAUTHORIZED)
    signed = f"{sent_id}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(mac_of(key, signed)) for key in keys.of(secrets)]
    given = _V1.findall(_sent(headers["webhook-signature"]))
    if not any_equal(expected, given):
        raise Unreadable("webhook-signature: no v1 signature matches", UNAUTHORIZED)
    return Signed("standard", sent_id)


def _github(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Signed:
    expected = [b"sha256=" + mac_of(secret.encode(), body).hex().encode() for secret in keys.usable(secrets)]
    if not any_equal(expected, _SEPARATORS.split(_sent(headers["x-hub-signature-256"]))):
        raise Unreadable("x-hub-signature-256: does not match", UNAUTHORIZED)
    return Signed("github", event_id(headers.get("x-github-delivery")))


def check_created_at(created_at: object, now: float) -> None:
    """Check that a deployment was created within an hour. Raises Unreadable: 401 if not, 400 if unknown."""
    try:
        created = datetime.fromisoformat(str(created_at).replace("Z", "+00:00"))
        aware = created.utcoffset() is not None
        seconds = created.timestamp() if aware else 0.0
    except (ValueError, OverflowError):
        aware = False
    if not aware:
        raise Unreadable("deployment.created_at: expected a time with its zone, as GitHub writes it")
    if abs(now - seconds) > GITHUB_TOLERANCE_S:
        raise Unreadable(f"deployment.created_at: more than {GITHUB_TOLERANCE_S} seconds off", UNAUTHORIZED)


def mac_of(key: bytes, data: bytes) -> bytes:
    """Return the HMAC-SHA256 of some data."""
    return hmac.new(key, data, hashlib.sha256).digest()


def _sent(header: str) -> bytes:
    """Return a signature header's bytes; none if it is too long."""
    return header.encode("utf-8", "replace") if len(header) <= _MAX_HEADER else b""


def any_equal(expected: Sequence[bytes], given: Sequence[bytes]) -> bool:
    """Tell whether any of some signatures is right.

    Every comparison is made, so that the time does not tell which secret or signature was right.
    """
    equal = [hmac.compare_digest(one, other) for one in expected for other in given]
    return any(equal)
