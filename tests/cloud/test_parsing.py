"""Answers in every shape that the documents show, and in shapes that no document shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler.cloud import parsing
from handler.cloud.parsing import Malformed
from handler.core.model.values import Backend, Key

ONE = {"ServerId": "i-1", "Port": 80, "Weight": 100, "Type": "ecs", "Description": "x"}
BACKEND = Backend(Key("i-1", 80), 100, "ecs", "x")


@pytest.mark.parametrize(
    "raw",
    [
        b' {"a": 1} ',
        b'{"a": "\\ud83d"}',
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"{",
        b"",
    ],
)
def test_an_answer_is_what_json_takes_it_for(raw: bytes) -> None:
    try:
        expected = json.loads(raw)
    except ValueError:
        expected = None
    assert repr(parsing.parsed(raw)) == repr(expected)


@pytest.mark.parametrize(
    "answer",
    [
        {"BackendServers": {"BackendServer": [ONE]}},
        {"BackendServers": {"BackendServer": ONE}},
        {"BackendServers": [ONE]},
        {"BackendServers": ONE},
        {"BackendServers": {"BackendServer": [{**ONE, "Port": "80", "Weight": "100"}]}},
        {"BackendServers": {"BackendServer": [{**ONE, "Type": "ECS", "ServerIp": "10.0.0.1"}]}},
        {
            "BackendServers": {
                "BackendServer": [{k: v for k, v in ONE.items() if k not in {"Type", "Weight"}}]
            }
        },
    ],
)
def test_a_backend_in_each_documented_shape(answer: dict[str, Any]) -> None:
    assert parsing.backends(answer) == {BACKEND.key: BACKEND}


@pytest.mark.parametrize(
    "answer",
    [{}, {"BackendServers": None}, {"BackendServers": ""}, {"BackendServers": {}}, {"BackendServers": []}]
    + [{"BackendServers": {"BackendServer": empty}} for empty in ([], None, "", {})],
)
def test_an_empty_list_in_each_shape(answer: dict[str, Any]) -> None:
    assert parsing.backends(answer) == {}


@pytest.mark.parametrize(
    "servers",
    [
        5,
        0,
        "i-1",
        [5],
        [ONE, ONE],
        *(
            [{**ONE, **wrong}]
            for wrong in (
                {"ServerId": None},
                {"ServerId": ""},
                {"ServerId": 7},
                {"Port": 0},
                {"Port": 65536},
                {"Port": "eighty"},
                {"Port": None},
                {"Port": True},
                {"Port": 80.5},
                {"Weight": 101},
                {"Weight": -1},
                {"Weight": "-1"},
                {"Type": "lambda"},
            )
        ),
    ],
)
def test_a_malformed_list_is_never_taken_for_an_empty_one(servers: Any) -> None:
    with pytest.raises(Malformed):
        parsing.backends({"BackendServers": {"BackendServer": servers}})


@pytest.mark.parametrize("outer", [5, "x", 0, False, {"Other": []}])
def test_nor_is_a_list_that_stands_in_something_else(outer: Any) -> None:
    with pytest.raises(Malformed):
        parsing.backends({"BackendServers": outer})


@pytest.mark.parametrize(
    ("row", "key", "type_"),
    [
        ({"ServerId": "eni-1", "Port": 80, "ServerIp": "10.0.0.1"}, Key("eni-1", 80, "10.0.0.1"), "eni"),
        (
            {"ServerId": "eci-1", "Port": 80, "Type": "eci", "ServerIp": "10.0.0.2"},
            Key("eci-1", 80, "10.0.0.2"),
            "eci",
        ),
        ({"ServerId": "eni-1", "Port": 80, "Type": "eni", "ServerIp": ""}, Key("eni-1", 80, None), "eni"),
        ({"ServerId": "vm-1", "Port": 80}, Key("vm-1", 80, None), "ecs"),
    ],
)
def test_only_what_has_an_address_of_its_own_is_known_by_it(
    row: dict[str, Any], key: Key, type_: str
) -> None:
    (backend,) = parsing.backends({"BackendServers": [row]}).values()
    assert (backend.key, backend.type, backend.weight, backend.description) == (key, type_, 100, "")


def test_a_group_keeps_the_order_of_its_backends() -> None:
    rows = [{"ServerId": f"i-{n}", "Port": 80} for n in (3, 1, 2)]
    group = parsing.group(
        {"VServerGroupId": "rsp-1", "LoadBalancerId": "lb-1", "BackendServers": rows}, "rsp-1"
    )
    assert [key.server_id for key in group.backends] == ["i-3", "i-1", "i-2"]
    assert (group.id, group.load_balancer_id) == ("rsp-1", "lb-1")


@pytest.mark.parametrize(
    "answer", [{}, {"VServerGroupId": "rsp-2", "LoadBalancerId": "lb-1"}, {"VServerGroupId": "rsp-1"}]
)
def test_half_an_answer_is_no_empty_group(answer: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parsing.group(answer, "rsp-1")


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"Ids": {"Id": ["a", "b"]}}, ["a", "b"]),
        ({"Ids": {"Id": "a"}}, ["a"]),
        ({"Ids": ["a"]}, ["a"]),
        ({"Ids": {}}, []),
        ({}, []),
    ],
)
def test_strings_in_each_shape(answer: dict[str, Any], ids: list[str]) -> None:
    assert parsing.texts(answer, "Ids", "Id") == ids


def test_strings_that_are_none() -> None:
    with pytest.raises(Malformed):
        parsing.texts({"Ids": {"Id": [1]}}, "Ids", "Id")


def test_only_an_object_is_an_envelope() -> None:
    assert parsing.opened("Do", {"DoResponse": "x"}) == {"DoResponse": "x"}
