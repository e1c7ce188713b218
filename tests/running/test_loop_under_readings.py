"""The loop, whatever the documents leave open and whatever goes wrong at whichever call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from handler.core.model.policy import Target
from handler.core.model.values import Group, Intent
from handler.running.loop import Run
from localcloud.cloud import Cloud
from localcloud.state.readings import TABLE
from tests.support.builders import GROUP, cloud, event, group, group_of, request, target
from tests.support.level_a import Calls, FakeClock, Killed, run

TEN = " ".join(f"i-{n}" for n in range(11, 21))
NEW_TEN = " ".join(f"i-{n}" for n in range(21, 31))


@dataclass(frozen=True)
class Story:
    """What is asked of which group, and what must come of it."""

    before: str
    after: str
    intent: Intent
    listed: str | None = None
    gone: str = ""
    floor: int = 0
    how: tuple[tuple[str, Any], ...] = ()

    @property
    def target(self) -> Target:
        return target(scaling=self.listed is not None, **dict(self.how))

    def cloud(self, **also: Any) -> Cloud:
        return cloud(self.before, self.listed, fresh=self.after, **also)

    def expected(self) -> Group:
        """The group it must come to; what is new bears our mark."""
        here = self.before.split()
        return group(" ".join(one if one in here else f"{one}#slb-swap/web" for one in self.after.split()))


STORIES = {
    "request": Story(TEN, NEW_TEN, request(TEN, NEW_TEN), floor=8),
    "scale_in": Story("i-1 i-2 i-3 i-4", "i-2 i-3 i-4 i-9", event("i-1"), "i-2 i-3 i-4 i-9", "i-1", 2),
    "gone_and_launched": Story(
        "i-1 i-2 i-3 i-4",
        "i-4 i-5 i-6 i-7 i-8 i-9",
        event("i-1 i-2 i-3", "i-5 i-6 i-7 i-8 i-9"),
        "i-4 i-5 i-6 i-7 i-8 i-9",
        "i-1 i-2 i-3",
        1,
    ),
    "surge": Story(
        "i-1 i-2 i-3 i-4",
        "i-4 i-7 i-8 i-9",
        request("i-1 i-2 i-3", "i-7 i-8 i-9", strategy="surge"),
        floor=3,
    ),
    "drained": Story(
        "i-1 i-2 i-3 i-4", "i-4 i-8 i-9", request("i-1 i-2 i-3", "i-8 i-9"), floor=3, how=(("drain_s", 5),)
    ),
    "one": Story("i-1", "i-9", request("i-1", "i-9"), floor=1),
}
every_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)


VALUES = [
    (name, value)
    for name, reading in TABLE.items()
    for value in ((0, 1, 3) if reading.counted else reading.values)
]


def ran(over: Cloud, story: Story, **also: Any) -> tuple[Run, Calls]:
    return run(over, story.target, story.intent, timeout_s=3000, **also)


def check(over: Cloud, story: Story) -> None:
    """The group is right, and never was below the floor in any instant; ask the cloud, not the function."""
    assert dict(story.expected().backends) == dict(group_of(over).backends)
    gone = story.gone.split()
    new = set(story.after.split()) - set(story.before.split())
    for instant in over.history(GROUP):
        serving = {
            b["server_id"]
            for b in instant["backends"]
            if b["weight"] > 0
            and b["server_id"] not in gone
            and (b["health"] == "normal" or (b["server_id"] not in new and b["health"] != "abnormal"))
        }
        assert len(serving) >= story.floor, (instant["action"], serving)


def check_calm(over: Cloud, story: Story) -> None:
    """Doing the same again finds it done."""
    again, calls = ran(over, story)
    assert ("unchanged", []) == (again.finish.outcome, calls.writes)


@every_story
@pytest.mark.parametrize(("name", "value"), VALUES)
def test_every_reading(story: Story, name: str, value: Any) -> None:
    over = story.cloud(readings={name: value})
    done, _ = ran(over, story)
    assert "applied" == done.finish.outcome
    check(over, story)
    check_calm(over, story)


@every_story
def test_a_load_balancer_that_is_busy_for_seconds_after_each_write(story: Story) -> None:
    over = story.cloud(readings={"busy_ms": 5000})
    done, calls = ran(over, story)
    assert "applied" == done.finish.outcome
    assert len(calls.writes) < 60, "it waits longer each time, instead of knocking at the door"
    check(over, story)


FAULTS: dict[str, dict[str, Any]] = {
    "busy": {"error": "BackendServer.configuring"},
    "throttled": {"error": "Throttling.User"},
    "failed": {"error": "InternalError"},
    "lost": {"effect": "drop_response"},
    "reset": {"effect": "reset"},
    "garbage": {"effect": "garbage"},
}


def calls_of(story: Story, readings: dict[str, Any]) -> int:
    _, calls = ran(story.cloud(readings=readings), story)
    return len(calls.actions)


@every_story
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_at_each_call_in_turn(story: Story, fault: dict[str, Any]) -> None:
    for nth in range(1, calls_of(story, {}) + 1):
        over = story.cloud(faults=[{"action": "*", "nth": nth, **fault}])
        done, _ = ran(over, story)
        assert "applied" == done.finish.outcome, nth
        check(over, story)
        over.put_faults([])
        check_calm(over, story)


@every_story
@pytest.mark.parametrize("readings", [{}, {"read_lag": 2}, {"fresh_health": 2}], ids=["", "lag", "fresh"])
def test_killed_before_each_call_in_turn_the_next_delivery_finishes_it(
    story: Story, readings: dict[str, int]
) -> None:
    # A drain that was cut off cannot be told from a weight of 0 that somebody set: it counts for nothing.
    cut_off = replace(story, floor=story.floor - 1) if "drain_s" in dict(story.how) else story
    for nth in range(1, calls_of(story, readings) + 1):
        over, clock, calls = story.cloud(readings=readings), FakeClock(), count(1)

        def dies(action: str, nth: int = nth, calls: Iterator[int] = calls) -> None:
            if next(calls) == nth:
                raise Killed

        with pytest.raises(Killed):
            ran(over, story, before=dies, clock=clock)
        done, _ = ran(over, story, clock=clock)
        assert done.finish.outcome in {"applied", "unchanged"}, nth
        check(over, cut_off)
        check_calm(over, story)
