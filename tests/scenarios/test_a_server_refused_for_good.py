"""A server that the role may not touch holds up no other, and its refusal says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.ram import RamPolicy, Statement
from tests.scenarios.world import here
from tests.support.deliveries import hooked, scaled_in, timer
from tests.support.level_b import World
from tests.support.places import hook

OLD, NEW = [f"i-{n}" for n in range(1, 9)], [f"i-n{n}" for n in range(1, 9)]
ADD, MODIFY, REMOVE = (f"{verb}VServerGroupBackendServers" for verb in ("Add", "Modify", "Remove"))
FORBIDDEN = "Forbidden.RAM"


def may_not_touch(world: World, *servers: str) -> None:
    """The role of the function may no longer touch some instances."""
    resources = tuple(f"acs:ecs:*:*:instance/{server}" for server in servers)
    statements = (Statement("Allow", ("*",), ("*",)), Statement("Deny", ("slb:*",), resources))
    world.identity = new_identity("slb-swap/swap", temporary=True, policy=RamPolicy(statements))
    world.gateway = Gateway(world.cloud, Registry(world.identity))
    world.restart()


def sent(world: World) -> list[str]:
    """The writes that differ, without those that only ask again in the query."""
    calls = [call for call in world.calls() if call["action"] in {ADD, MODIFY, REMOVE}]
    said = [json.dumps({k: v for k, v in call["params"].items() if "Servers" in k}) for call in calls]
    return list(dict.fromkeys(one for one in said if one != "{}"))


@pytest.mark.parametrize("strategy", ["swap", "surge"])
@pytest.mark.parametrize("server", ["i-n1", "i-n3", "i-n8", "i-5"])
def test_the_other_replacements_get_in(server: str, strategy: str) -> None:
    how = {"max_unavailable": "50%", "health": {"timeout_s": 20}, "strategy": strategy}
    world = here(" ".join(OLD), fresh=" ".join(NEW), policy=how)
    may_not_touch(world, server)
    told = world.request(pairs=[list(pair) for pair in zip(OLD, NEW, strict=True)])
    assert (told.outcome, told.reason) == ("partial", FORBIDDEN)
    at = int(server[-1]) - 1
    assert list(told.refused().values()) == [FORBIDDEN]
    assert set(told.refused()) <= {OLD[at], NEW[at]}
    others = {*OLD, *NEW} - {OLD[at], NEW[at]}
    assert {*world.servers()} & others == {*NEW} - {NEW[at]}
    assert OLD[at] in world.servers()
    assert len(sent(world)) <= 16


@pytest.mark.parametrize("drain_s", [0, 5])
def test_the_other_released_servers_leave(drain_s: int) -> None:
    gone = OLD[4:]
    world = here(" ".join(OLD), " ".join(OLD[:4]), policy={"exclusive": True, "drain_s": drain_s})
    for server in gone:
        world.release(server)
    may_not_touch(world, "i-6")
    told = world.deliver(scaled_in(" ".join(gone)))
    assert (told.outcome, told.refused()) == ("partial", {"i-6": FORBIDDEN})
    assert world.servers() == [*OLD[:4], "i-6"]
    again = world.deliver(scaled_in(" ".join(gone)))
    assert (again.outcome, again.refused()) == ("refused", {"i-6": FORBIDDEN})


@pytest.mark.parametrize(
    ("action", "strategy"), [(MODIFY, "swap"), (REMOVE, "surge")], ids=["modify", "remove"]
)
@pytest.mark.parametrize("drain_s", [0, 5])
def test_an_action_that_is_forbidden_is_the_reason_with_a_drain_as_without(
    action: str, strategy: str, drain_s: int
) -> None:
    how = {"strategy": strategy, "drain_s": drain_s, "health": {"timeout_s": 10}}
    world = here("i-1 i-2 i-3", "i-1=leaving i-2 i-3 i-n1", denied=[f"slb:{action}"], policy=how)
    for _ in range(2):
        told = world.deliver(timer())
        assert told.reason == FORBIDDEN
        assert set(told.refused().values()) == {FORBIDDEN}
        assert {one["weight"] for one in world.backends()} == {100}
        world.clock.sleep(300)


@pytest.mark.parametrize("drain_s", [0, 5])
@pytest.mark.parametrize("force", [[], ["min_backends", "max_unavailable", "max_removed"]])
def test_a_removal_that_is_forbidden_is_not_said_to_be_held_by_the_floor(
    force: list[str], drain_s: int
) -> None:
    world = here("i-1 i-2 i-3", denied=[f"slb:{REMOVE}"], policy={"drain_s": drain_s})
    told = world.request(terminated=["i-1"], force=force)
    assert (told.reason, told.refused()) == (FORBIDDEN, {"i-1": FORBIDDEN})
    assert world.shown().split()[1:] == ["i-2", "i-3"]


@pytest.mark.parametrize("drain_s", [0, 5])
def test_a_scale_in_hook_does_not_wait_for_what_is_forbidden(drain_s: int) -> None:
    how: dict[str, Any] = {"strategy": "surge", "drain_s": drain_s, "health": {"timeout_s": 10}}
    world = here(
        "i-1 i-2 i-3",
        "i-1=leaving i-2 i-3 i-n1",
        hooks=[hook("i-1")],
        denied=[f"slb:{REMOVE}"],
        policy=how,
    )
    told = world.deliver(hooked("ScaleIn", "i-1"))
    assert (told.outcome, told.refused()) == ("partial", {"i-1": FORBIDDEN})
    assert world.clock.at - 1000 < 30
