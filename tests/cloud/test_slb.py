"""The load balancer's port: what each call sends, and what is made of what it answers."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from msgspec.structs import replace

from handler.cloud.client import Client
from handler.cloud.slb import CloudSlb
from handler.core.model.answers import CallFailed, Result
from handler.core.model.steps import Add, Modify, Remove, SetWeight
from handler.core.model.values import Backend, Group, Key, Listeners, Pair, Verdict
from tests.support.cloud import Scripted, failed

OLD = Backend(Key("i-old", 80), 100, "ecs", "blue")
NEW = Backend(Key("i-new", 8080), 50, "ecs", "")
ENI = Backend(Key("eni-1", 80, "10.0.0.1"), 100, "eni", "")
GROUP = Group("rsp-1", "lb-1", {OLD.key: OLD})


def row(backend: Backend) -> dict[str, Any]:
    return {
        "ServerId": backend.key.server_id,
        "Port": backend.key.port,
        "Weight": backend.weight,
        "Type": backend.type,
        **({"Description": backend.description} if backend.description else {}),
        **({"ServerIp": backend.key.server_ip} if backend.key.server_ip else {}),
    }


def slb_of(**answers: Any) -> tuple[CloudSlb, Scripted]:
    scripted = Scripted(answers)
    return CloudSlb(cast("Client", scripted)), scripted


def attribute(*backends: Backend, **more: Any) -> dict[str, Any]:
    listed = {"BackendServer": [row(backend) for backend in backends]}
    return {"VServerGroupId": "rsp-1", "LoadBalancerId": "lb-1", "BackendServers": listed, **more}


def test_a_group_is_read_by_its_id() -> None:
    slb, scripted = slb_of(DescribeVServerGroupAttribute=attribute(OLD, ENI))
    assert slb.group("rsp-1") == Group("rsp-1", "lb-1", {OLD.key: OLD, ENI.key: ENI})
    assert scripted.calls == [("DescribeVServerGroupAttribute", {"VServerGroupId": "rsp-1"})]


def test_a_group_that_cannot_be_read_is_no_group() -> None:
    slb, _ = slb_of(DescribeVServerGroupAttribute=attribute(BackendServers=7))
    with pytest.raises(CallFailed) as caught:
        slb.group("rsp-1")
    assert caught.value.answer.result is Result.UNKNOWN


SENT = [
    (
        Modify((Pair(OLD, NEW), Pair(ENI, OLD))),
        "ModifyVServerGroupBackendServers",
        {
            "OldBackendServers": [
                {"ServerId": "i-old", "Port": 80, "Type": "ecs"},
                {"ServerId": "eni-1", "Port": 80, "Type": "eni", "ServerIp": "10.0.0.1"},
            ],
            "NewBackendServers": [
                {"ServerId": "i-new", "Port": 8080, "Type": "ecs", "Weight": 50},
                {"ServerId": "i-old", "Port": 80, "Type": "ecs", "Weight": 100, "Description": "blue"},
            ],
        },
    ),
    (
        Add((ENI,)),
        "AddVServerGroupBackendServers",
        {
            "BackendServers": [
                {"ServerId": "eni-1", "Port": 80, "Type": "eni", "ServerIp": "10.0.0.1", "Weight": 100}
            ]
        },
    ),
    (
        Remove((OLD,)),
        "RemoveVServerGroupBackendServers",
        {"BackendServers": [{"ServerId": "i-old", "Port": 80, "Type": "ecs"}]},
    ),
    (
        SetWeight((OLD,), (replace(OLD, weight=0),)),
        "SetVServerGroupAttribute",
        {
            "BackendServers": [
                {"ServerId": "i-old", "Port": 80, "Type": "ecs", "Weight": 0, "Description": "blue"}
            ]
        },
    ),
]


@pytest.mark.parametrize(("step", "action", "lists"), SENT)
def test_a_step_is_one_call_with_its_lists_as_json(step: Any, action: str, lists: dict[str, Any]) -> None:
    slb, scripted = slb_of(**{action: {"RequestId": "r"}})
    answer = slb.do(GROUP, step)
    assert (answer.result, answer.request_id, answer.group) == (Result.APPLIED, "r", None)
    ((called, params),) = scripted.calls
    assert called == action
    assert params.pop("VServerGroupId") == "rsp-1"
    assert {name: json.loads(value) for name, value in params.items()} == lists
    assert all(" " not in value for value in params.values())


@pytest.mark.parametrize(
    ("answer", "group"),
    [
        (attribute(NEW), Group("rsp-1", "lb-1", {NEW.key: NEW})),
        (attribute(), None),  # as an answer that lists nothing looks, too
        ({"BackendServers": [row(NEW)]}, Group("rsp-1", "lb-1", {NEW.key: NEW})),
        ({"VServerGroupId": "rsp-1"}, None),
        (attribute(NEW, VServerGroupId="rsp-2"), None),
        (attribute(NEW, VServerGroupId=["rsp-1"]), None),
        (attribute(NEW, BackendServers={"BackendServer": [{"ServerId": "i-1"}]}), None),
    ],
)
def test_an_answer_holds_a_group_only_if_it_lists_one(answer: dict[str, Any], group: Group | None) -> None:
    slb, _ = slb_of(ModifyVServerGroupBackendServers=answer)
    assert slb.do(GROUP, Modify((Pair(OLD, NEW),))).group == group


def test_a_step_that_fails_is_answered_not_raised() -> None:
    slb, _ = slb_of(AddVServerGroupBackendServers=failed(Result.BUSY, "BackendServer.configuring"))
    assert slb.do(GROUP, Add((NEW,))).result is Result.BUSY


def listener(port: int, protocol: str, **more: Any) -> dict[str, Any]:
    config = {k: more.pop(k) for k in ("HealthCheck", "ConnectionDrain") if k in more}
    return {
        "ListenerPort": port,
        "ListenerProtocol": protocol,
        f"{protocol.upper()}ListenerConfig": config,
        **more,
    }


def groups(*listeners: tuple[int, str], rules: int = 0) -> dict[str, Any]:
    associated = {
        "Listeners": {"Listener": [{"Port": port, "Protocol": protocol} for port, protocol in listeners]},
        "Rules": {"Rule": [{"RuleId": f"rule-{n}"} for n in range(rules)]},
    }
    return {
        "VServerGroups": {
            "VServerGroup": [
                {"VServerGroupId": "rsp-0"},
                {"VServerGroupId": "rsp-1", "AssociatedObjects": associated},
            ]
        }
    }


HTTP, TCP, TWO = groups((80, "http")), groups((80, "tcp")), groups((80, "tcp"), (81, "tcp"))
NOTHING = Listeners()


def uses(*checking: str, off: str = "", drains: bool = False, rr: bool = False) -> Listeners:
    return Listeners(frozenset(checking), frozenset(off.split()), drains, rr)


CHECKED = uses("tcp:80")
DRAINING = {"ConnectionDrain": "on"}
STOPPED = {"Status": "stopped"}

USES = [
    ("nothing uses the group", groups(), [listener(80, "http")], NOTHING),
    ("its check is on", HTTP, [listener(80, "http", HealthCheck="on")], uses("http:80")),
    ("its check is off", HTTP, [listener(80, "http", HealthCheck="off")], uses(off="http:80")),
    ("its check is not told", TCP, [listener(80, "tcp")], CHECKED),
    ("the listener names the group", groups(), [listener(80, "tcp", VServerGroupId="rsp-1")], CHECKED),
    ("another listener", TCP, [listener(80, "udp", Scheduler="rr")], NOTHING),
    (
        "one of two checks",
        TWO,
        [listener(80, "tcp", HealthCheck="off"), listener(81, "tcp")],
        uses("tcp:81", off="tcp:80"),
    ),
    (
        "one of two drains",
        TWO,
        [listener(80, "tcp", **DRAINING), listener(81, "tcp")],
        uses("tcp:80", "tcp:81"),
    ),
    (
        "both drain",
        TWO,
        [listener(80, "tcp", **DRAINING), listener(81, "tcp", **DRAINING)],
        uses("tcp:80", "tcp:81", drains=True),
    ),
    ("round robin", TCP, [listener(80, "tcp", Scheduler="rr")], uses("tcp:80", rr=True)),
    ("weighted", TCP, [listener(80, "TCP", Scheduler="wrr")], CHECKED),
    ("it runs", TCP, [listener(80, "tcp", Status="running")], CHECKED),
    ("it is being configured", TCP, [listener(80, "tcp", Status="configuring")], CHECKED),
    ("it is stopped", TCP, [listener(80, "tcp", **STOPPED)], NOTHING),
    ("it is stopping", TCP, [listener(80, "tcp", Status="Stopping")], NOTHING),
    (
        "one of two is stopped",
        TWO,
        [listener(80, "tcp", **DRAINING), listener(81, "tcp", Scheduler="rr", **STOPPED)],
        uses("tcp:80", drains=True),
    ),
]


def test_a_listener_whose_settings_are_no_object_is_no_listener_without_a_check() -> None:
    slb, _ = slb_of(
        DescribeVServerGroups=HTTP,
        DescribeLoadBalancerListeners={"Listeners": [listener(80, "http", HTTPListenerConfig="on")]},
    )
    with pytest.raises(CallFailed) as caught:
        slb.listeners(GROUP)
    assert caught.value.answer.code == "MalformedAnswer"


@pytest.mark.parametrize(
    ("associated", "rows", "expected"), [use[1:] for use in USES], ids=[use[0] for use in USES]
)
def test_listeners(associated: dict[str, Any], rows: list[dict[str, Any]], expected: Listeners) -> None:
    slb, scripted = slb_of(
        DescribeVServerGroups=associated, DescribeLoadBalancerListeners={"Listeners": rows}
    )
    assert slb.listeners(GROUP) == expected
    assert slb.listeners(GROUP) == expected
    assert scripted.calls == [
        (
            "DescribeVServerGroups",
            {"LoadBalancerId": "lb-1", "IncludeListener": "true", "IncludeRule": "true"},
        ),
        ("DescribeLoadBalancerListeners", {"LoadBalancerId.1": "lb-1", "MaxResults": "100"}),
    ]


RR = uses("http:80", rr=True)
OWN = {"VServerGroupId": "rsp-1", "ListenerSync": "off"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"VServerGroupId": "rsp-1"}, RR),
        ({"VServerGroupId": "rsp-1", "ListenerSync": "on", "HealthCheck": "off"}, RR),
        ({**OWN, "HealthCheck": "off", "Scheduler": "wrr"}, uses(off="http:80")),
        ({**OWN, "HealthCheck": "on"}, RR),
        ({"VServerGroupId": "rsp-2"}, NOTHING),
    ],
)
def test_a_group_used_by_rules_alone_is_used_by_their_listener(
    rule: dict[str, Any], expected: Listeners
) -> None:
    slb, scripted = slb_of(
        DescribeVServerGroups=groups(rules=1),
        DescribeLoadBalancerListeners={
            "Listeners": [listener(22, "tcp"), listener(80, "http", Scheduler="rr")]
        },
        DescribeRules={"Rules": {"Rule": [rule]}},
    )
    assert slb.listeners(GROUP) == expected
    asked = {"LoadBalancerId": "lb-1", "ListenerPort": "80", "ListenerProtocol": "http"}
    assert scripted.calls[2:] == [("DescribeRules", asked)]


@pytest.mark.parametrize(
    ("check", "rule", "expected"),
    [
        ("off", {**OWN, "HealthCheck": "on", "Scheduler": "rr"}, uses("http:80", off="http:80", rr=True)),
        ("on", {**OWN, "HealthCheck": "off", "Scheduler": "wrr"}, uses("http:80", off="http:80")),
        ("off", {**OWN, "HealthCheck": "off", "Scheduler": "wrr"}, uses(off="http:80")),
        ("off", {"VServerGroupId": "rsp-1", "HealthCheck": "on"}, uses(off="http:80")),
    ],
)
def test_a_rule_of_a_listener_that_uses_the_group_itself_is_read_as_well(
    check: str, rule: dict[str, Any], expected: Listeners
) -> None:
    own = listener(80, "http", HealthCheck=check, Scheduler="wrr", VServerGroupId="rsp-1")
    slb, scripted = slb_of(
        DescribeVServerGroups=groups((80, "http"), rules=1),
        DescribeLoadBalancerListeners={"Listeners": [own]},
        DescribeRules={"Rules": {"Rule": [rule]}},
    )
    assert slb.listeners(GROUP) == expected
    assert scripted.actions().count("DescribeRules") == 1


def rules_of(**by_port: list[dict[str, Any]]) -> Any:
    return lambda given: {"Rules": {"Rule": by_port[f"p{given['ListenerPort']}"]}}


def test_rules_are_asked_for_until_all_that_use_the_group_are_found() -> None:
    rows = [listener(port, "http", HealthCheck="off") for port in (80, 81, 82)]
    first, second = ({**OWN, "RuleId": f"rule-{n}", "HealthCheck": "on"} for n in range(2))
    slb, scripted = slb_of(
        DescribeVServerGroups=groups(rules=2),
        DescribeLoadBalancerListeners={"Listeners": rows},
        DescribeRules=rules_of(p80=[first, {"RuleId": "rule-7"}], p81=[second]),
    )
    assert slb.listeners(GROUP) == uses("http:80", "http:81")
    assert scripted.actions().count("DescribeRules") == 2


def test_the_rules_of_a_stopped_listener_are_not_asked_for() -> None:
    rows = [listener(80, "http", **STOPPED), listener(443, "https", HealthCheck="off")]
    slb, scripted = slb_of(
        DescribeVServerGroups=groups((80, "http"), rules=1),
        DescribeLoadBalancerListeners={"Listeners": rows},
        DescribeRules=rules_of(p443=[]),
    )
    assert slb.listeners(GROUP) == NOTHING
    assert [given["ListenerPort"] for _, given in scripted.calls[2:]] == ["443"]


def test_every_page_of_listeners_is_read() -> None:
    def page(given: Any) -> dict[str, Any]:
        if "NextToken" not in given:
            return {"Listeners": [], "NextToken": "two"}
        return {"Listeners": [listener(80, "tcp")]}

    slb, scripted = slb_of(DescribeVServerGroups=groups((80, "tcp")), DescribeLoadBalancerListeners=page)
    assert slb.listeners(GROUP).checking
    assert scripted.actions().count("DescribeLoadBalancerListeners") == 2


def test_listeners_whose_pages_lead_to_no_end_are_unreadable() -> None:
    page = {"Listeners": [listener(80, "tcp")], "NextToken": "two"}
    slb, _ = slb_of(DescribeVServerGroups=groups((80, "tcp")), DescribeLoadBalancerListeners=page)
    with pytest.raises(CallFailed) as caught:
        slb.listeners(GROUP)
    assert caught.value.answer.result is Result.UNKNOWN


@pytest.mark.parametrize("answer", [{"VServerGroups": {"VServerGroup": []}}, {"VServerGroups": 7}])
def test_a_group_that_its_load_balancer_does_not_list_has_no_known_use(answer: dict[str, Any]) -> None:
    slb, _ = slb_of(DescribeVServerGroups=answer)
    with pytest.raises(CallFailed) as caught:
        slb.listeners(GROUP)
    assert caught.value.answer.result is Result.UNKNOWN


def health(status: str, port: int = 80, server: str = "i-old") -> dict[str, Any]:
    return {
        "ListenerPort": 80,
        "Protocol": "tcp",
        "ServerId": server,
        "Port": port,
        "ServerHealthStatus": status,
    }


def test_health_is_read_for_the_load_balancer_and_told_for_the_group() -> None:
    slb, scripted = slb_of(
        DescribeVServerGroups=groups((80, "tcp")),
        DescribeLoadBalancerListeners={"Listeners": [listener(80, "tcp")]},
        DescribeHealthStatus={
            "BackendServers": {"BackendServer": [health("normal"), health("abnormal", 81)]}
        },
    )
    assert slb.health(GROUP) == {OLD.key: {"tcp:80": Verdict.NORMAL}}
    assert slb.health(GROUP) == {OLD.key: {"tcp:80": Verdict.NORMAL}}
    assert scripted.actions()[2:] == ["DescribeHealthStatus"] * 2
    assert scripted.calls[2][1] == {"LoadBalancerId": "lb-1"}


def test_health_is_not_asked_where_nothing_checks() -> None:
    slb, _ = slb_of(DescribeVServerGroups=groups(), DescribeLoadBalancerListeners={"Listeners": []})
    assert slb.health(GROUP) == {OLD.key: {}}


def test_health_that_cannot_be_read_is_no_health() -> None:
    slb, _ = slb_of(
        DescribeVServerGroups=groups((80, "tcp")),
        DescribeLoadBalancerListeners={"Listeners": [listener(80, "tcp")]},
        DescribeHealthStatus={"BackendServers": {"BackendServer": [{"ServerId": "i-old"}]}},
    )
    with pytest.raises(CallFailed) as caught:
        slb.health(GROUP)
    assert caught.value.answer.result is Result.UNKNOWN


@pytest.mark.parametrize(("result", "listeners_read"), [(Result.PERMANENT, 2), (Result.THROTTLED, 1)])
def test_once_health_was_refused_the_listeners_are_read_again(result: Result, listeners_read: int) -> None:
    slb, scripted = slb_of(
        DescribeVServerGroups=groups((80, "tcp")),
        DescribeLoadBalancerListeners={"Listeners": [listener(80, "tcp")]},
        DescribeHealthStatus=failed(result),
    )
    for _ in range(2):
        with pytest.raises(CallFailed):
            slb.health(GROUP)
    assert scripted.actions().count("DescribeLoadBalancerListeners") == listeners_read


def test_an_address_that_the_api_spells_otherwise_is_the_same_and_is_written_as_the_api_spells_it() -> None:
    row = {"ServerId": "eni-1", "Port": 80, "Weight": 100, "Type": "eni", "ServerIp": "2001:DB8::10"}
    answer = {**attribute(), "BackendServers": {"BackendServer": [row]}}
    slb, scripted = slb_of(DescribeVServerGroupAttribute=answer, RemoveVServerGroupBackendServers={})
    group = slb.group("rsp-1")
    assert [Key("eni-1", 80, "2001:db8::10")] == list(group.backends)
    slb.do(group, Remove(tuple(group.backends.values())))
    assert "2001:DB8::10" in scripted.calls[-1][1]["BackendServers"]
