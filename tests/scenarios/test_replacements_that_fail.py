"""While the servers that a scaling group wants do not serve, those that it lets go are kept."""

from __future__ import annotations

import pytest

from tests.scenarios.world import here
from tests.support.deliveries import scaled_in, scaled_out, timer

OURS = "#slb-swap/web"


def marked(servers: str) -> str:
    return " ".join(server + OURS for server in servers.split())


def test_timers_do_not_take_out_one_server_after_the_other_while_their_replacements_fail() -> None:
    world = here(
        marked("i-1 i-2 i-3 i-4 i-6 i-7 i-8 i-9"),
        "i-1=leaving i-2=leaving i-3=leaving i-4=leaving i-6 i-7 i-8 i-9",
        sick="i-6 i-7 i-8 i-9",
    )
    for _ in range(4):
        told = world.deliver(timer())
        world.clock.sleep(300)
    assert set(told.refused().values()) == {"max_unavailable"}
    assert len({"i-1", "i-2", "i-3", "i-4"} & {*world.servers()}) == 3
    for one in ("i-6", "i-7", "i-8", "i-9"):
        world.health(one, "normal")
    for _ in range(3):
        world.deliver(timer())
    assert world.servers() == ["i-6", "i-7", "i-8", "i-9"]


def test_a_new_server_takes_the_place_of_one_old_server_however_often_it_is_said_to_have_come() -> None:
    world = here(
        marked("i-1 i-2 i-4 i-5 i-6"),
        "i-1=leaving i-2=leaving i-4 i-5 i-6",
        sick="i-5",
        policy={"max_unavailable": 0},
    )
    for _ in range(3):
        world.deliver(scaled_out("i-5 i-4"))
        world.clock.sleep(300)
    assert len(world.servers()) == 4
    world.health("i-5", "normal")
    world.deliver(scaled_out("i-5 i-4"))
    assert world.servers() == ["i-4", "i-5", "i-6"]


@pytest.mark.parametrize("message", [scaled_in("i-1"), timer()])
def test_servers_that_a_run_cut_off_has_put_in_replace_nothing_before_their_first_check(
    message: object,
) -> None:
    listed = "i-1=leaving i-2=leaving i-8 i-9"
    world = here("i-1 i-2 " + marked("i-8 i-9"), listed)
    for one in ("i-8", "i-9"):
        world.health(one, "unavailable")
    world.deliver(message)
    assert world.servers() == ["i-1", "i-2", "i-8", "i-9"]
    for one in ("i-8", "i-9"):
        world.health(one, "normal")
    for _ in range(2):
        world.deliver(timer())
    assert world.servers() == ["i-8", "i-9"]


def test_a_request_takes_out_nobody_for_a_server_of_ours_before_its_first_check() -> None:
    world = here("i-1 " + marked("i-9"))
    world.health("i-9", "unavailable")
    told = world.request(terminated=["i-1"])
    assert (told.refused(), world.servers()) == ({"i-1": "min_backends"}, ["i-1", "i-9"])
