"""What no document says of the platform is a reading: a request is done, or said not to be, under each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product

import pytest

from tests.support.deliveries import signed
from tests.support.level_c import Http, running
from tests.support.places import place, target

STATE = place("web", "i-1 i-2 i-3", "i-2 i-3 i-4", fresh="i-5")
RAW = json.dumps({"target": "web", "pairs": [["i-1", "i-5"]]}).encode()
OPEN = {
    "fc3_body": ["base64", "text"],
    "fc3_async_header": ["shown", "hidden"],
    "fc3_task_ids": ["checked", "ignored"],
}
READINGS = [dict(zip(OPEN, chosen, strict=True)) for chosen in product(*OPEN.values())]


@pytest.fixture(scope="module", params=["template.yml", "template.fc2.yml"])
def deployed(request: pytest.FixtureRequest) -> Iterator[Http]:
    with running(STATE, [target()], name=request.param) as http:
        yield http


@pytest.fixture(params=READINGS, ids=lambda chosen: "-".join(chosen.values()))
def cloud(deployed: Http, request: pytest.FixtureRequest) -> Http:
    deployed.put_state(STATE)
    deployed.send("DELETE", "/_local/logs")
    assert deployed.send("PUT", "/_local/readings", request.param).status == 200
    return deployed


def done(cloud: Http) -> bool:
    cloud.send("POST", "/_local/async/drain")
    return "i-5" in cloud.servers() and "i-1" not in cloud.servers()


def test_who_waits_gets_the_answer(cloud: Http) -> None:
    reply = cloud.webhook(RAW, signed(RAW))
    assert (reply.status, reply.json()["outcome"]) == (200, "applied")
    assert done(cloud)


def test_who_does_not_wait_is_answered_at_once(cloud: Http) -> None:
    headers = {**signed(RAW), "prefer": "respond-async"}
    for _ in range(2):
        reply = cloud.webhook(RAW, headers)
        assert (reply.status, reply.json()["outcome"]) == (202, "accepted")
    assert done(cloud)
    assert cloud.writes() == ["ModifyVServerGroupBackendServers"]


@pytest.mark.parametrize("also", [{}, {"prefer": "respond-async"}], ids=["alone", "and-preferred"])
def test_whom_the_platform_answers_is_not_forgotten(cloud: Http, also: dict[str, str]) -> None:
    reply = cloud.webhook(RAW, {**signed(RAW), "X-Fc-Invocation-Type": "Async", **also})
    assert reply.status in {200, 202}
    assert done(cloud)


def test_several_signatures_may_be_joined(cloud: Http) -> None:
    headers = signed(RAW)
    for joined in ("v1,AAAA,{}", "{},v1,AAAA", "v1,AAAA {}"):
        cloud.put_state(STATE)
        value = joined.format(headers["webhook-signature"])
        assert cloud.webhook(RAW, {**headers, "webhook-signature": value}).status == 200
        assert done(cloud)
