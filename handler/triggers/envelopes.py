"""Opens envelopes: EventBridge, MNS topic and queue, async destinations, lists, base64.

Fields that only an envelope has identify it; its content is opened in turn, at most ``MAX_NESTING`` deep,
until a message is found. A bad record does not affect the others.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from handler.triggers.messages import (
    SCALING_FIELDS,
    STATE_FIELDS,
    Ignored,
    Message,
    Rejected,
    Unreadable,
    digest,
    event_id,
    text,
)

MAX_BYTES = 4 * 1024 * 1024  #: of a delivery; asynchronous ones have at most 256 KB
MAX_NESTING = 4  #: envelopes around one message
MAX_RECORDS = 10_000  #: in one delivery

_MAX_DIGITS = 20
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}")
_REGION_OF_ARN = re.compile(r"acs[:.][a-z0-9]+:([a-z0-9-]+):", re.IGNORECASE)

LOOKED_FOR = (
    "no known message: looked for requestContext.http, requestContext.condition with requestPayload, "
    "triggerTime with triggerName or payload, type with specversion or with source and data or data_base64, "
    "Message with TopicName or MessageId, "
    "body with attrs, messageBody, product with name; and in the record and its content for "
    "lifecycleHookId, lifecycleTransition, scalingGroupId, resourceArn, resourceType with state"
)


class Special(Struct, frozen=True):
    """A record with a reader of its own: an HTTP request (``http``) or a timer's event (``timer``)."""

    form: str
    record: Mapping[str, object]
    outermost: bool = False  #: it was in no envelope


Opened = Message | Special | Rejected | Ignored


def open_delivery(event: object) -> Iterator[tuple[object, Opened]]:
    """Yield every record of a delivery, in order, with its content. Raises nothing for bad input."""
    yield from _open(event, 0, None, [MAX_RECORDS])


def _open(
    record: object, depth: int, outer_id: str | None, budget: list[int]
) -> Iterator[tuple[object, Opened]]:
    budget[0] -= 1
    if depth > MAX_NESTING:
        yield record, Rejected(f"more than {MAX_NESTING} envelopes around one message", digest(record))
        return
    try:
        found = look_into(record, depth, outer_id)
    except Unreadable as error:
        yield record, Rejected(str(error), digest(record))
        return
    if not isinstance(found, Inside):
        yield record, found
        return
    for inner in found.items:
        if budget[0] <= 0:
            if budget[0] == 0:
                yield inner, Rejected(f"more than {MAX_RECORDS} records in one delivery", digest(inner))
            budget[0] = -1
            return
        yield from _open(inner, depth + 1, found.event_id, budget)


class Inside(Struct, frozen=True):
    """The content of an envelope, and the id for messages in it that have none."""

    items: list[object]
    event_id: str | None


def parse(item: bytes | str) -> object:
    """Return the JSON value of a text, which may be in base64, at most twice.

    Raises Unreadable if it is neither.
    """
    for _ in range(3):
        try:
            content = item.decode() if isinstance(item, bytes) else item
        except UnicodeDecodeError:
            break
        content = content.lstrip("\ufeff").strip()
        if not content:
            raise Unreadable("empty: expected JSON, or base64 of JSON")
        if not _BASE64.fullmatch(content):
            return loads(content)
        try:
            item = base64.b64decode("".join(content.split()), validate=True)
        except binascii.Error:
            break
    raise Unreadable("neither JSON in UTF-8 nor base64 of it")


def loads(content: str | bytes) -> object:
    """Return the JSON value of a text. Raises Unreadable, which quotes nothing of it."""
    try:
        value: object = json.loads(content, parse_int=_int)
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        raise Unreadable("not JSON: a number or character that cannot be read") from None
    except RecursionError:
        raise Unreadable("JSON nested too deep") from None
    return value


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError
    return int(digits)


def look_into(record: object, depth: int, outer_id: str | None) -> Opened | Inside:
    """Return what a record is, or what is in it; raises Unreadable.

    ``depth`` is the number of envelopes around it, ``outer_id`` the id of the nearest.
    """
    item = parse(record) if isinstance(record, (bytes, str)) else record
    if isinstance(item, list):
        return Inside(item, outer_id) if item else Ignored("no_records", "an empty list")
    if isinstance(item, str):  # JSON text in a JSON string
        return Inside([item], outer_id)
    if not isinstance(item, dict):
        raise Unreadable("expected a JSON object or a list of objects")
    for look in _LOOKS:
        found = look(item, outer_id)
        if found is not None:
            return replace(found, outermost=depth == 0) if isinstance(found, Special) else found
    raise Unreadable(LOOKED_FOR)


def _function_compute(item: dict[str, object], _outer_id: str | None) -> Opened | Inside | None:
    """HTTP requests, async destinations and timers (Function Compute: event formats of triggers)."""
    context = item.get("requestContext")
    if isinstance(context, dict) and isinstance(context.get("http"), dict):
        return Special("http", item)
    if isinstance(context, dict) and "condition" in context and "requestPayload" in item:
        response = item.get("responseContext")
        failed = response.get("functionError") if isinstance(response, dict) else None
        condition = context["condition"]
        request_id = event_id(context.get("requestId"))
        if condition == "Success" or not (condition or failed):
            ids = () if request_id is None else (request_id,)
            return Ignored("own_destination_payload", "the result of an invocation that succeeded", ids)
        return Inside([item["requestPayload"]], request_id)
    if "triggerTime" in item and not _TIMER.isdisjoint(item):
        return Special("timer", item)
    return None


