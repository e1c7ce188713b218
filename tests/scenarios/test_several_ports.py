"""One server on several ports with different weights: port, weight and description carry over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here

ROW = 22


def carried_over(make: Make, name: str, **state: Any) -> None:
    world = make("i-1:8080=70#blue i-1:9090=30#admin i-2 i-3 i-4 i-5", name=name, fresh="i-6", **state)
    told = world.request(pairs=[["i-1", "i-6"]])
    assert (told.outcome, sorted(told.pairs())) == ("applied", [("i-1", "i-6")] * 2)
    rows = {one["port"]: one for one in world.backends() if one["server_id"] == "i-6"}
    assert {port: (one["weight"], one["description"]) for port, one in rows.items()} == {
        8080: (70, "blue"),
        9090: (30, "admin"),
    }
    assert "i-1" not in world.servers()
    assert world.lowest() >= 4


@pytest.mark.parametrize("name", ["web", "surge", "drain"])
def test_they_carry_over(name: str, readings: dict[str, Any]) -> None:
    carried_over(here, name, readings=readings)


def test_weight_0_is_never_handed_on(readings: dict[str, Any]) -> None:
    world = here("i-1:8080=0 i-1:9090=30 i-2=60 i-3=60 i-4=60", fresh="i-6", readings=readings)
    told = world.request(pairs=[["i-1", "i-6"]])
    assert told.outcome == "applied"
    rows = {one["port"]: one["weight"] for one in world.backends() if one["server_id"] == "i-6"}
    assert rows == {8080: 60, 9090: 30}
    assert "weight_0_not_handed_on" in told.reason


def test_a_server_with_two_addresses(readings: dict[str, Any]) -> None:
    group = "eni-1@10.0.0.1=70 eni-1@10.0.0.2=30 i-2 i-3 i-4"
    world = here(group, fresh="eni-5", readings=readings)
    told = world.request(
        terminated=[{"server_id": "eni-1", "port": 8080, "server_ip": "10.0.0.1"}],
        launched=[{"server_id": "eni-5", "port": 8080, "server_ip": "10.0.0.5"}],
    )
    assert told.outcome == "applied"
    found = {(one["server_id"], one["server_ip"], one["weight"]) for one in world.backends()}
    assert {("eni-1", "10.0.0.2", 30), ("eni-5", "10.0.0.5", 70)} < found
    assert len(found) == 5


def test_an_eni_without_an_address_is_refused(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="eni-5 i-6", readings=readings)
    told = world.request(pairs=[["i-1", "eni-5"], ["i-2", "i-6"]])
    assert (told.outcome, told.refused()) == ("partial", {"eni-5": "server_ip_missing"})
    assert world.servers() == ["i-1", "i-3", "i-4", "i-6"]


def test_several_ports_over_http(there: Make) -> None:
    carried_over(there, "web")
