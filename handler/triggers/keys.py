"""What a webhook's secret may be, and the keys that it gives.

Standard Webhooks writes a secret as ``whsec_`` and the base64 of 24 to 64 random bytes. A shorter one can be
guessed, so it is not used.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence

PREFIX = "whsec_"
MIN_KEY_BYTES = 24  #: of the key after ``whsec_`` (Standard Webhooks, "Signature scheme")
MIN_PLAIN = 16  #: characters of a secret without ``whsec_``
MIN_DIFFERENT = 8  #: bytes of a key that must differ, or characters of a plain secret: fewer were typed

#: The secret in the examples of README.md and docs/webhook.md.
_PUBLISHED = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_ALGORITHM = re.compile(r"v[0-9]{1,2}a?|(hmac[-_]?)?sha[-_]?[0-9]{1,3}|hs[0-9]{3}|ed25519", re.IGNORECASE)
_ASYMMETRIC = ("whsk_", "whpk_")


def fault(secret: str) -> str | None:
    """Return what is wrong with a secret, quoting nothing of it, or None if it may sign."""
    if _ALGORITHM.fullmatch(secret):
        return "expected a secret, got the name of an algorithm: give the secrets alone, separated by commas"
    if secret.lower().startswith(_ASYMMETRIC):
        return f"expected a shared secret, which begins with {PREFIX}, got a key of an asymmetric pair"
    if "{{" in secret or "${" in secret:
        return "expected a secret, got a reference to one, which was never replaced by it"
    if PREFIX in secret[1:].lower():
        return f"expected {PREFIX} at the beginning alone: no quotation marks, and commas between secrets"
    if not secret.lower().startswith(PREFIX):
        if len(secret) >= MIN_PLAIN:
            return _typed(secret, "characters")
        return (
            f"expected {PREFIX} and base64 of {MIN_KEY_BYTES} bytes or more, "
            f"or {MIN_PLAIN} characters or more, got {len(secret)} characters"
        )
    if not secret.startswith(PREFIX):
        return f"expected {PREFIX} in small letters"
    key = _decoded(secret.removeprefix(PREFIX))
    if key is None:
        return f"expected base64 after {PREFIX}"
    if len(key) < MIN_KEY_BYTES:
        return f"expected base64 of {MIN_KEY_BYTES} bytes or more after {PREFIX}, got {len(key)}"
    return _typed(key, "bytes")


def _typed(key: str | bytes, units: str) -> str | None:
    different = len(set(key))
    if different >= MIN_DIFFERENT:
        return None
    return f"expected random {units}, got only {different} different ones"


def is_published(secret: str) -> bool:
    """Tell whether a secret is that of the examples, which everybody knows."""
    return secret.removeprefix(PREFIX).rstrip("=") == _PUBLISHED


def of(secrets: Sequence[str]) -> Iterator[bytes]:
    """Yield the keys of all usable secrets. A plain secret is a key as it is, and also as base64."""
    for secret in usable(secrets):
        if not secret.startswith(PREFIX):
            yield secret.encode()
        key = _decoded(secret.removeprefix(PREFIX))
        if key is not None and len(key) >= MIN_KEY_BYTES:
            yield key


def texts(secrets: Iterable[str]) -> Iterator[str]:
    """Yield what must not be shown of secrets: each, and what follows its ``whsec_``."""
    for secret in secrets:
        yield from {secret, secret.removeprefix(PREFIX)} - {PREFIX}


def usable(secrets: Sequence[str]) -> list[str]:
    """Return the secrets with no fault: no other one ever signs anything."""
    return [secret for secret in secrets if fault(secret) is None]


def _decoded(encoded: str) -> bytes | None:
    """Return the bytes of base64, padded or not, or None if it is invalid."""
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
