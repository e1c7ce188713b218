"""Targets of one delivery share what they read of their load balancer, scaling group and instances."""

from __future__ import annotations

from typing import Any

from handler.sharing import Reader, Readings
from tests.support.deliveries import scaled_in, timer
from tests.support.level_b import World
from tests.support.places import place, target

NAMES = ["web", "w2", "w3", "w4", "w5"]
READ, HEALTH, MODIFY = (
    "DescribeVServerGroupAttribute",
    "DescribeHealthStatus",
    "ModifyVServerGroupBackendServers",
)


def five(of: str, listed: str, **policy: Any) -> World:
    """Five groups of one load balancer, each with a listener, fed by one scaling group."""
    targets = [target(name, **{"scaling_group_ids": ["asg-web"], **policy}) for name in NAMES]
    world = World(of, listed, targets=targets)
    state = world.cloud.state()
    (balancer,) = state["load_balancers"]
    for number, name in enumerate(NAMES[1:], 81):
        (other,) = place(name, of)["load_balancers"]
        balancer["vserver_groups"] += other["vserver_groups"]
        balancer["listeners"] += [{**listener, "port": number} for listener in other["listeners"]]
    world.cloud.replace(state)
    return world


def test_five_targets_of_one_load_balancer_and_scaling_group_read_it_once() -> None:
    world = five("i-1 i-2 i-3", "i-1 i-2 i-3")
    assert "unchanged" == world.deliver(timer()).outcome
    assert len(world.calls()) <= 14
    assert [5, 1] == [len(world.calls(action)) for action in (READ, HEALTH)]


def test_five_swaps_share_their_first_readings_and_look_after_their_own_writes() -> None:
    world = five("i-1 i-2 i-3", "i-2 i-3 i-4")
    told = world.deliver(scaled_in("i-1", "web"))
    assert "applied" == told.outcome
    assert [["i-2", "i-3", "i-4"]] * 5 == [world.servers(name) for name in NAMES]
    made = [call["action"] for call in world.calls()]
    # Each has its write and a look after it, which no reading from before the write may replace.
    assert 5 == made.count(MODIFY)
    assert 10 == made.count(READ)
    for at in (at for at, action in enumerate(made) if action == MODIFY):
        assert [READ, HEALTH] == made[at + 1 : at + 3]
    assert len(made) - 5 * 3 <= 14 + 4


def test_health_is_not_shared_across_a_write() -> None:
    """The second target would wait for ever on what was read before its own write."""
    world = five("i-1 i-2", "i-1 i-2 i-3", max_unavailable=1)
    world.deliver(scaled_in("i-9", "web"))
    assert [["i-1", "i-2", "i-3"]] * 5 == [world.servers(name) for name in NAMES]


def test_a_request_asks_the_scaling_group_only_for_what_it_names() -> None:
    listed = " ".join(f"i-{n}" for n in range(1, 121))
    world = World("i-1 i-2", listed)
    told = world.request(terminated=["i-1"], launched=["i-50"])
    assert "refused" == told.outcome
    assert ["i-1"] == [
        value
        for call in world.calls("DescribeScalingInstances")
        for name, value in call["params"].items()
        if name.startswith("InstanceId")
    ]


class Asked:
    """Readings by a clock that is turned, and what was asked."""

    def __init__(self) -> None:
        self.at, self.asked = 0.0, []
        self.readings: Readings = {}

    def reader(self) -> Reader:
        return Reader(lambda: self.at, self.readings)

    def answer(self, question: str) -> str:
        self.asked.append(question)
        return f"{question} {len(self.asked)}"


def test_what_another_has_read_is_shared_while_it_is_young() -> None:
    asked = Asked()
    one, other, late = (asked.reader() for _ in range(3))
    assert "health 1" == one.read("lb", "q", 1.0, lambda: asked.answer("health"))
    asked.at = 1.0
    assert "health 1" == other.read("lb", "q", 1.0, lambda: asked.answer("health"))
    asked.at = 1.1
    assert "health 2" == late.read("lb", "q", 1.0, lambda: asked.answer("health"))


def test_who_has_had_a_reading_asks_anew() -> None:
    asked = Asked()
    one, other = asked.reader(), asked.reader()
    one.read("lb", "q", 1.0, lambda: asked.answer("health"))
    other.read("lb", "q", 1.0, lambda: asked.answer("health"))
    assert "health 2" == other.read("lb", "q", 1.0, lambda: asked.answer("health"))
    assert "health 2" == one.read("lb", "q", 1.0, lambda: asked.answer("health"))


def test_a_write_spoils_what_was_read_of_its_load_balancer_and_nothing_else() -> None:
    asked = Asked()
    one, other = asked.reader(), asked.reader()
    for subject in ("lb", "lb-2"):
        one.read(subject, subject, 1.0, lambda s=subject: asked.answer(s))
    one.spoil("lb")
    assert ["lb 3", "lb-2 2"] == [
        other.read(subject, subject, 1.0, lambda s=subject: asked.answer(s)) for subject in ("lb", "lb-2")
    ]


def test_of_several_instances_only_those_that_nobody_has_asked_for_are_asked_for() -> None:
    asked: list[tuple[str, ...]] = []

    def ask(ids: tuple[str, ...]) -> dict[str, str]:
        asked.append(ids)
        return {one: one.upper() for one in ids if one != "none"}

    readings: Readings = {}
    one, other = Reader(lambda: 0.0, readings), Reader(lambda: 0.0, readings)
    assert {"a": "A"} == one.read_each("ecs", ("a", "none"), 1.0, ask)
    assert {"a": "A", "b": "B"} == other.read_each("ecs", ("a", "b", "none"), 1.0, ask)
    assert [("a", "none"), ("b",)] == asked
