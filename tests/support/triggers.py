"""What the tests of deliveries share: the configured targets, the files of events/, and foreign signers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.triggers.reading import Delivery, read

NOW = 1_700_000_000
REGION = "cn-hangzhou"
SECRET = "whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
EVENTS = Path(__file__).resolve().parents[2] / "events"
EVIDENCE = Path(__file__).resolve().parents[1] / "evidence" / "deliveries"


def target(name: str = "web", *groups: str, mode: str = "apply", vserver_group_id: str = "") -> Target:
    return Target(
        name,
        vserver_group_id or f"rsp-{name}",
        groups or (f"asg-{name}",),
        mode,  # type: ignore[arg-type]
        Policy(marks=Marks(f"{name}")),
    )


WEB = target()


def deliver(
    event: object, *targets: Target, now: float = NOW, secrets: tuple[str, ...] = (SECRET,)
) -> Delivery:
    if isinstance(event, (dict, list)):
        event = json.dumps(event).encode()
    return read(event, targets=targets or (WEB,), region=REGION, now=now, secrets=secrets)  # type: ignore[arg-type]


def standard(body: bytes, *, secret: str = SECRET, at: float = NOW, msg_id: str = "msg_1") -> dict[str, str]:
    """Return the headers that the library of the Standard Webhooks project signs a body with."""
    signature = Webhook(secret).sign(msg_id, datetime.fromtimestamp(at, tz=timezone.utc), body.decode())
    return {"webhook-id": msg_id, "webhook-timestamp": str(int(at)), "webhook-signature": signature}


def sign_bytes(body: bytes, *, at: float = NOW, msg_id: str = "msg_1") -> dict[str, str]:
    """Sign as ``standard``, but bytes that are no text too, which the library cannot."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = hmac.new(key, f"{msg_id}.{int(at)}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def github(body: bytes, *, event: str = "deployment", secret: str = SECRET) -> dict[str, str]:
    """Return the headers that GitHub documents for a body."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": f"sha256={signature}",
    }


def http_event(
    body: bytes | object,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    encoded: bool = False,
) -> dict[str, object]:
    """Return the HTTP event of Function Compute 3.0, signed by Standard Webhooks if no headers are given."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {
        "version": "v1",
        "rawPath": "/",
        "body": base64.b64encode(raw).decode() if encoded else raw.decode(),
        "isBase64Encoded": encoded,
        "headers": {"Content-Type": "application/json", **(standard(raw) if headers is None else headers)},
        "queryParameters": {},
        "requestContext": {
            "http": {"method": method, "path": "/", "protocol": "HTTP/1.1"},
            "requestId": "1-6",
        },
    }


@dataclass(frozen=True)
class EventFile:
    path: Path
    expect: Mapping[str, object]

    @property
    def name(self) -> str:
        return self.path.stem

    def state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the world that the file meets: ECS may not know some of its instances any more."""
        unknown: Any = self.expect.get("unknown_to_ecs", ())
        instances = [
            {**one, "status": "Released"} if one["instance_id"] in unknown else one
            for one in state["instances"]
        ]
        return {**state, "instances": instances}

    def delivery(self, now: float = NOW) -> bytes:
        """Return the bytes that the function is handed: a request is signed afresh."""
        raw = self.path.read_bytes()
        if "sign" in self.expect:
            return signed_event(json.loads(raw), str(self.expect["sign"]), now)
        if self.expect["via"] != "http":
            return raw
        sent = json.loads(raw)
        body = sent["body"] if isinstance(sent["body"], str) else json.dumps(sent["body"])
        created = datetime.fromtimestamp(now, tz=timezone.utc).isoformat().replace("+00:00", "Z")
        content = body.replace('"@now"', json.dumps(created)).encode()
        headers = {**sent["headers"], **signed(content, sent["sign"], now)}
        content += b" " if sent["sign"] == "tampered" else b""
        return json.dumps(http_event(content, headers, method=sent["method"])).encode()


def signed_event(event: dict[str, Any], how: str, now: float) -> bytes:
    """Return an HTTP event of Function Compute 3.0 with the signature of its body."""
    encoded = event["isBase64Encoded"]
    body = base64.b64decode(event["body"]) if encoded else event["body"].encode()
    sent = body + b" " if how == "tampered" else body
    told = base64.b64encode(sent).decode() if encoded else sent.decode()
    return json.dumps(
        {**event, "body": told, "headers": {**event["headers"], **signed(body, how, now)}}
    ).encode()


def signed(body: bytes, how: str, now: float) -> dict[str, str]:
    if how == "github":
        return {"X-Hub-Signature-256": github(body)["X-Hub-Signature-256"]}
    if how == "none":
        return {}
    secret = OTHER_SECRET if how == "wrong" else SECRET
    return standard(body, secret=secret, at=now - 360 if how == "stale" else now)


def event_files() -> Iterator[EventFile]:
    for expect in sorted(EVENTS.glob("*.expect.json")):
        name = expect.name.removesuffix(".expect.json")
        (path,) = [one for one in EVENTS.glob(f"{name}.*") if one != expect]
        yield EventFile(path, json.loads(expect.read_text()))
