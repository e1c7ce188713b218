"""Test, unknown, foreign or malformed events: ignored or rejected; nothing is asked of the cloud."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import activity, event, http_event, scaled_in

ROW = 24


def _foreign_region() -> dict[str, Any]:
    return {**scaled_in("i-1"), "aliyunregionid": "cn-beijing"}


def _deep(levels: int) -> bytes:
    return b'{"data":' * levels + b"1" + b"}" * levels


DELIVERIES: dict[str, tuple[Any, str]] = {
    "test of a hook": (event("ess:LifecycleHook:Test", {"scalingGroupId": "asg-web"}), "ignored"),
    "started": (activity("ScaleInStart", "i-1"), "ignored"),
    "rejected": (activity("ScaleReject", "i-1"), "ignored"),
    "another scaling group": (scaled_in("i-1", "elsewhere"), "ignored"),
    "another region": (_foreign_region(), "ignored"),
    "another product": (event("oss:ObjectCreated:PutObject", {"bucket": "b"}, "acs.oss"), "ignored"),
    "another event of ECS": (
        event("ecs:Disk:ConvertToPostpaid", {"instanceId": "i-1"}, "acs.ecs"),
        "ignored",
    ),
    "empty": (b"", "rejected"),
    "no JSON": (b"not json", "rejected"),
    "truncated": (json.dumps(scaled_in("i-1")).encode()[:-40], "rejected"),
    "a number": (b"42", "rejected"),
    "not UTF-8": (b"\xff\xfe\x00{", "rejected"),
    "deep": (_deep(5000), "rejected"),
    "huge": (b'{"data": "' + b"x" * 7_000_000 + b'"}', "rejected"),
    "no scaling group": (event("ess:ScalingActivity:ScaleInSuccess", {"instanceIds": ["i-1"]}), "rejected"),
    "ids of a wrong type": (
        event("ess:ScalingActivity:ScaleInSuccess", {"scalingGroupId": "asg-web", "instanceIds": [{}]}),
        "rejected",
    ),
    "a request by topic": (json.dumps({"target": "web", "terminated": ["i-1"]}).encode(), "rejected"),
    "base64 of no JSON": (base64.b64encode(b"hello"), "rejected"),
}


def classified(make: Make, name: str) -> None:
    world = make("i-1 i-2 i-3", "i-2 i-3 i-4")
    delivery, outcome = DELIVERIES[name]
    told = world.deliver(delivery)
    assert (told.outcome, told.raised) == (outcome, "")
    assert world.calls() == []
    if outcome == "rejected":
        (said,) = told.result["rejected"]
        assert said["reason"] and len(said["digest"]) == 16
        assert world.logs("swap.rejected")[0]["level"] == "error"


@pytest.mark.parametrize("name", DELIVERIES)
def test_it_is_classified(name: str) -> None:
    classified(here, name)


def test_without_ids_the_scaling_group_alone_says_what_is_to_be_done() -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3 i-4")
    told = world.deliver(event("ess:ScalingActivity:ScaleInSuccess", {"scalingGroupId": "asg-web"}))
    assert (told.outcome, told.added(), told.removed()) == ("applied", ["i-4"], [])


def test_an_unsigned_request_is_rejected() -> None:
    world = here("i-1 i-2 i-3")
    told = world.deliver(http_event(b'{"target": "web", "terminated": ["i-1"]}', {}))
    assert told.status in {401, 415}
    assert world.calls() == []


def test_unreadable_over_http(there: Make) -> None:
    for name in ("test of a hook", "another region", "truncated", "deep", "not UTF-8"):
        classified(there, name)
