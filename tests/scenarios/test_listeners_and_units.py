"""Capacity is what a listener would send requests to, and counts by address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.world import here
from tests.support.level_b import World

ALL, NEW = "i-1 i-2 i-3 i-4", "n-1 n-2 n-3 n-4"
FOUR = {"terminated": ALL.split(), "launched": NEW.split()}


def two_listeners(world: World) -> World:
    """The group is used by port 443, too."""

    def add(state: dict[str, Any]) -> None:
        (balancer,) = state["load_balancers"]
        balancer["listeners"].append({**balancer["listeners"][0], "port": 443, "protocol": "https"})

    world.edit(add)
    return world


def on_443(world: World, *servers: str) -> None:
    for server in servers:
        world.change(server, health_by_listener={"443": "abnormal"})


def test_a_check_that_is_set_up_wrongly_does_not_make_servers_free_to_replace() -> None:
    how = {"max_unavailable": 1, "min_backends": 3}
    world = two_listeners(here(ALL, fresh=NEW, policy=how))
    on_443(world, *ALL.split(), *NEW.split())
    told = world.request(FOUR)
    assert (told.outcome, world.servers()) == ("applied", NEW.split())
    assert "listener_never_healthy: https:443" in told.of()["reason"]
    for one in world.history():
        assert sum(backend["weight"] > 0 for backend in one["backends"]) >= 3


def test_a_new_one_has_to_pass_every_check_that_others_pass() -> None:
    world = two_listeners(here(ALL, fresh="n-1"))
    on_443(world, "n-1")
    told = world.request(terminated=["i-1"], launched=["n-1"])
    assert (told.outcome, world.shown()) == ("rolled_back", ALL)


def test_abnormal_for_one_listener_alone_still_serves_the_other() -> None:
    world = two_listeners(here(ALL, fresh="n-1 n-2 n-3", policy={"max_unavailable": 1}))
    on_443(world, "i-1", "i-2")
    told = world.request(terminated=["i-1", "i-2", "i-3"], launched=["n-1", "n-2", "n-3"])
    assert told.outcome == "applied"
    assert all(len(one["backends"]) >= 3 for one in world.history())


def beside_api(world: World, servers: str, **rule: Any) -> World:
    """The listener has a rule for another group, which has these servers at the same port."""

    def add(state: dict[str, Any]) -> None:
        (balancer,) = state["load_balancers"]
        backends = [{"server_id": server, "port": 8080, "weight": 100} for server in servers.split()]
        balancer["vserver_groups"].append({"vserver_group_id": "rsp-api", "backends": backends})
        rules = [{"rule_id": "rule-1", "vserver_group_id": "rsp-api", "url": "/api", **rule}]
        balancer["listeners"][0]["rules"] = rules

    world.edit(add)
    return world


@pytest.mark.parametrize("name", ["web", "surge"])
@pytest.mark.parametrize("elsewhere", ["", NEW])
def test_a_new_one_is_not_proven_by_the_check_of_another_group(name: str, elsewhere: str) -> None:
    readings = {"fresh_health": 5, "used_before_check": False}
    world = beside_api(here(ALL, fresh=NEW, name=name, readings=readings), elsewhere)
    assert world.request(FOUR).outcome == "applied"
    assert world.servers() == NEW.split()
    assert world.lowest() >= 3


def test_a_check_of_another_group_that_fails_does_not_make_servers_free_to_replace() -> None:
    world = beside_api(here(ALL, fresh=NEW, readings={"fresh_health": 3}), ALL, listener_sync=False)

    def rule_fails(action: str, answer: Any) -> Any:
        if action == "DescribeHealthStatus":
            seen = set()
            for row in answer["BackendServers"]["BackendServer"]:
                at = row["ServerId"], row["Port"], row["ListenerPort"]
                if at in seen:
                    row["ServerHealthStatus"] = "abnormal"
                seen.add(at)
        return answer

    world.on_answer = rule_fails
    assert world.request(FOUR).outcome == "applied"
    assert (world.servers(), world.lowest()) == (NEW.split(), 3)


def test_a_rule_of_another_group_that_checks_nothing_keeps_nobody_from_being_proven() -> None:
    world = beside_api(here(ALL, fresh=NEW), f"{ALL} {NEW}", listener_sync=False, health_check=False)
    assert world.request(FOUR).outcome == "applied"
    assert (world.servers(), world.lowest()) == (NEW.split(), 3)


def test_nor_does_it_let_the_check_of_a_third_group_prove_anybody() -> None:
    readings = {"fresh_health": 5, "used_before_check": False}
    world = beside_api(here(ALL, fresh=NEW, readings=readings), NEW)

    def turn(state: dict[str, Any]) -> None:
        """The listener sends to the other group, and by two rules to ours; one of them checks nothing."""
        listener = state["load_balancers"][0]["listeners"][0]
        listener["vserver_group_id"], ours = "rsp-api", listener["vserver_group_id"]
        rule = {"vserver_group_id": ours, "listener_sync": False}
        listener["rules"] = [
            {**rule, "rule_id": "rule-1", "url": "/a"},
            {**rule, "rule_id": "rule-2", "url": "/b", "health_check": False},
        ]

    world.edit(turn)
    assert world.request(FOUR).outcome == "applied"
    assert (world.servers(), world.lowest()) == (NEW.split(), 3)


def test_a_server_that_fails_is_not_in_service_for_a_row_that_shows_nothing() -> None:
    world = beside_api(here(ALL, fresh="n-1", readings={"weight0_checked": False}), "")

    def drained(state: dict[str, Any]) -> None:
        (*_, api) = state["load_balancers"][0]["vserver_groups"]
        api["backends"] = [{"server_id": "i-1", "port": 8080, "weight": 0}]

    world.edit(drained)
    for server in ("i-1", "i-2", "i-3"):
        world.health(server, "abnormal")
    told = world.request(terminated=["i-4"], launched=[])
    assert (told.outcome, world.servers()) == ("refused", ALL.split())


TEN = " ".join(f"eni-1@10.0.0.{n}" for n in range(1, 11))


@pytest.mark.parametrize(("count", "outcome"), [(9, "refused"), (3, "refused"), (2, "applied")])
def test_ten_addresses_of_one_eni_are_ten_units(count: int, outcome: str) -> None:
    world = here(TEN)
    told = world.request(
        terminated=[{"server_id": "eni-1", "server_ip": f"10.0.0.{n}"} for n in range(1, count + 1)]
    )
    assert (told.outcome, len(world.backends())) == (outcome, 10 if outcome == "refused" else 8)


def test_a_pair_that_brings_fewer_units_is_refused_as_a_whole() -> None:
    world = here(TEN, fresh="eni-2")
    told = world.request(
        terminated=["eni-1"],
        launched=[{"server_id": "eni-2", "server_ip": "10.0.1.1"}],
        pairs=[["eni-1", "eni-2"]],
    )
    assert (told.outcome, world.writes(), len(world.backends())) == ("refused", [], 10)


def test_ports_are_no_units() -> None:
    world = here("i-1:80 i-1:81 i-2:80 i-2:81 i-3:80 i-3:81 i-4:80 i-4:81")
    told = world.request(
        terminated=[{"server_id": f"i-{n}", "port": 80} for n in (1, 2, 3)], force=["max_removed"]
    )
    assert told.outcome == "applied"


def test_every_entry_of_a_request_is_in_afterwards() -> None:
    world = here("i-1 i-2", fresh="eni-9")
    told = world.request(
        launched=[
            {"server_id": "eni-9", "server_ip": "10.0.0.8"},
            {"server_id": "eni-9", "server_ip": "10.0.0.9", "port": 81},
            {"server_id": "eni-9", "server_ip": "10.0.0.9", "port": 82},
        ]
    )
    assert told.outcome == "applied"
    there = {(b["server_ip"], b["port"]) for b in world.backends() if b["server_id"] == "eni-9"}
    assert there == {("10.0.0.8", 8080), ("10.0.0.9", 81), ("10.0.0.9", 82)}


EIGHT = " ".join(f"i-{n}" for n in range(8))


@pytest.mark.parametrize(("count", "outcome"), [(4, "refused"), (3, "refused"), (2, "applied")])
def test_weight_0_for_half_of_a_group_is_done_whole_or_not_at_all(count: int, outcome: str) -> None:
    world = here(EIGHT)
    told = world.request(launched=[{"server_id": f"i-{n}", "weight": 0} for n in range(count)])
    idle = sum(one["weight"] == 0 for one in world.backends())
    assert (told.outcome, idle) == (outcome, 0 if outcome == "refused" else count)
    assert world.lowest() >= 6


MANY = " ".join(f"i-{n:03}" for n in range(100))
MANY_NEW = " ".join(f"n-{n:03}" for n in range(100))


def test_a_wave_is_as_large_as_the_floor_allows_in_several_calls() -> None:
    world = here(MANY, fresh=MANY_NEW, policy={"max_unavailable": "50%"})
    told = world.request(terminated=MANY.split(), launched=MANY_NEW.split())
    assert (told.outcome, world.servers()) == ("applied", MANY_NEW.split())
    assert world.lowest() >= 50
    times = [at for at, action in world.timeline if action.startswith("Modify")]
    assert 5 <= len(times) <= 8


def test_a_bad_build_stops_at_its_first_wave() -> None:
    world = here(MANY, fresh=MANY_NEW, sick=MANY_NEW)
    told = world.request(terminated=MANY.split(), launched=MANY_NEW.split())
    assert (told.outcome, world.servers()) == ("rolled_back", MANY.split())
    tried = {b["server_id"] for one in world.history() for b in one["backends"]} - set(MANY.split())
    assert len(tried) <= 25


def test_under_surge_a_full_load_balancer_ends_the_wave_and_what_is_out_makes_room() -> None:
    world = here(ALL, fresh=NEW, quota=5, policy={"strategy": "surge", "max_unavailable": 1})
    told = world.request(FOUR)
    assert (told.outcome, world.servers()) == ("applied", NEW.split())
    assert world.lowest() >= 4, "it never falls below what was there while it may surge"


def test_a_listener_that_sends_some_requests_unchecked_has_every_server_in_service() -> None:
    world = here(ALL, fresh=NEW)

    def change(state: dict[str, Any]) -> None:
        (listener,) = state["load_balancers"][0]["listeners"]
        rule = {"rule_id": "rule-1", "vserver_group_id": "rsp-web", "url": "/a", "listener_sync": False}
        listener.update(health_check=False, rules=[rule])

    world.edit(change)
    for server in (*ALL.split(), *NEW.split()):
        world.health(server, "abnormal")
    assert (world.request(FOUR).outcome, world.servers()) == ("rolled_back", ALL.split())
    assert all(len(one["backends"]) >= 3 for one in world.history())
    assert world.request(terminated=["i-1", "i-2"], launched=[]).outcome == "refused"


def test_a_new_one_that_fails_one_check_goes_though_another_server_fails_meanwhile() -> None:
    world = two_listeners(here(ALL, fresh="n-1"))
    on_443(world, "n-1")
    began = world.clock.at

    def fail(action: str) -> None:
        if action == "DescribeHealthStatus" and world.clock.at > began + 60:
            world.health("i-4", "abnormal")

    world.on_call = fail
    assert world.request(pairs=[["i-1", "n-1"]]).outcome == "rolled_back"
    assert world.servers() == ALL.split()


def test_a_new_one_that_another_check_fails_stays_where_nothing_else_serves() -> None:
    world = beside_api(here("i-1=0", fresh="n-1"), "n-1", listener_sync=False)
    world.change("n-1", health_by_group={"rsp-api": "abnormal"})
    told = world.request(pairs=[["i-1", "n-1"]])
    assert (told.outcome, told.reason, world.servers()) == ("raised", "not_healthy", ["i-1", "n-1"])
