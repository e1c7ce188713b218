"""The timer reconciles every target, or those that its payload names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.model.values import Intent, Scope
from handler.triggers.reading import read
from tests.support.triggers import deliver, target

A, B, OFF = target("a"), target("b"), target("off", mode="off")


def timer(*payload: object) -> dict[str, object]:
    event: dict[str, object] = {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "timer-trigger"}
    return {**event, "payload": payload[0]} if payload else event


@pytest.mark.parametrize(
    "payload",
    [
        (),
        ("",),
        (" ",),
        (None,),
        ("awesome-fc",),
        ("web",),
        ("{",),
        ("[" * 100_000,),
        ("null",),
        ("{}",),
        ({},),
    ],
)
def test_text_that_is_no_json_or_nothing_means_all_targets(payload: tuple[object, ...]) -> None:
    found = deliver(timer(*payload), A, B, OFF)
    assert found.intents == (
        Intent("a", "timer", (), Scope.RECONCILE),
        Intent("b", "timer", (), Scope.RECONCILE),
    )
    assert [one.reason for one in found.ignored] == ["target_off"]
    assert (found.rejected, found.trigger, found.http) == ((), "timer", False)


EXPECTED = 'expected {"targets": ["NAME"]}, or an empty payload for all targets'


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"target": "web"}, f"payload: unknown field 'target', did you mean targets?; {EXPECTED}"),
        ({"Targets": ["a"]}, f"payload: unknown field 'Targets', did you mean targets?; {EXPECTED}"),
        ({"targets": ["a"], "more": 1}, f"payload: unknown field 'more'; {EXPECTED}"),
        ({"targets": []}, f"payload.targets: expected at least one name, got none; {EXPECTED}"),
        ({"targets": "web"}, f"payload.targets: expected a list of names, got text; {EXPECTED}"),
        ({"targets": {"a": 1}}, f"payload.targets: expected a list of names, got an object; {EXPECTED}"),
        ({"targets": None}, f"payload.targets: expected a list of names, got null; {EXPECTED}"),
        (["a"], f"payload: {EXPECTED}; got a list"),
        ([], f"payload: {EXPECTED}; got a list"),
        (5, f"payload: {EXPECTED}; got a number"),
        (10**400, f"payload: {EXPECTED}; got a number"),
        (True, f"payload: {EXPECTED}; got true or false"),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_json_that_is_not_ours_is_rejected_with_what_was_expected(
    payload: object, said: str, as_text: bool
) -> None:
    if payload == 10**400 and not as_text:
        return
    found = deliver(timer(json.dumps(payload) if as_text else payload), A, B)
    assert ([one.reason for one in found.rejected], found.intents, found.ignored) == ([said], (), ())


def test_json_text_in_json_text_is_not_ours() -> None:
    (rejected,) = deliver(timer(json.dumps(json.dumps({"targets": ["a"]}))), A, B).rejected
    assert rejected.reason == f"payload: {EXPECTED}; got text"


@given(st.text())
def test_any_text_means_all_or_is_json(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    found = deliver(timer(text), A, B)
    assert bool(found.rejected) == (value is not None and value != {})
    assert len(found.intents) == (0 if found.rejected else 2)


@pytest.mark.parametrize("as_text", [True, False])
def test_payload_may_name_targets(as_text: bool) -> None:
    payload = {"targets": ["rsp-b", "b"]}
    found = deliver(timer(json.dumps(payload) if as_text else payload), A, B)
    assert [one.target for one in found.intents] == ["b"]


def test_unknown_name_is_rejected_with_the_nearest_and_the_known_ones_run() -> None:
    found = deliver(timer('{"targets": ["webb", "b", 5, "a", "", "sgp-1"]}'), A, B, target("web"))
    assert [one.target for one in found.intents] == ["b", "a"]
    assert [one.reason.partition(":")[0] for one in found.rejected] == [
        f"payload.targets[{at}]" for at in (0, 2, 4, 5)
    ]
    webb, five, empty, foreign = (one.reason for one in found.rejected)
    assert webb.endswith("did you mean web?")
    assert five.endswith("expected a target's name, got a number")
    assert "expected the name of a target" in empty
    assert "server group of an ALB or NLB" in foreign


def test_only_unknown_names_run_nothing() -> None:
    found = deliver(timer('{"targets": ["nobody"]}'), A, B)
    assert (found.intents, found.ignored, len(found.rejected)) == ((), (), 1)


def test_named_target_that_is_off_is_told() -> None:
    found = deliver(timer('{"targets": ["off"]}'), A, OFF)
    assert (found.intents, [one.reason for one in found.ignored]) == ((), ["target_off"])


def test_no_target_at_all_is_told() -> None:
    event = json.dumps(timer()).encode()
    found = read(event, targets=(), region="", now=0, secrets=())
    assert [one.reason for one in found.ignored] == ["no_target"]
