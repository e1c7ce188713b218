"""Signs the requests in events/ as their senders would: Standard Webhooks, or GitHub."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from standardwebhooks import Webhook

#: For the local cloud alone.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def signed(request: Mapping[str, Any], now: float) -> tuple[str, dict[str, str], bytes]:
    """Return method, headers and body of a request in events/; ``sign`` says how, see events/README.md."""
    given = request["body"]
    text = given if isinstance(given, str) else json.dumps(given)
    created = datetime.fromtimestamp(now, tz=timezone.utc).isoformat()
    body = text.replace('"@now"', json.dumps(created)).encode()
    headers = {**request["headers"], **_signature(body, request["sign"], now)}
    return request["method"], headers, body + (b" " if request["sign"] == "tampered" else b"")


def signed_event(event: Mapping[str, Any], how: str, now: float) -> bytes:
    """Return an HTTP event of Function Compute 3.0 with its body signed; ``how`` is its ``sign``."""
    encoded = event["isBase64Encoded"]
    body = base64.b64decode(event["body"]) if encoded else event["body"].encode()
    sent = body + (b" " if how == "tampered" else b"")
    told = base64.b64encode(sent).decode() if encoded else sent.decode()
    headers = {**event["headers"], **_signature(body, how, now)}
    return json.dumps({**event, "body": told, "headers": headers}).encode()


def _signature(body: bytes, how: str, now: float) -> dict[str, str]:
    if how == "none":
        return {}
    if how == "github":
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={digest}"}
    at = datetime.fromtimestamp(now - 360 if how == "stale" else now, tz=timezone.utc)
    webhook = Webhook(OTHER_SECRET if how == "wrong" else SECRET)
    sent_id = f"msg_{int(now)}"
    return {
        "webhook-id": sent_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign(sent_id, at, body.decode()),
    }
