"""What a trigger hands a function: a topic's message, a timer's tick ("Formats of event for triggers")."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any


def topic_message(
    body: bytes, properties: Mapping[str, Any], account_id: str, now: float, attributes: Mapping[str, str]
) -> bytes:
    """A message published to an MNS topic, as the trigger's NotifyContentFormat says.

    STREAM hands on the body, in an object only if the message has attributes; JSON tells of the message too.
    """
    text = body.decode("utf-8", "replace")
    if properties.get("NotifyContentFormat", "STREAM") == "STREAM":
        return json.dumps({"body": text, "attrs": dict(attributes)}).encode() if attributes else body
    message = {
        "TopicOwner": account_id,
        "Message": text,
        "Subscriber": account_id,
        "PublishTime": int(now * 1000),
        "SubscriptionName": f"fc-{properties['TopicName']}",
        "MessageMD5": hashlib.md5(body, usedforsecurity=False).hexdigest().upper(),
        "TopicName": properties["TopicName"],
        "MessageId": secrets.token_hex(16).upper(),
        **attributes,
    }
    return json.dumps(message).encode()


def timer_event(name: str, payload: str, now: float) -> bytes:
    """A timer's tick; the payload is text, whatever is in it."""
    triggered = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return json.dumps({"triggerTime": triggered, "triggerName": name, "payload": payload}).encode()


def log_tail(lines: list[str]) -> str:
    """The last 4 KB of a log, as base64 (InvokeFunction, X-Fc-Log-Type: Tail)."""
    return base64.b64encode("\n".join(lines).encode()[-4096:]).decode()
