"""9. More than 20 pairs, and batch 2 of 3 fails: what may pass is raised, no pair is applied twice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.scenarios.world import Make, Remote, here
from tests.support.level_b import World
from tests.support.looks import Told

ROW = 9
MODIFY = "ModifyVServerGroupBackendServers"
COUNT = 45
OLD, NEW = [f"i-o{n}" for n in range(COUNT)], [f"i-n{n}" for n in range(COUNT)]
PAIRS = [list(pair) for pair in zip(OLD, NEW, strict=True)]

#: Ways to fail once, after which the same run finishes.
PASSING: list[dict[str, Any]] = [
    {"error": "BackendServer.configuring"},
    {"error": "Throttling.User"},
    {"error": "InternalError"},
    {"error": "InvalidParameter", "status": 503},
    {"error": "ServiceUnavailable", "status": 503},
    {"error": "ObtainIpFail"},
    {"error": "SignatureNonceUsed"},
    {"effect": "drop_response"},
    {"effect": "reset"},
    {"effect": "garbage"},
]


def many(make: Make, **state: Any) -> World | Remote:
    """45 servers that are gone, and 45 to take their places: three calls."""
    return make(" ".join(OLD), fresh=" ".join(NEW), **state)


def ask(world: World | Remote) -> Told:
    return world.request(pairs=PAIRS, gone=True)


def is_done(world: World | Remote) -> bool:
    return world.servers() == sorted(NEW)


def applied_twice(world: World | Remote) -> list[str]:
    """Old ones that more than one answered Modify took out."""
    named = Counter(
        entry["ServerId"]
        for call in world.calls(MODIFY)
        if call["status"] == 200 and "OldBackendServers" in call["params"]
        for entry in json.loads(call["params"]["OldBackendServers"])
    )
    return [server for server, times in named.items() if times > 1]


def fails_once(make: Make, fault: dict[str, Any], **state: Any) -> None:
    world = many(make, **state)
    world.faults({"action": MODIFY, "nth": 2, **fault})
    told = ask(world)
    assert told.outcome == "applied", told.reason
    assert is_done(world)
    assert applied_twice(world) == []
    assert len(told.pairs()) == COUNT


def fails_for_ever(make: Make, fault: dict[str, Any], **state: Any) -> None:
    """The run is raised with one batch done; the platform's rerun finishes it."""
    world = many(make, **state)
    if isinstance(world, World):
        world.timeout_s = 145
    world.faults({"action": MODIFY, "nth": 2, "times": 10_000, **fault})
    told = ask(world)
    assert (told.outcome, told.status) == ("raised", 503)
    assert len(set(world.servers()) & set(NEW)) == 20
    world.faults()
    assert ask(world).outcome == "applied"
    assert is_done(world)
    assert applied_twice(world) == []


def refused_for_good(make: Make, **state: Any) -> None:
    world = many(make, **state)
    world.faults({"action": MODIFY, "nth": 2, "times": 10_000, "error": "Forbidden.RAM"})
    told = ask(world)
    assert (told.outcome, told.reason, told.status) == ("partial", "Forbidden.RAM", 207)
    assert len(world.servers()) == COUNT
    assert len(set(world.servers()) & set(NEW)) == 20
    sent = [
        call["params"]["NewBackendServers"]
        for call in world.calls(MODIFY)
        if "NewBackendServers" in call["params"]
    ]
    # Halved until a server is alone; after five in a row that are refused alone, the rest is not tried.
    assert [one.count("ServerId") for one in dict.fromkeys(sent)] == [20, 20, 10, 5, 2, 1, 1, 1, 1, 1]
    assert list(told.refused().values()) == ["Forbidden.RAM"] * 5


def _id(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("fault", PASSING, ids=_id)
def test_batch_2_fails_once(fault: dict[str, Any]) -> None:
    fails_once(here, fault)


def test_the_answer_of_batch_2_is_lost(readings: dict[str, Any]) -> None:
    if readings.get("body_params") == "ignored":
        readings = {**readings, "body_params": "accepted"}  # the lost answer was to be the real one's
    fails_once(here, {"effect": "drop_response"}, readings=readings)


@pytest.mark.parametrize(
    "fault", [{"error": "BackendServer.configuring"}, {"error": "Throttling"}, {"effect": "reset"}], ids=_id
)
def test_batch_2_fails_for_as_long_as_it_runs(fault: dict[str, Any]) -> None:
    fails_for_ever(here, fault)


def test_batch_2_is_refused_for_good() -> None:
    refused_for_good(here)


def test_every_batch_is_within_what_one_call_may_carry(readings: dict[str, Any]) -> None:
    world = many(here, readings=readings)
    assert ask(world).outcome == "applied"
    assert is_done(world)
    for call in world.calls(MODIFY):
        old, new = (json.loads(call["params"].get(f"{side}BackendServers", "[]")) for side in ("Old", "New"))
        assert len(old) == len(new) <= 20


def test_batch_2_fails_over_http(there: Make) -> None:
    fails_once(there, {"effect": "drop_response"})
    refused_for_good(there)
