"""The new build is bad: the result carries the request that undoes it; signed and sent, it does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support.deliveries import timer

ROW = 31
REQUESTS: dict[str, dict[str, Any]] = {
    "pairs": {"pairs": [["i-1", "i-5"], ["i-2", "i-6"]]},
    "added": {"launched": ["i-5", "i-6"]},
    "removed": {"terminated": ["i-1"]},
    "one to another port": {"terminated": ["i-1"], "launched": [{"server_id": "i-5", "port": 9090}]},
    "weights": {"pairs": [["i-3", "i-5"]]},
    "more than one": {"terminated": ["i-1"], "launched": ["i-5", "i-6"]},
}
BEGIN = "i-1#blue i-2 i-3:8080=70 i-3:9090=30 i-4"


def undone(make: Make, request: str, name: str, **state: Any) -> None:
    world = make(BEGIN, name=name, fresh="i-5 i-6", **state)
    before = sorted(world.backends(), key=str)
    told = world.request(REQUESTS[request])
    assert told.outcome == "applied"
    reverse = told.of()["reverse"]
    assert reverse["target"] == name
    back = world.request(reverse)
    assert back.outcome == "applied", back.refused()
    assert sorted(world.backends(), key=str) == before
    assert world.lowest() >= 3


@pytest.mark.parametrize("request_", REQUESTS)
def test_it_undoes(request_: str, readings: dict[str, Any]) -> None:
    undone(here, request_, "web", readings=readings)


@pytest.mark.parametrize("name", ["surge", "drain"])
@pytest.mark.parametrize("request_", REQUESTS)
def test_it_undoes_by_other_strategies(request_: str, name: str) -> None:
    undone(here, request_, name)


@pytest.mark.parametrize(
    ("of", "request_", "fresh"),
    [
        (
            "i-1 i-2 i-3",
            {
                "terminated": [{"server_id": "i-1", "port": 8080}],
                "launched": [{"server_id": "i-1", "port": 9090}],
            },
            "",
        ),
        (
            "eni-1@10.0.0.1 i-2 i-3",
            {
                "terminated": [{"server_id": "eni-1", "server_ip": "10.0.0.1"}],
                "launched": [{"server_id": "eni-1", "server_ip": "10.0.0.2"}],
            },
            "",
        ),
        (
            "eni-1@10.0.0.1 eni-1@10.0.0.2 i-2 i-3",
            {"terminated": ["eni-1"], "launched": ["i-5", "i-6"]},
            "i-5 i-6",
        ),
    ],
    ids=["a server's port", "an address", "a server of two addresses"],
)
def test_it_undoes_what_changed_in_one_server(of: str, request_: dict[str, Any], fresh: str) -> None:
    world = here(of, fresh=fresh)
    before = sorted(world.backends(), key=str)
    told = world.request(request_)
    assert told.outcome == "applied"
    back = world.request(told.of()["reverse"])
    assert back.outcome == "applied", back.reason
    assert sorted(world.backends(), key=str) == before


def test_it_undoes_what_the_timer_did(readings: dict[str, Any]) -> None:
    world = here("i-1#slb-swap/web i-2 i-3", "i-2 i-3 i-4", readings=readings)
    told = world.deliver(timer())
    assert told.outcome == "applied"
    back = world.request(told.of()["reverse"])
    assert back.outcome == "applied", back.refused()
    assert world.servers() == ["i-1", "i-2", "i-3"]


def test_it_runs_under_the_same_guards(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="i-5", readings=readings)
    told = world.request(pairs=[["i-1", "i-5"]])
    world.health("i-1", "abnormal")
    back = world.request(told.of()["reverse"])
    assert back.outcome == "rolled_back"  # the old build is no better: nothing serving is given up for it
    assert world.servers() == ["i-2", "i-3", "i-4", "i-5"]


def test_it_undoes_over_http(there: Make) -> None:
    undone(there, "pairs", "web")


def test_what_an_earlier_run_drained_comes_back_with_its_weight() -> None:
    world = here("i-1 i-2 i-3 i-4", fresh="n-1 n-2 n-3", policy={"drain_s": 5, "max_unavailable": 3})
    world.faults({"action": "ModifyVServerGroupBackendServers", "effect": "kill", "times": 1})
    pairs = [["i-1", "n-1"], ["i-2", "n-2"], ["i-3", "n-3"]]
    assert world.request(pairs=pairs).killed
    told = world.request(pairs=pairs)
    assert (told.outcome, told.of()["reverse"]["force"]) == ("applied", [])
    assert world.request(told.of()["reverse"]).outcome == "applied"
    assert [one["weight"] for one in world.backends()] == [100] * 4


def test_servers_launched_at_weight_0_can_be_taken_out_again() -> None:
    world = here("i-1 i-2", fresh="i-7 i-8 i-9")
    told = world.request(launched=[{"server_id": one, "weight": 0} for one in ("i-7", "i-8", "i-9")])
    assert told.of()["reverse"]["force"] == ["max_removed"]
    assert (world.request(told.of()["reverse"]).outcome, world.servers()) == ("applied", ["i-1", "i-2"])
