"""A swap of 45 pairs in waves, killed at each of its calls in turn, is right after the next delivery.

Nobody has to look at it: the same delivery comes again, as the platform hands it over, and finishes the work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.world import Make, Remote, here
from tests.support.deliveries import scaled_in
from tests.support.level_b import World

COUNT = 45
FLOOR = COUNT - COUNT // 4
OLD, NEW = [f"i-o{n}" for n in range(COUNT)], [f"i-n{n}" for n in range(COUNT)]
EVENT = scaled_in(" ".join(OLD))


def begin(make: Make, **state: Any) -> World | Remote:
    """The old ones are leaving, and serve until they are replaced."""
    leaving = " ".join(f"{one}=leaving" for one in OLD)
    return make(" ".join(OLD), f"{leaving} {' '.join(NEW)}", **state)


def killed_at(make: Make, call: int, after: bool, **state: Any) -> bool:
    """Tell whether there was such a call to be killed at."""
    world = begin(make, **state)
    world.faults({"action": "*", "nth": call, "effect": "kill", "after": after})
    told = world.deliver(EVENT)
    if told.outcome == "killed":
        assert world.deliver(EVENT).outcome in {"applied", "unchanged"}
    assert world.servers() == sorted(NEW)
    assert world.lowest() >= FLOOR
    again = world.deliver(EVENT)
    assert again.outcome == "unchanged"
    return told.outcome == "killed"


def _calls() -> Iterator[int]:
    """The numbers of the calls of a swap that nothing befalls, with some of a slow load balancer's."""
    world = begin(here)
    assert world.deliver(EVENT).outcome == "applied"
    yield from range(1, len(world.calls()) + 1)


CALLS = list(_calls())


def test_it_takes_several_waves() -> None:
    world = begin(here)
    world.deliver(EVENT)
    assert len([one for one in world.writes() if one.startswith("Modify")]) >= COUNT // (COUNT - FLOOR)
    assert world.lowest() >= FLOOR


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_each_call(call: int, after: bool) -> None:
    assert killed_at(here, call, after)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(5, 60, 11))
def test_killed_where_reads_lag_and_health_is_slow(call: int, after: bool) -> None:
    killed_at(here, call, after, readings={"read_lag": 1, "fresh_health": 2, "busy_for": 1})


@pytest.mark.parametrize(("call", "after"), [(7, True), (8, False), (15, True)])
def test_killed_over_http(call: int, after: bool, there: Make) -> None:
    assert killed_at(there, call, after)
