"""The values of this package: a message without its envelopes, or why a record is rejected or ignored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from msgspec import Struct

from handler import blinds

#: Ids of servers, scaling groups, hooks and activities. Documents mask them with asterisks.
SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:*-]{0,127}")
#: By any of the first a record without an envelope is known as Auto Scaling's, by both others as a change of
#: an instance's state.
SCALING_FIELDS = frozenset({"lifecycleHookId", "lifecycleTransition", "scalingGroupId", "resourceArn"})
STATE_FIELDS = frozenset({"resourceType", "state"})
_EVENT_ID = re.compile(r"[!-~]{1,128}")


class Rejected(Struct, frozen=True):
    """A record that cannot be read.

    ``reason`` is a sentence that names the field and what was expected, never the body's text. ``digest`` is
    the beginning of the SHA-256 of the record's bytes. ``status`` is the HTTP status if it came by HTTP.
    """

    reason: str
    digest: str
    status: int = 400


class Ignored(Struct, frozen=True):
    """A record that we understand and that asks nothing. ``reason`` is a code, ``detail`` a sentence."""

    reason: str
    detail: str
    event_ids: tuple[str, ...] = ()


class Unreadable(Exception):  # noqa: N818 - it says what a record is, and never leaves this package
    """A record is rejected; ``str()`` is the reason, ``status`` the HTTP status."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Message(Struct, frozen=True):
    """A message without its envelopes.

    ``body`` is a CloudEvent's ``data``, or the whole message without such an envelope. ``kind`` is its type
    or name as spelt, None if the envelope drops it; ``source`` is like ``acs.ess``. ``fault`` says why the
    body cannot be read, which does not matter if the type alone is enough.
    """

    body: Mapping[str, object]
    kind: str | None = None
    source: str | None = None
    subject: str | None = None
    region: str | None = None
    event_id: str | None = None
    fault: str | None = None

    @property
    def event_ids(self) -> tuple[str, ...]:
        """Return the event's id in a tuple, empty if it has none."""
        return () if self.event_id is None else (self.event_id,)

    @property
    def parts(self) -> tuple[Mapping[str, object], ...]:
        """Return the objects that may have the fields: ``content`` first, then the body.

        Raises Unreadable with the ``fault`` if there is one.
        """
        if self.fault is not None:
            raise Unreadable(self.fault)
        return self.readable

    @property
    def readable(self) -> tuple[Mapping[str, object], ...]:
        """Return the same, as far as it can be read."""
        content = self.body.get("content")
        return (content, self.body) if isinstance(content, dict) else (self.body,)


def digest(record: object) -> str:
    """Return the first 16 hex digits of the SHA-256 of a record's bytes, or of a value's JSON."""
    if isinstance(record, bytes):
        data = record
    elif isinstance(record, str):
        data = record.encode("utf-8", "surrogatepass")
    else:
        try:
            data = json.dumps(record, sort_keys=True, default=str).encode()
        except (RecursionError, TypeError, ValueError):
            data = type(record).__name__.encode()
    return hashlib.sha256(data).hexdigest()[:16]


def shown(text: str) -> str:
    """Return a short value from outside for a reason: at most 64 characters, escaped."""
    text = blinds.hide(text)  # before it is cut and escaped: a part of a secret is one as well
    return ascii(text if len(text) <= 64 else text[:61] + "...")


def event_id(value: object) -> str | None:
    """Return an event's id, or None if it is not fit for a log line."""
    return value if isinstance(value, str) and _EVENT_ID.fullmatch(value) else None


def text(value: object) -> str | None:
    """Return a non-empty string, else None."""
    return value if isinstance(value, str) and value else None
