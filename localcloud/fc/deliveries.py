"""What a trigger hands a function: a topic's message, a timer's tick, an HTTP request.

Function Compute, "Formats of event for triggers"; "HTTP triggers" of 3.0.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from localcloud.http import Request


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


def http_event(
    request: Request, path: str, account_id: str, now: float, request_id: str, *, encoded: bool
) -> bytes:
    """An HTTP request as the trigger of Function Compute 3.0 hands it over, version v1.

    `encoded`: the body is base64; else it is text where it can be. Repeated headers are joined already.
    """
    try:
        text = None if encoded else request.body.decode()
    except UnicodeDecodeError:
        text = None
    headers = {name.title(): value for name, value in request.headers.items()}
    queries = parse_qs(request.query_string, keep_blank_values=True)
    event = {
        "version": "v1",
        "rawPath": path,
        "body": base64.b64encode(request.body).decode() if text is None else text,
        "isBase64Encoded": text is None,
        "headers": headers,
        "queryParameters": {name: ",".join(values) for name, values in queries.items()},
        "requestContext": {
            "accountId": account_id,
            "domainName": headers.get("Host", ""),
            "domainPrefix": headers.get("Host", "").partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("User-Agent", ""),
            },
            "requestId": request_id,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "timeEpoch": str(int(now * 1000)),
        },
    }
    return json.dumps(event).encode()


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an event has what a rule's pattern asks for: exact values, and objects of them."""
    for name, wanted in pattern.items():
        found = event.get(name)
        if isinstance(wanted, Mapping):
            if not isinstance(found, Mapping) or not matches(wanted, found):
                return False
        elif found not in wanted:
            return False
    return True


def log_tail(lines: list[str]) -> str:
    """The last 4 KB of a log, as base64 (InvokeFunction, X-Fc-Log-Type: Tail)."""
    return base64.b64encode("\n".join(lines).encode()[-4096:]).decode()
