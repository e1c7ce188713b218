"""The timer reconciles every target, or those that its payload names."""

from __future__ import annotations

import json

import pytest
from delivery_support import deliver, target

from handler.core.model.values import Intent, Scope
from handler.triggers.reading import read

A, B, OFF = target("a"), target("b"), target("off", mode="off")


def timer(*payload: object) -> dict[str, object]:
    event: dict[str, object] = {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "timer-trigger"}
    return {**event, "payload": payload[0]} if payload else event


@pytest.mark.parametrize(
    "payload",
    [
        (),
        ("",),
        (None,),
        ("awesome-fc",),
        ("{",),
        ("[" * 100_000,),
        ("{}",),
        ("[]",),
        ('{"targets": []}',),
        ('{"targets": "a"}',),
        ('{"targets": {"a": 1}}',),
        (5,),
    ],
)
def test_anything_else_means_all(payload: tuple[object, ...]) -> None:
    found = deliver(timer(*payload), A, B, OFF)
    assert found.intents == (
        Intent("a", "timer", (), Scope.RECONCILE),
        Intent("b", "timer", (), Scope.RECONCILE),
    )
    assert [one.reason for one in found.ignored] == ["target_off"]
    assert (found.rejected, found.trigger, found.http) == ((), "timer", False)


@pytest.mark.parametrize("as_text", [True, False])
def test_payload_may_name_targets(as_text: bool) -> None:
    payload = {"targets": ["rsp-b", "b"], "more": 1}
    found = deliver(timer(json.dumps(payload) if as_text else payload), A, B)
    assert [one.target for one in found.intents] == ["b"]


def test_unknown_name_is_rejected_and_the_known_ones_run() -> None:
    found = deliver(timer('{"targets": ["nobody", "b", 5, "a"]}'), A, B)
    assert [one.target for one in found.intents] == ["b", "a"]
    assert ["'nobody'" in one.reason for one in found.rejected] == [True, False]


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
