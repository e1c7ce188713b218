"""What grows: waves, targets, plans and calls. Calls and waits alone turn the clock: the times are exact."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from msgspec.structs import replace

import index  # noqa: F401 - what it says of garbage holds here, too
from bench.rows import Row, spread
from handler.core.deciding.plan import plan
from handler.core.model.answers import Answer
from handler.core.model.marks import Marks
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy, Target
from handler.core.model.steps import Step, new_side
from handler.core.model.values import Backend, Cause, Group, Intent, Key, Listeners, Scope, ServerRef, Verdict
from handler.running import loop
from handler.running.delivering import deliver
from localcloud.cloud import Cloud
from tests.support import builders, level_a
from tests.support.deliveries import scaled_in, timer
from tests.support.level_b import World
from tests.support.places import merged, place, target
from tests.support.tasks import alone

#: Seconds that each call takes.
CALL_S = 0.03


def measure(short: bool) -> Iterator[Row]:
    """Yield the rows."""
    yield _waves()
    yield _one_sick(30 if short else 100)
    yield from _shared()
    yield from _plans(short)


class _Checked(level_a.ModelSlb):
    """A load balancer whose checks find a new server normal after two looks of 2 s."""

    HEALTHY_S = 2 * 2.0

    def __init__(self, calls: level_a.Calls, clock: level_a.FakeClock) -> None:
        super().__init__(calls)
        self._clock, self._since = clock, dict[Key, float]()

    def do(self, group: Group, step: Step) -> Answer:
        answer = super().do(group, step)
        self._since.update((backend.key, self._clock.at) for backend in new_side(step))
        return answer

    def health(self, group: Group) -> Mapping[Key, Mapping[str, Verdict]]:
        found, now = super().health(group), self._clock.at
        young = {key for key, since in self._since.items() if now - since < self.HEALTHY_S}
        return {
            key: dict.fromkeys(said, Verdict.PENDING) if key in young else said for key, said in found.items()
        }


def _waves() -> Row:
    """200 serving ones at 25 %: four waves of 50, each of three calls and two looks of 2 s, and no more."""
    old, new = (" ".join(f"i-{n}" for n in range(at, at + 200)) for at in (0, 300))
    over, clock = builders.cloud(old, fresh=new), level_a.FakeClock()
    over.use_clock(clock.now)
    calls = level_a.Calls(over, lambda _: clock.sleep(CALL_S))
    wanted = replace(builders.target(scaling=False), policy=_policy(max_unavailable="25%"))
    means = level_a.means_of(calls, clock, clock.at + 600, slb=lambda calls: _Checked(calls, clock))
    task = loop.run(wanted, builders.request(old, new), means)
    run = alone(task, clock, lambda: None)
    assert run.finish.outcome == "applied", run.finish
    ideal = 4 * (_Checked.HEALTHY_S + 3 * CALL_S)
    return Row("wall, 200 serving, 25 %", "s", clock.at - 1000, ideal, "four ideal waves of 50", 1.15)


def _policy(**also: Any) -> Policy:
    return Policy(marks=Marks("web"), ports=(8080,), **also)


def _one_sick(count: int) -> Row:
    """Targets of one delivery, one of which never becomes healthy: when are the others done?"""
    with_it, without = _others_done(count, sick=True), _others_done(count, sick=False)
    beside = f"{count - 1} targets alone"
    return Row(f"{count} targets, one sick: the others are done", "s", with_it, without, beside, 1.1)


def _others_done(count: int, *, sick: bool) -> float:
    names = [f"t{n}" for n in range(0 if sick else 1, count)]
    places = [
        place(
            name,
            f"i-{name}a i-{name}b i-{name}c i-{name}d",
            f"i-{name}b i-{name}c i-{name}d i-{name}e",
            sick=f"i-{name}e" if name == "t0" else "",
        )
        for name in names
    ]
    over, clock = Cloud(merged(*places)), level_a.FakeClock()
    over.use_clock(clock.now)
    calls = level_a.Calls(over, lambda _: clock.sleep(CALL_S))
    targets = [Target(n, f"rsp-{n}", (f"asg-{n}",), "apply", Policy(Marks(n), ports=(8080,))) for n in names]
    gone = [(ServerRef(f"i-{name}a", cause=Cause.FINISHED),) for name in names]
    intents = [Intent(n, "autoscaling", terminated=out) for n, out in zip(names, gone, strict=True)]
    last = 0.0

    def log(_: str, **said: Any) -> None:
        nonlocal last
        if said.get("target") != "t0":
            last = clock.at

    means = level_a.means_of(calls, clock, clock.at + 600, log=log)
    deliver(intents, targets, means, calls=lambda: len(calls.actions))
    return last - 1000


def _shared() -> Iterator[Row]:
    """Five targets of one load balancer and one scaling group.

    The least of a timer: five groups, the listeners in two calls, health, the scaling group and its
    instances, and ECS: 11. Of five swaps: who is out asked for by id, five writes, and
    five looks of two calls besides.
    """
    for measure_, given, listed, least, most in (
        ("calls, 5 targets on one load balancer, nothing to do", timer(), "i-1 i-2 i-3", 11, 14.0),
        ("calls, 5 targets on one load balancer, 5 swaps", scaled_in("i-1"), "i-2 i-3 i-4", 27, None),
    ):
        world = _five("i-1 i-2 i-3", listed)
        world.deliver(given)
        beside = f"the least by the rules: {least}"
        # The target is a number of calls, not a ratio.
        yield Row(measure_, "calls", float(len(world.calls())), None, beside, most)


def _five(of: str, listed: str) -> World:
    names = ["web", "w2", "w3", "w4", "w5"]
    world = World(of, listed, targets=[target(name, scaling_group_ids=["asg-web"]) for name in names])
    filled = world.cloud.state()
    (balancer,) = filled["load_balancers"]
    for number, name in enumerate(names[1:], 81):
        (other,) = place(name, of)["load_balancers"]
        balancer["vserver_groups"] += other["vserver_groups"]
        balancer["listeners"] += [{**listener, "port": number} for listener in other["listeners"]]
    world.cloud.replace(filled)
    return world


def _plans(short: bool) -> Iterator[Row]:
    """The plan for a group of which every server is to be replaced, as the group grows."""
    sizes = (1000, 10_000)
    found: Mapping[int, Sequence[float]] = {
        size: [_planned(size) for _ in range(2 if short else 5)] for size in sizes
    }
    small, large = (median(found[size]) for size in sizes)
    yield Row("plan of 10,000 backends", "s", large, None, "", 1.0, spread(found[sizes[1]]))
    exponent = math.log(large / small) / math.log(sizes[1] / sizes[0])
    yield Row("... growth exponent, from 1,000", "", exponent, None, "", 1.1)


def _planned(size: int) -> float:
    """Return the seconds that a plan of so many backends takes."""
    keys = [Key(f"i-old{n}", 8080) for n in range(size)]
    backends = {key: Backend(key, 100, "ecs", "slb-swap/web") for key in keys}
    observed = Observed(
        Group("rsp-web", "lb-web", backends),
        now=1000.0,
        deadline=1e9,
        health={key: {"http:80": Verdict.NORMAL} for key in backends},
        listeners=Listeners(checking=frozenset({"http:80"})),
    )
    intent = Intent(
        "web",
        "deployment",
        scope=Scope.LITERAL,
        terminated=tuple(ServerRef(f"i-old{n}") for n in range(size)),
        launched=tuple(ServerRef(f"i-new{n}") for n in range(size)),
    )
    started = time.perf_counter()
    plan(observed, intent, Policy(marks=Marks("web")))
    return time.perf_counter() - started
