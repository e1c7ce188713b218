"""What is wrong with a request is said in words: field, what was expected, the nearest right thing."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.triggers import deployment, faults
from handler.triggers.messages import Unreadable
from tests.support.triggers import WEB, deliver, http_event, sign_bytes

SERVER = "expected a server's id of 1 to 128 letters, digits and - _ . :"
SERVERS = "expected a list of at most 500 servers, each an id or an object with server_id"
REQUEST = "an object with target, and servers in terminated, launched or pairs"
ENTRY = "server_id, port, weight, type, server_ip, description"


def said(body: object) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (rejected,) = deliver(http_event(raw, sign_bytes(raw), encoded=True)).rejected
    return rejected.reason.removeprefix("the request: ")


def launched(**entry: Any) -> dict[str, Any]:
    return {"target": "web", "launched": [{"server_id": "i-a", **entry}]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", f"empty, expected {REQUEST}"),
        (b" \n", f"empty, expected {REQUEST}"),
        (b'{"target"', "not JSON: it was cut"),
        (
            b'{"target": "web", "launched": ["i-a"], "dry_run": true, "dry_run": false}',
            "'dry_run' is twice in one object",
        ),
        (
            b'{"target": "web", "launched": [{"server_id": "i-a", "port": 1, "port": 2}]}',
            "'port' is twice in one object",
        ),
        (b'{"target": web}', "not JSON: invalid character (byte 11)"),
        (b'{"target": "\xff"}', "not UTF-8"),
        (b'{"strategy": "Surge", "target"', "$.strategy: expected one of swap, surge"),
        (b'{"strategy": "Surge", "strategy": 1}', "$.strategy: expected one of swap, surge"),
        ([], f"expected {REQUEST}, got a list"),
        (None, f"expected {REQUEST}, got null"),
        ({}, "$.target: required"),
        ({"target": "web"}, "expected at least one entry in terminated, launched or pairs"),
        (
            {"target": 5},
            "$.target: expected the name of a target, or the id of its VServer group, up to 128 characters, "
            "got a number",
        ),
        ({"target": "web", "launched": "i-a"}, f"$.launched: {SERVERS}, got text"),
        ({"target": "web", "launched": ["i-a"] * 501}, f"$.launched: {SERVERS}"),
        (
            {"target": "web", "launched": [5]},
            f"$.launched[0]: {SERVER}, or an object with server_id, got a number",
        ),
        ({"target": "web", "launched": [{}]}, "$.launched[0].server_id: required"),
        ({"target": "web", "pairs": [["i-a"]]}, "$.pairs[0]: expected two servers' ids, [old, new]"),
        ({"target": "web", "pairs": [["i-a", ""]]}, f"$.pairs[0][1]: {SERVER}"),
        ({"target": "web", "gone": "yes"}, "$.gone: expected true or false, got text"),
        (
            {"target": "web", "strategy": "Surge"},
            "$.strategy: expected one of swap, surge, did you mean surge?",
        ),
        ({"target": "web", "strategy": 1}, "$.strategy: expected one of swap, surge, got a number"),
        ({"target": "web", "dryrun": True}, "unknown field 'dryrun', did you mean dry_run?"),
        (
            {"target": "web", "launched": ["i-a"], "force": ["min_backend"]},
            "$.force[0]: expected one of min_backends, max_unavailable, max_removed, still_in_service, "
            "did you mean min_backends?",
        ),
        (launched(port=1.5), "$.launched[0].port: expected a port, 1 to 65535, got a number with a fraction"),
        (launched(weight=101), "$.launched[0].weight: expected a weight, 0 to 100"),
        (launched(type="ECS"), "$.launched[0].type: expected one of ecs, eni, eci, did you mean ecs?"),
        (launched(type="vm"), "$.launched[0].type: expected one of ecs, eni, eci"),
        (launched(wieght=5), "$.launched[0]: unknown field 'wieght', did you mean weight?"),
        (launched(ip="::1"), f"$.launched[0]: unknown field 'ip', expected one of {ENTRY}"),
        (
            {"target": "wbe", "launched": ["i-a"]},
            "target: 'wbe' is neither a target's name nor a target's VServer group id, did you mean web?",
        ),
        (
            {"target": "sgp-1", "launched": ["i-a"]},
            "target: 'sgp-1' is a server group of an ALB or NLB: expected the name of a target in "
            "SWAP_TARGETS, or the id of its VServer group (rsp-)",
        ),
    ],
)
def test_a_request_that_is_wrong_is_told_in_words(body: object, expected: str) -> None:
    assert said(body) == expected


@pytest.mark.parametrize(
    "name", ["a` - at `$.foo", "a` - at `$.launched[0]", "`", "a`, got `x", "a\n` - at `$", "x" * 60_000]
)
def test_a_field_may_have_any_name(name: str) -> None:
    assert "unknown field '" in said({"target": "web", name: 1})


GOOD = {
    "target": "web",
    "terminated": ["i-a", {"server_id": "i-b", "port": 80, "weight": 5, "type": "ecs", "description": "x"}],
    "launched": [{"server_id": "eni-c", "server_ip": "10.0.0.1"}],
    "pairs": [["i-a", "eni-c"]],
    "gone": False,
    "dry_run": True,
    "strategy": "swap",
    "force": ["max_removed"],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inner for one in places(part, (*path, key)))]


@given(
    st.sampled_from(places(GOOD)),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.integers()),
)
def test_whatever_stands_in_a_field_the_message_names_the_field_and_has_no_parsers_jargon(
    place: tuple[Any, ...], value: Any
) -> None:
    body = copy.deepcopy(GOOD)
    if place:
        holder: Any = body
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = value
    for read in (
        lambda: deployment.read(json.dumps(body if place else value).encode(), (WEB,), ()),
        lambda: deployment.read_value(body if place else value, (WEB,), ()),
    ):
        try:
            read()
        except Unreadable as error:
            reason = str(error)
            assert not re.search(r"`|regex|\bstr\b|\bint\b|array|Expected|Object", reason), reason
            if place:
                assert (
                    str(next(step for step in place if isinstance(step, str))) in reason or "target" in reason
                )


def test_the_nearest_word_is_found_whatever_its_case_and_none_where_none_is_near() -> None:
    assert faults.nearest("SURGE", ["swap", "surge"]) == ", did you mean surge?"
    assert faults.nearest("blue", ["swap", "surge"]) == ""
    assert faults.nearest(5, ["swap"]) == ""
    assert faults.nearest("s" * 129, ["s" * 128]) == ""


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "text"),
        (1, "a number"),
        (1.5, "a number with a fraction"),
        (True, "true or false"),
        ([], "a list"),
        ({}, "an object"),
        (None, "null"),
    ],
)
def test_kinds_are_those_of_json(value: object, kind: str) -> None:
    assert faults.kind_of(value) == kind
