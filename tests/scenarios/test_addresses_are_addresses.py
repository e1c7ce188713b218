"""A request spells an address as it likes; the backend that has it is the one that is meant."""

from __future__ import annotations

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import scaled_in
from tests.support.level_b import World


@pytest.mark.parametrize("spelt", ["2001:db8::10", "2001:DB8::10", "2001:0db8:0000:0000:0000:0000:0000:0010"])
def test_old_one_is_found_and_new_one_is_put_in_however_their_addresses_are_spelt(spelt: str) -> None:
    world = World("eni-a@2001:db8::10 i-2 i-3", fresh="eni-z")
    told = world.request(
        terminated=[{"server_id": "eni-a", "server_ip": spelt}],
        launched=[{"server_id": "eni-z", "server_ip": spelt.replace("10", "20")}],
    )
    assert told.outcome == "applied"
    assert [(one["server_id"], one["server_ip"]) for one in world.backends()] == [
        ("i-2", None),
        ("i-3", None),
        ("eni-z", "2001:db8::20"),
    ]


def test_an_address_that_cannot_be_is_rejected_with_its_path_before_any_call() -> None:
    world = World("i-1 i-2")
    told = world.request(launched=[{"server_id": "eni-z", "server_ip": "10.0.0.256"}])
    assert (told.outcome, told.status) == ("rejected", 400)
    assert told.reason == "the request: $.launched[0].server_ip: expected an IPv4 or IPv6 address"
    assert world.timeline == []


@pytest.mark.parametrize("listed", ["eci-1=leaving eci-2 eci-5", "eci-2 eci-5"])
def test_who_leaves_goes_though_nobody_knows_the_address_of_who_comes(listed: str) -> None:
    world = here("eci-1@10.0.0.1#slb-swap/web eci-2@10.0.0.2 eci-3@10.0.0.3", listed, sick="eci-1")
    told = world.deliver(scaled_in("eci-1"))
    assert (told.outcome, told.refused()) == ("partial", {"eci-5": "server_ip_missing"})
    assert world.servers() == ["eci-2", "eci-3"]
