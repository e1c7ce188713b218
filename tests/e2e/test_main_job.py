"""The main job, end to end: what the function calls, and what the group goes through, over HTTP."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.support.level_c import ROOT, Http, running

sys.path.insert(0, str(ROOT / "tests" / "triggers"))
from tests.support.triggers import standard

MODIFY = "ModifyVServerGroupBackendServers"
ADD = "AddVServerGroupBackendServers"
TARGETS = [{"name": "web", "vserver_group_id": "rsp-web", "scaling_group_ids": ["asg-web"], "ports": [8080]}]
MARK = "slb-swap/web"


def ids(prefix: str, count: int) -> list[str]:
    return [f"i-{prefix}{number:02}" for number in range(count)]


def state(backends: Iterable[str], listed: Iterable[str], others: Iterable[str] = ()) -> dict[str, Any]:
    """A group with some backends, and a scaling group that lists some instances; all run and are normal."""
    known = dict.fromkeys([*backends, *listed, *others])
    entries = [{"server_id": one, "port": 8080, "weight": 100} for one in backends]
    return {
        "load_balancers": [
            {
                "load_balancer_id": "lb-web",
                "listeners": [{"port": 80, "protocol": "http", "vserver_group_id": "rsp-web"}],
                "vserver_groups": [{"vserver_group_id": "rsp-web", "name": "web", "backends": entries}],
            }
        ],
        "instances": [{"instance_id": one} for one in known],
        "scaling_groups": [
            {"scaling_group_id": "asg-web", "instances": [{"instance_id": one} for one in listed]}
        ],
    }


@pytest.fixture(scope="module")
def cloud() -> Iterator[Http]:
    with running(state([], []), TARGETS, quick=False) as http:
        yield http


def request(cloud: Http, at: int = 0, **said: Any) -> dict[str, Any]:
    body = json.dumps({"target": "web", **said}).encode()
    headers = standard(body, at=time.time(), msg_id=f"msg_{at}")
    reply = cloud.webhook(body, {"Content-Type": "application/json", **headers})
    return {"status": reply.status, **reply.json()}


def reads(cloud: Http) -> int:
    return len(cloud.calls("DescribeVServerGroupAttribute"))


def least_in_service(cloud: Http) -> int:
    return min(
        sum(b["weight"] > 0 and b["health"] != "abnormal" for b in instant["backends"])
        for instant in cloud.history()
    )


def test_45_gone_pairs_take_three_calls_and_two_reads(cloud: Http) -> None:
    olds, news = ids("old", 45), ids("new", 45)
    cloud.put_state(state(olds, news))
    result = request(cloud, terminated=olds, launched=news, gone=True)
    assert (result["outcome"], result["status"]) == ("applied", 200)
    sizes = [len(json.loads(call["params"]["NewBackendServers"])) for call in cloud.calls(MODIFY)]
    assert sizes == [20, 20, 5]
    assert (cloud.writes(), reads(cloud)) == ([MODIFY] * 3, 2)
    assert news == cloud.servers()
    assert len(result["targets"][0]["pairs"]) == 45


def test_same_request_again_makes_no_write(cloud: Http) -> None:
    olds, news = ids("old", 45), ids("new", 45)
    cloud.put_state(state(olds, news))
    request(cloud, terminated=olds, launched=news, gone=True)
    cloud.forget_calls()
    result = request(cloud, at=1, terminated=olds, launched=news, gone=True)
    assert (result["outcome"], cloud.writes(), reads(cloud)) == ("unchanged", [], 1)


def test_three_gone_and_five_launched_are_one_modify_and_one_add(cloud: Http) -> None:
    olds, news = ids("old", 4), ids("new", 5)
    cloud.put_state(state(olds, [*olds[3:], *news]))
    result = request(cloud, terminated=olds[:3], launched=news, gone=True)
    assert (result["outcome"], cloud.writes()) == ("applied", [MODIFY, ADD])
    assert sorted([*olds[3:], *news]) == sorted(cloud.servers())


def test_scale_in_whose_replacement_is_in_service_is_one_modify(cloud: Http) -> None:
    cloud.put_state(state(["i-old1", "i-old2"], ["i-old2", "i-new1"]))
    event = {
        "id": "event-1",
        "source": "acs.ess",
        "type": "ess:ScalingActivity:ScaleInSuccess",
        "aliyunregionid": "cn-hangzhou",
        "data": {"scalingGroupId": "asg-web", "instanceIds": ["i-old1"]},
    }
    result = cloud.deliver(event).json()
    assert (result["outcome"], cloud.writes()) == ("applied", [MODIFY])
    assert cloud.servers() == ["i-old2", "i-new1"]
    assert cloud.backends()[1]["description"] == MARK


def test_ten_serving_ones_are_replaced_with_eight_in_service_at_every_instant(cloud: Http) -> None:
    olds, news = ids("old", 10), ids("new", 10)
    cloud.put_state(state(olds, news))
    result = request(cloud, terminated=olds, launched=news)
    assert (result["outcome"], least_in_service(cloud)) == ("applied", 8)
    assert sorted(news) == sorted(cloud.servers())


def test_reverse_request_brings_the_first_group_back(cloud: Http) -> None:
    olds, news = ids("old", 5), ids("new", 6)
    cloud.put_state(state(olds, [*olds[4:], *news]))
    before = cloud.backends()
    result = request(cloud, terminated=olds[:4], launched=news)
    cloud.forget_calls()
    undone = request(cloud, at=1, **result["targets"][0]["reverse"])
    assert undone["outcome"] == "applied"
    key = lambda backend: backend["server_id"]  # noqa: E731
    assert sorted(before, key=key) == sorted(cloud.backends(), key=key)


def test_function_trusts_the_certificate_that_it_is_given_and_no_other() -> None:
    told = {"SWAP_TARGETS": json.dumps(TARGETS)}
    with running(state(["i-old1"], ["i-old1", "i-new1"]), TARGETS, quick=False, tls=True) as http:
        assert (
            http.deliver({"triggerTime": "2026-01-01T00:00:00Z", "payload": ""}).json()["outcome"]
            == "applied"
        )
        assert http.servers() == ["i-old1", "i-new1"]
    wrong = {**told, "ALIBABA_CLOUD_CA_BUNDLE": ""}
    with running(state(["i-old1"], ["i-old1", "i-new1"]), TARGETS, quick=True, tls=True, env=wrong) as http:
        assert (
            http.deliver({"triggerTime": "2026-01-01T00:00:00Z", "payload": ""}).json()["errorType"]
            == "NotYet"
        )
        assert http.servers() == ["i-old1"]
