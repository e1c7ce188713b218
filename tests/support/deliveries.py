"""Deliveries in a few words: what Auto Scaling, ECS, the timer and a signed request hand to the function."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

REGION, ACCOUNT = "cn-hangzhou", "1234567890123456"
SECRET = "whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b"
_numbers = itertools.count(1)


def event(kind: str, data: Mapping[str, Any], source: str = "acs.ess") -> dict[str, Any]:
    """A CloudEvent as EventBridge hands it over."""
    return {
        "id": f"event-{next(_numbers)}",
        "source": source,
        "specversion": "1.0",
        "type": kind,
        "time": "2024-01-01T08:00:00Z",
        "datacontenttype": "application/json;charset=utf-8",
        "aliyunaccountid": ACCOUNT,
        "aliyunregionid": REGION,
        "data": dict(data),
    }


def activity(what: str, instances: str, name: str = "web") -> dict[str, Any]:
    """A scaling activity: ``ScaleInSuccess``, ``ScaleOutError`` and so on, with its instances."""
    data = {
        "scalingGroupId": f"asg-{name}",
        "scalingActivityId": "asa-1",
        "instanceIds": instances.split(),
    }
    return event(f"ess:ScalingActivity:{what}", data)


def scaled_in(instances: str, name: str = "web") -> dict[str, Any]:
    return activity("ScaleInSuccess", instances, name)


def scaled_out(instances: str, name: str = "web") -> dict[str, Any]:
    return activity("ScaleOutSuccess", instances, name)


def hooked(
    transition: str, instances: str, name: str = "web", *, hook: str = "ash-1", token: str | None = "token-1"
) -> dict[str, Any]:
    """A lifecycle hook that waits: ``ScaleOut`` or ``ScaleIn``; token None is one that got lost."""
    data = {
        "lifecycleHookId": hook,
        "lifecycleActionToken": token,
        "scalingGroupId": f"asg-{name}",
        "lifecycleTransition": {"ScaleOut": "SCALE_OUT", "ScaleIn": "SCALE_IN"}[transition],
        "defaultResult": "CONTINUE",
        "scalingActivityId": "asa-1",
        "instanceIds": instances.split(),
    }
    return event(f"ess:LifecycleHook:{transition}", {k: v for k, v in data.items() if v is not None})


def deleted(instance: str) -> dict[str, Any]:
    data = {"resourceId": instance, "resourceType": "ALIYUN::ECS::Instance", "state": "Deleted"}
    return event("ecs:Instance:StateChange", data, "acs.ecs")


def interrupted(instance: str) -> dict[str, Any]:
    data = {"instanceId": instance, "action": "delete"}
    return event("ecs:Instance:PreemptibleInstanceInterruption", data, "acs.ecs")


def timer(*targets: str) -> dict[str, Any]:
    """The timer's event, for all targets or those said."""
    payload = json.dumps({"targets": list(targets)}) if targets else ""
    return {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "reconcile", "payload": payload}


def signed(
    body: bytes, *, at: float | None = None, secret: str = SECRET, number: str | None = None
) -> dict[str, str]:
    """The headers of Standard Webhooks for a body."""
    sent_id, stamp = number or f"msg_{next(_numbers)}", str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{sent_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": sent_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def http_event(body: bytes, headers: Mapping[str, str], method: str = "POST") -> dict[str, Any]:
    """A request as Function Compute 3.0 hands it over."""
    return {
        "version": "v1",
        "rawPath": "/",
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
        "headers": dict(headers),
        "queryParameters": {},
        "requestContext": {"http": {"method": method, "path": "/", "protocol": "HTTP/1.1"}},
    }
