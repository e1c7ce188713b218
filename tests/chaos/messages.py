"""The bytes of a message: as EventBridge, the topic, the timer or a deployment's sender would send it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from show.signing import signed
from tests.chaos.worlds import SCALING

ACCOUNT, REGION = "123456789098", "cn-hangzhou"
Message = Mapping[str, Any]


def as_events(messages: Iterable[Message]) -> bytes:
    """Messages as a batch of EventBridge, or as the timer's tick where there is nothing else."""
    events = [_event(one, n) for n, one in enumerate(messages) if one["kind"] != "timer"]
    return json.dumps(events if len(events) != 1 else events[0]).encode() if events else timer()


def timer() -> bytes:
    tick = {"triggerTime": "2026-01-01T00:00:00Z", "triggerName": "reconcile", "payload": ""}
    return json.dumps(tick).encode()


def as_notification(message: Message) -> bytes:
    """A hook or an activity as Auto Scaling publishes it to a topic: which activity it is, is not said."""
    content = _data(message)
    arn = f"acs:ess:{REGION}:{ACCOUNT}:scalinggroup/{SCALING}"
    return json.dumps(
        {"userId": ACCOUNT, "regionId": REGION, "resourceArn": arn, "content": content}
    ).encode()


def request(message: Message, now: float) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a signed deployment."""
    said = {
        "method": "POST",
        "headers": {"content-type": "application/json"},
        "body": {"target": "web", **message["request"]},
        "sign": "standard",
    }
    _, headers, body = signed(said, now)
    return body, headers


def _event(message: Message, n: int) -> dict[str, Any]:
    kind = message["kind"]
    source, types = "acs.ess", f"ess:ScalingActivity:{kind}"
    if kind == "hook":
        types = f"ess:LifecycleHook:{'ScaleOut' if message['transition'] == 'SCALE_OUT' else 'ScaleIn'}"
    if kind == "interruption":
        source, types = "acs.ecs", "ecs:Instance:PreemptibleInstanceInterruption"
    return {
        "id": f"45ef4dew-7c35-447a-bd93-{n:012d}",
        "source": source,
        "specversion": "1.0",
        "type": types,
        "subject": f"acs:ess:{REGION}:{ACCOUNT}:scalingGroup/{SCALING}",
        "time": "2026-01-01T08:00:00Z",
        "aliyunaccountid": ACCOUNT,
        "aliyunregionid": REGION,
        "data": _data(message),
    }


def _data(message: Message) -> dict[str, Any]:
    servers = list(message["servers"])
    if message["kind"] == "interruption":
        return {"instanceId": servers[0], "action": "delete"}
    data: dict[str, Any] = {
        "scalingGroupId": SCALING,
        "scalingActivityId": message.get("token", "asa-1"),
        "instanceIds": servers,
    }
    if message["kind"] == "hook":
        data |= {
            "lifecycleHookId": "ash-1",
            "lifecycleActionToken": message["token"],
            "lifecycleHookName": "swap",
            "lifecycleTransition": message["transition"],
            "defaultResult": "CONTINUE",
        }
    return data
