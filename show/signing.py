"""Signs the requests in events/ as their senders would: Standard Webhooks, or GitHub."""

from __future__ import annotations

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
