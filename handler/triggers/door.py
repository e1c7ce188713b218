"""The door (``webhook``) hands a request on with its word: when it was received, and whether anybody waits.

``swap`` takes that word because it is sealed with the webhook's secrets. So a request's age is checked once,
on receipt, however long the platform then queues it. A seal has another key than a signature, so neither can
pass for the other.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from handler.triggers import keys
from handler.triggers.messages import Unreadable
from handler.triggers.signatures import TOLERANCE_S, UNAUTHORIZED, any_equal, mac_of

#: How long, at most, Function Compute keeps and retries an asynchronous event (API 2016-08-15 and 2023-03-30,
#: PutAsyncInvokeConfig: maxAsyncEventAgeInSeconds).
RETRIED_FOR_S: Final = 7 * 24 * 3600

#: The key of the door's word in an HTTP event.
WORD: Final = "handedOn"

#: The headers that are handed on: who signed the request, when, and what for.
HEADERS: Final = (
    "content-type",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-github-delivery",
    "x-github-event",
    "x-hub-signature-256",
)

# No signed text begins with NUL: neither an id of Standard Webhooks nor JSON does. So no sender's signature
# is ever the key of a seal.
_KEY_OF: Final = b"\0slb-swap: the key of the door's seal, version 1"

_LAST_SECOND: Final = 253_402_300_799  #: the end of the year 9999
_MOST_SEALS: Final = 64


class Word(Struct, frozen=True):
    """The door's word. ``received_at`` is in epoch seconds; ``asynchronous``: nobody waits for the answer."""

    received_at: int
    asynchronous: bool


def handed_on(headers: Mapping[str, str], body: bytes, word: Word, secrets: Sequence[str]) -> dict[str, Any]:
    """Return the event to invoke ``swap`` with: the request, and the door's sealed word.

    Each secret makes a seal, so while secrets change, ``webhook`` and ``swap`` need only one in common.
    """
    kept = {name: headers[name] for name in HEADERS if name in headers}
    return {
        "version": "v1",
        "headers": kept,
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "requestContext": {"http": {"method": "POST", "path": "/"}},
        WORD: {
            "receivedAt": word.received_at,
            "asynchronous": word.asynchronous,
            "seals": [seal.hex() for seal in _seals(kept, body, word, secrets)],
        },
    }


def prefers_async(headers: Mapping[str, str]) -> bool:
    """Tell whether the sender does not wait: it asks for that (RFC 7240, ``respond-async``), or is GitHub.

    GitHub waits for ten seconds.
    """
    preferences = headers.get("prefer", "").split(",")
    asked = any(one.partition(";")[0].strip().lower() == "respond-async" for one in preferences)
    return asked or "x-github-event" in headers


def invocation_id(event_ids: Sequence[str], body: bytes) -> str:
    """Return an id for an asynchronous invocation, the same for the same request.

    It depends on the body too, because GitHub's id of a delivery is not signed: one request could pass for
    another. It begins with a letter and has at most 128 characters (Function Compute, stateful asynchronous
    invocation).
    """
    named = "\n".join([*event_ids, hashlib.sha256(body).hexdigest()])
    return "webhook-" + hashlib.sha256(named.encode()).hexdigest()[:40]


def is_async(event: Mapping[str, object]) -> bool | None:
    """Tell whether the door says that nobody waits; None if the event did not come through it."""
    said = event.get(WORD)
    return None if said is None else isinstance(said, dict) and said.get("asynchronous") is True


def received_at(
    event: Mapping[str, object], headers: Mapping[str, str], body: bytes, now: float, secrets: Sequence[str]
) -> float:
    """Return when a request was received, in epoch seconds: as its seal proves, else now.

    Raises Unreadable with status 401 if the seal is wrong, or older than the platform keeps events.
    """
    if WORD not in event:
        return now
    word, given = _read(event[WORD])
    expected = _seals(headers, body, word, secrets)
    if not any_equal(expected, given):
        raise Unreadable(f"{WORD}: no seal matches: webhook and swap need a secret in common", UNAUTHORIZED)
    # Only asynchronous requests wait in a queue.
    kept_for = RETRIED_FOR_S if word.asynchronous else TOLERANCE_S
    if not -TOLERANCE_S <= now - word.received_at <= kept_for + TOLERANCE_S:
        raise Unreadable(f"{WORD}: receivedAt is more than {kept_for} seconds off", UNAUTHORIZED)
    return word.received_at


def _read(said: object) -> tuple[Word, list[bytes]]:
    fields = said if isinstance(said, dict) else {}
    at, asynchronous, seals = (fields.get(name) for name in ("receivedAt", "asynchronous", "seals"))
    if isinstance(at, int) and 0 <= at <= _LAST_SECOND and isinstance(asynchronous, bool):
        with contextlib.suppress(TypeError, ValueError):
            return Word(at, asynchronous), _decoded(seals)
    raise Unreadable(f"{WORD}: expected receivedAt, asynchronous and seals in hexadecimal", UNAUTHORIZED)


def _decoded(seals: object) -> list[bytes]:
    """Return seals as bytes. Raises TypeError or ValueError if they are invalid."""
    if not isinstance(seals, list) or len(seals) > _MOST_SEALS:
        raise TypeError
    return [bytes.fromhex(seal) for seal in seals]


def _seals(headers: Mapping[str, str], body: bytes, word: Word, secrets: Sequence[str]) -> list[bytes]:
    parts = [str(word.received_at).encode(), b"asynchronous" if word.asynchronous else b"awaited"]
    for name in sorted(headers):
        parts += [name.encode("utf-8", "replace"), headers[name].encode("utf-8", "replace")]
    parts.append(body)
    # The length goes before each part, so that no two requests give the same text.
    text = b"".join(b"%d:%s," % (len(part), part) for part in parts)
    own = [mac_of(secret.encode(), _KEY_OF) for secret in keys.usable(secrets)]
    return [mac_of(key, text) for key in own]