def _cloud_event(item: dict[str, object], outer_id: str | None) -> Opened | Inside | None:
    """CloudEvents of EventBridge, and MNS queue messages in them."""
    kind = item.get("type")
    if not isinstance(kind, str) or not any(fields <= item.keys() for fields in _ENVELOPES):
        return None
    own_id = event_id(item.get("id")) or outer_id
    body, fault = _data(item, kind.lower().startswith(_OURS))
    if "messageBody" in body:
        return Inside([body["messageBody"]], own_id)
    if fault is not None and kind.lower().startswith("mns:"):
        raise Unreadable(fault)
    message = Message(body, kind, text(item.get("source")), text(item.get("subject")), None, own_id, fault)
    return replace(message, region=_region(message) or text(item.get("aliyunregionid")))


def _data(item: dict[str, object], ours: bool) -> tuple[dict[str, object], str | None]:
    """Return a CloudEvent's data as an object, and what is wrong with it; then the object is empty.

    ``data_base64`` is another form of data (CloudEvents, JSON Event Format). Our data may be JSON text.
    """
    data, encoded = item.get("data"), item.get("data_base64")
    path = "data" if encoded is None else "data_base64"
    if data is not None and encoded is not None:
        return {}, "data_base64: expected one of data and data_base64, got both"
    try:
        if encoded is not None:
            data = _decoded(encoded)
        if ours and isinstance(data, str):
            data = parse(data)
        if isinstance(data, dict):
            return _with_content(data), None
    except Unreadable as error:
        return {}, f"{path}: {error}"
    return {}, f"{path}: expected an object" if ours and data is not None else None


def _decoded(encoded: object) -> object:
    """Return the JSON value in a base64 text."""
    try:
        content = base64.b64decode("".join(str(encoded).split()), validate=True).decode()
    except (binascii.Error, ValueError):
        content = ""
    if not isinstance(encoded, str) or not content.strip():
        raise Unreadable("expected base64 of JSON in UTF-8")
    return loads(content)


def _mns(item: dict[str, object], outer_id: str | None) -> Opened | Inside | None:
    """Topic messages, as JSON or as STREAM with attributes, and queue messages as RawData."""
    own_id = event_id(item.get("MessageId")) or event_id(item.get("messageId")) or outer_id
    if isinstance(item.get("Message"), (str, dict)) and ("TopicName" in item or "MessageId" in item):
        return Inside([item["Message"]], own_id)
    if "messageBody" in item:
        return Inside([item["messageBody"]], own_id)
    if "body" in item and isinstance(item.get("attrs"), dict):
        return Inside([item["body"]], own_id)
    return None


def _bare(item: dict[str, object], outer_id: str | None) -> Opened | Inside | None:
    """CloudMonitor's events, Auto Scaling's notifications, and ``data`` alone (RawData)."""
    name, product = item.get("name"), item.get("product")
    try:
        message = Message(_with_content(item))
    except Unreadable as error:
        message = Message(item, fault=str(error))
    if isinstance(name, str) and isinstance(product, str):
        message = replace(message, kind=name, source=f"acs.{product}".lower())
    elif not any(
        not SCALING_FIELDS.isdisjoint(part) or part.keys() >= STATE_FIELDS for part in message.parts
    ):
        return None
    request_ids = (event_id(part.get("requestId")) for part in message.readable)
    own_id = event_id(item.get("id")) or next(filter(None, request_ids), None) or outer_id
    return replace(message, region=_region(message), event_id=own_id)


_OURS = ("ess:", "ecs:")
_TIMER = frozenset({"triggerName", "payload"})
_ENVELOPES = (frozenset({"specversion"}), frozenset({"source", "data"}), frozenset({"source", "data_base64"}))
# Topic messages come first: their publisher's attributes are beside the fields, and may have any other name.
_LOOKS: tuple[Callable[[dict[str, object], str | None], Opened | Inside | None], ...] = (
    _mns,
    _function_compute,
    _cloud_event,
    _bare,
)


def _with_content(body: dict[str, object]) -> dict[str, object]:
    """Return a message with its ``content`` as an object, if it came as JSON text."""
    content = body.get("content")
    if isinstance(content, str) and content.lstrip().startswith("{"):
        try:
            return {**body, "content": loads(content)}
        except Unreadable as error:
            raise Unreadable(f"content: {error}") from None
    return body


def _region(message: Message) -> str | None:
    """Return the region of the message's resource, if it says; the bus may be in another."""
    for part in message.readable:
        region = text(part.get("regionId"))
        if region:
            return region
    for arn in (message.body.get("resourceArn"), message.body.get("resourceId"), message.subject):
        found = _REGION_OF_ARN.match(arn) if isinstance(arn, str) else None
        if found:
            return found[1]
    return None
