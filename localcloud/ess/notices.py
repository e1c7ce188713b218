"""What Auto Scaling and ECS tell of, in the two forms in which a template's triggers carry it.

The EventBridge types and the hook's message are documented ("Auto Scaling events"; "Automatically add ECS
instances of a scaling group to a Redis instance whitelist"). The `data` of an activity and the body of
a notification to a topic are not: they are put together from those two.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.fc.deliveries import topic_message
from localcloud.fc.fleet import Fleet
from localcloud.fc.invocations import Invoker
from localcloud.state.world import ACCOUNT, REGION


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened. `to_topics`: whether it is sent to a topic as well."""

    type: str
    resource: str
    content: Mapping[str, Any]
    to_topics: bool = True

    @property
    def arn(self) -> str:
        """The resource it is about, of this region and account."""
        return f"acs:{self.type.partition(':')[0]}:{REGION}:{ACCOUNT}:{self.resource}"


def cloud_event(notice: Notice, now: float) -> dict[str, Any]:
    """The notice as EventBridge hands it on ("Event overview")."""
    at = time.gmtime(now)
    return {
        "id": secrets.token_hex(16),
        "source": f"acs.{notice.type.partition(':')[0]}",
        "specversion": "1.0",
        "type": notice.type,
        "subject": notice.arn,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
        "datacontenttype": "application/json;charset=utf-8",
        "aliyunaccountid": ACCOUNT,
        "aliyunpublishtime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", at),
        "aliyuneventbusname": "default",
        "aliyunregionid": REGION,
        "data": dict(notice.content),
    }


def message(notice: Notice, now: float) -> bytes:
    """The notice as a topic's message, Base64 as Auto Scaling sends it (CreateNotificationConfiguration)."""
    if notice.type.startswith("ecs:"):  # CloudMonitor's form ("Instance event notification")
        told = {
            "id": secrets.token_hex(16).upper(),
            "product": "ECS",
            "resourceId": notice.arn,
            "level": "WARN",
            "name": notice.type.removeprefix("ecs:"),
            "userId": ACCOUNT,
            "eventTime": time.strftime("%Y%m%dT%H%M%S.000+0800", time.gmtime(now + 8 * 3600)),
            "regionId": REGION,
            "content": dict(notice.content),
        }
    else:
        told = {
            "userId": ACCOUNT,
            "regionId": REGION,
            "resourceArn": notice.arn,
            "content": dict(notice.content),
        }
    return base64.b64encode(json.dumps(told).encode())


def publish(
    notice: Notice,
    fleet: Fleet,
    invoker: Invoker,
    now: float,
    bridge: Callable[[Mapping[str, Any]], int],
) -> int:
    """Queue the notice for each trigger of the template that takes such; returns for how many.

    `bridge` publishes an event to EventBridge.
    """
    sent = bridge(cloud_event(notice, now))
    for function, trigger in fleet.triggers():
        kind = trigger.kind.lower().replace("_", "")
        if kind == "mnstopic" and notice.to_topics:
            body = topic_message(message(notice, now), trigger.properties, ACCOUNT, now, {})
            invoker.queue(function, secrets.token_hex(16), body)
            sent += 1
    return sent
