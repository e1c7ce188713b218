"""Reads a delivery: its bytes become intents, and anything else gets a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from handler.core.model.policy import Target
from handler.core.model.values import Intent, TriggerName
from handler.triggers import autoscaling, http, instances, timer
from handler.triggers.choosing import Item
from handler.triggers.envelopes import MAX_BYTES, Opened, Special, open_delivery
from handler.triggers.messages import Ignored, Message, Rejected, Unreadable, digest, shown

__all__ = ["Delivery", "Ignored", "Rejected", "read", "read_request"]


class Delivery(Struct, frozen=True):
    """What a delivery asks for. Intents are in the order of their records, not merged.

    ``trigger`` is that of the first record that has one, ``event_ids`` are those of all records, each once.
    ``http`` tells whether the answer must be an HTTP response.
    """

    intents: tuple[Intent, ...]
    rejected: tuple[Rejected, ...]
    ignored: tuple[Ignored, ...]
    trigger: TriggerName | None
    event_ids: tuple[str, ...]
    http: bool


def read(
    event: bytes | str | dict[str, object] | list[object],
    *,
    targets: Sequence[Target],
    region: str,
    now: float,
    secrets: Sequence[str],
) -> Delivery:
    """Return what a delivery asks for. Bad input never raises: bad records are rejected.

    ``region`` is the function's own, empty if unknown; ``now`` is in epoch seconds; ``secrets`` sign.
    """
    if isinstance(event, (bytes, str)) and len(event) > MAX_BYTES:
        return _too_large(event)
    reader = _Reader(targets, region, now, secrets)
    items: list[Item] = []
    for record, opened in open_delivery(event):
        try:
            items += reader.read(opened)
        except Unreadable as error:
            items.append(Rejected(str(error), digest(record), error.status))
    return _delivery(items, reader.trigger, reader.event_ids, by_http=reader.http)


def _delivery(
    items: Sequence[Item], trigger: TriggerName | None, event_ids: Iterable[str], *, by_http: bool
) -> Delivery:
    return Delivery(
        tuple(item for item in items if isinstance(item, Intent)),
        tuple(item for item in items if isinstance(item, Rejected)),
        tuple(item for item in items if isinstance(item, Ignored)),
        trigger,
        tuple(dict.fromkeys([*event_ids, *_ids_of(items)])),
        by_http,
    )


def read_request(
    given: bytes | str | Mapping[str, object],
    *,
    targets: Sequence[Target],
    now: float,
    secrets: Sequence[str],
) -> tuple[Mapping[str, object], Delivery]:
    """Read an HTTP trigger's request, at the door; also return its event, empty if it is invalid.

    Only HTTP requests are read, and any claim to have come through the door is dropped.
    """
    event: Mapping[str, object] = {}
    ids: tuple[str, ...] = ()
    try:
        event = http.event_of(given)
        items, ids = http.read(event, targets, now, secrets)
    except Unreadable as error:
        items = [Rejected(str(error), digest(given), error.status)]
    return event, _delivery(items, "deployment", ids, by_http=True)


def _too_large(event: bytes | str) -> Delivery:
    # Only an HTTP request can be this large and still await an answer; its content is not worth parsing.
    marks: tuple[bytes, bytes] = (b'"requestContext"', b'"http"')
    data = event.encode("utf-8", "replace") if isinstance(event, str) else event
    by_http = all(mark in data for mark in marks)
    rejected = Rejected(f"the delivery: more than {MAX_BYTES} bytes", digest(event), 413)
    return Delivery((), (rejected,), (), "deployment" if by_http else None, (), by_http)


class _Reader(Struct):
    """Reads records one by one, and keeps what the log needs of the whole delivery."""

    targets: Sequence[Target]
    region: str
    now: float
    secrets: Sequence[str]
    trigger: TriggerName | None = None
    event_ids: list[str] = []
    http: bool = False

    def read(self, opened: Opened) -> list[Item]:
        """Return what one record asks for. Raises Unreadable if it is rejected."""
        if isinstance(opened, (Rejected, Ignored)):
            return [opened]
        if isinstance(opened, Special):
            return self._special(opened)
        self.event_ids += opened.event_ids
        return self._message(opened)

    def _special(self, opened: Special) -> list[Item]:
        if opened.form == "timer":
            self.trigger = self.trigger or "timer"
            return timer.read(opened.record, self.targets)
        self.trigger = self.trigger or "deployment"
        self.http = opened.outermost and not http.is_async(opened.record)
        items, ids = http.read(opened.record, self.targets, self.now, self.secrets)
        self.event_ids += ids
        return items

    def _message(self, message: Message) -> list[Item]:
        if autoscaling.is_autoscaling(message):
            self.trigger = self.trigger or "autoscaling"
            return autoscaling.read(message, self.targets, self.region)
        if instances.is_instance_event(message):
            self.trigger = self.trigger or "autoscaling"
            return instances.read(message, self.targets, self.region)
        detail = f"an event of the type {shown(message.kind or '')}"
        return [Ignored("not_our_event", detail, message.event_ids)]


def _ids_of(items: Iterable[Item]) -> list[str]:
    return [one for item in items if isinstance(item, (Intent, Ignored)) for one in item.event_ids]
