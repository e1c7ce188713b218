"""Two runs on one group at once: both end, what is others' is not touched, the truth has the last word.

The two are interleaved call by call, in orders that are drawn; nothing is left to chance otherwise.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.scenarios.world import Make, here
from tests.support import deliveries
from tests.support.deliveries import scaled_in, scaled_out, timer
from tests.support.lockstep import in_lockstep

ROW = 17
FOREIGN = "i-foreign"
BEGIN, LISTED = f"i-1 i-2 i-3 i-4 {FOREIGN}", "i-3 i-4 i-5 i-6"
END = ["i-3", "i-4", "i-5", "i-6", FOREIGN]


def at_once(events: list[Any], seed: int, **state: Any) -> None:
    world = here(BEGIN, LISTED, **state)
    chosen = random.Random(seed)
    told = in_lockstep([world, world.beside()], events, chosen.choice)
    assert all(one.outcome in {"applied", "unchanged", "raised", "partial", "rolled_back"} for one in told)
    assert world.ever(FOREIGN) == [(8080, 100)]
    assert len(set(world.servers())) == len(world.servers())
    # Whatever the two did to each other, who reads the truth next has nothing to repair but what is missing.
    again = world.deliver(timer())
    assert again.outcome in {"applied", "unchanged"}
    assert world.servers() == END
    assert all(one["weight"] == 100 for one in world.backends())


PAIRS = {
    "the same event": lambda: [scaled_in("i-1 i-2")] * 2,
    "out and in": lambda: [scaled_in("i-1 i-2"), scaled_out("i-5 i-6")],
    "an event and the timer": lambda: [scaled_in("i-1 i-2"), timer()],
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("events", PAIRS)
def test_any_interleaving_ends_as_the_truth_says(events: str, seed: int) -> None:
    at_once(PAIRS[events](), seed)


@pytest.mark.parametrize("seed", range(3))
def test_interleavings_under_every_reading(seed: int, readings: dict[str, Any]) -> None:
    at_once(PAIRS["out and in"](), seed, readings=readings)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_request_twice_at_once(seed: int) -> None:
    world = here("i-1 i-2 i-3 i-4 i-foreign", fresh="i-5 i-6")
    body = b'{"target": "web", "pairs": [["i-1", "i-5"], ["i-2", "i-6"]]}'
    event = deliveries.http_event(body, deliveries.signed(body))
    told = in_lockstep([world, world.beside()], [event, event], random.Random(seed).choice)
    assert {one.outcome for one in told} <= {"applied", "unchanged"}
    assert world.servers() == ["i-3", "i-4", "i-5", "i-6", "i-foreign"]
    assert world.ever("i-foreign") == [(8080, 100)]


@pytest.mark.parametrize("seed", range(12))
def test_a_swap_and_its_reverse_at_once(seed: int) -> None:
    """Nobody can say who wins; each server is there once, and nobody is lost between the two."""
    world = here("i-1 i-2 i-3 i-4 i-foreign", fresh="i-5")
    bodies = [
        b'{"target": "web", "pairs": [["i-1", "i-5"]]}',
        b'{"target": "web", "pairs": [["i-5", "i-1"]]}',
    ]
    events = [deliveries.http_event(body, deliveries.signed(body)) for body in bodies]
    in_lockstep([world, world.beside()], events, random.Random(seed).choice)
    assert world.ever("i-foreign") == [(8080, 100)]
    assert {"i-2", "i-3", "i-4"} < {*world.servers()}
    assert {"i-1", "i-5"} & {*world.servers()}


def test_one_writer_at_a_time_over_http(there: Make) -> None:
    """The platform runs one instance of ``swap``: two deliveries at once are run one after the other."""
    from concurrent.futures import ThreadPoolExecutor

    world = there(BEGIN, LISTED)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(world.deliver, PAIRS["the same event"]()))
    assert sorted(one.outcome for one in told) == ["applied", "unchanged"]
    assert world.servers() == END
    assert world.ever(FOREIGN) == [(8080, 100)]
