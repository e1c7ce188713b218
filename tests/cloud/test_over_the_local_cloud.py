"""The ports over the local cloud, through the SDK as it signs and encodes: whatever form the answers take."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from handler.cloud.client import Client
from handler.cloud.credentials import Credentials
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.core.model.answers import CallFailed, Result
from handler.core.model.steps import Add, Modify, Remove, SetWeight, after, same
from handler.core.model.values import Backend, Group, Hook, Key, Listeners, Pair, Server, Verdict
from localcloud.cloud import Cloud
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.session import InProcessSession
from tests.support.cloud import local

OLD = Backend(Key("i-old", 8080), 100, "ecs", "blue 蓝")
NEW = Backend(Key("i-new", 8080), 50, "ecs", "slb-swap/web")


def state(**readings: Any) -> dict[str, Any]:
    backend = {"server_id": "i-old", "port": 8080, "weight": 100, "description": "blue 蓝"}
    listener = {"port": 80, "protocol": "http", "vserver_group_id": "rsp-web", "health_check": True}
    rules = [{"rule_id": "rule-1", "vserver_group_id": "rsp-rule", "domain": "a.example", "url": "/a"}]
    balancer = {
        "load_balancer_id": "lb-web",
        "listeners": [{**listener, "rules": rules}],
        "vserver_groups": [
            {"vserver_group_id": "rsp-web", "backends": [backend]},
            {"vserver_group_id": "rsp-rule", "backends": []},
            {"vserver_group_id": "rsp-idle", "backends": []},
        ],
    }
    hook = {"lifecycle_hook_id": "ash-1", "lifecycle_action_token": "token-1", "instance_ids": ["i-new"]}
    return {
        "load_balancers": [balancer],
        "instances": [
            {"instance_id": "i-old"},
            {"instance_id": "i-new"},
            {"instance_id": "i-off", "status": "Stopped"},
        ],
        "scaling_groups": [
            {
                "scaling_group_id": "asg-web",
                "instances": [
                    {"instance_id": "i-old"},
                    {"instance_id": "i-new", "lifecycle_state": "Pending:Wait"},
                ],
                "lifecycle_actions": [{**hook, "scaling_activity_id": "asa-1"}],
            }
        ],
        "readings": readings,
    }


FORMS = [
    {"response_form": form, "body_params": body}
    for form in ("plain", "enveloped")
    for body in ("accepted", "ignored")
]


@pytest.fixture(params=FORMS, ids=lambda readings: "-".join(readings.values()))
def gateway(request: pytest.FixtureRequest) -> Gateway:
    return Gateway(Cloud(state(**request.param)), Registry())


@pytest.fixture
def client(gateway: Gateway) -> Client:
    identity = new_identity("function", temporary=True)
    registry = Registry(identity)
    inner = Gateway(gateway.cloud, registry)
    gateway.calls = inner.calls
    keys = Credentials(identity.access_key_id, identity.access_key_secret, identity.security_token or "")
    client = Client(keys, "cn-hangzhou", local("http://127.0.0.1:1"))
    client.transport.session = InProcessSession(inner)
    return client


DRAINED = replace(OLD, weight=0)
#: A step, and the step that undoes it.
STEPS = [
    (Modify((Pair(OLD, NEW),)), Modify((Pair(NEW, OLD),))),
    (Add((NEW,)), Remove((NEW,))),
    (Remove((OLD,)), Add((OLD,))),
    (SetWeight((OLD,), (DRAINED,)), SetWeight((DRAINED,), (OLD,))),
]


@pytest.mark.parametrize(("step", "back"), STEPS, ids=lambda step: type(step).__name__)
def test_a_step_leaves_the_group_that_was_planned(client: Client, step: Any, back: Any) -> None:
    slb = CloudSlb(client)
    group = slb.group("rsp-web")
    assert group == Group("rsp-web", "lb-web", {OLD.key: OLD})
    answer = slb.do(group, step)
    assert answer.result is Result.APPLIED
    assert same(slb.group("rsp-web"), after(group, step))
    assert slb.do(group, back).result is Result.APPLIED
    assert same(slb.group("rsp-web"), group)


def test_a_gateway_that_ignores_forms_is_asked_once_in_vain(client: Client, gateway: Gateway) -> None:
    slb = CloudSlb(client)
    group = slb.group("rsp-web")
    slb.do(group, Add((NEW,)))
    slb.do(group, Remove((NEW,)))
    ignored = gateway.cloud.world.readings["body_params"] == "ignored"
    codes = [call["code"] for call in gateway.calls if call["code"]]
    assert codes == (["MissingParameter"] if ignored else [])


@pytest.mark.parametrize(
    ("server", "result"),
    [("i-off", Result.BAD_BACKEND), ("i-nowhere", Result.BAD_BACKEND), ("i-old", Result.BAD_BACKEND)],
)
def test_what_cannot_be_added_is_a_bad_backend(client: Client, server: str, result: Result) -> None:
    slb = CloudSlb(client)
    assert slb.do(slb.group("rsp-web"), Add((Backend(Key(server, 8080)),))).result is result


def test_a_group_that_is_not_there_is_gone(client: Client) -> None:
    with pytest.raises(CallFailed) as caught:
        CloudSlb(client).group("rsp-nowhere")
    assert caught.value.answer.result is Result.GONE
    nowhere = Group("rsp-nowhere", "lb-web", {})
    assert CloudSlb(client).do(nowhere, Add((NEW,))).result is Result.GONE


@pytest.mark.parametrize(
    ("group_id", "listeners"),
    [
        ("rsp-web", Listeners(checking=frozenset({"http:80"}))),
        ("rsp-rule", Listeners(checking=frozenset({"http:80"}))),
        ("rsp-idle", Listeners()),
    ],
)
def test_how_a_group_is_used(client: Client, group_id: str, listeners: Listeners) -> None:
    slb = CloudSlb(client)
    assert slb.listeners(slb.group(group_id)) == listeners


def test_health_of_a_group(client: Client) -> None:
    slb = CloudSlb(client)
    group = slb.group("rsp-web")
    assert slb.health(group) == {OLD.key: {"http:80": Verdict.NORMAL}}
    assert slb.health(replace(group, backends={NEW.key: NEW})) == {NEW.key: {"http:80": Verdict.PENDING}}


def test_a_scaling_group_and_its_hook(client: Client) -> None:
    ess = CloudEss(client)
    listing = ess.listing("asg-web")
    assert listing.servers == (Server("i-old", "in_service"), Server("i-new", "pending"))
    assert listing.complete
    assert ess.listed("asg-web", ("i-new", "i-gone")) == (Server("i-new", "pending"),)
    (found,) = ess.pending_hooks("asa-1")
    hook = Hook(found.id, found.token, "asa-1", "asg-web", "scale_out", found.instance_ids)
    assert hook.instance_ids == ("i-new",)
    assert ess.heartbeat(hook).result is Result.APPLIED
    assert ess.complete(hook, "CONTINUE").result is Result.APPLIED
    assert ess.complete(hook, "CONTINUE").result is Result.GONE
    with pytest.raises(CallFailed) as caught:
        ess.listing("asg-nowhere")
    assert caught.value.answer.result is Result.GONE
