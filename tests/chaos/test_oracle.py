"""The oracle sees what is wrong: a schedule that went well, with one thing changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos import oracle, playing, schedules, worlds
from tests.chaos.playing import Seen
from tests.chaos.worlds import GROUP, SECOND


@pytest.fixture(scope="module")
def went_well() -> Iterator[Seen]:
    """Two targets, the second of mode plan; one delivery after the other."""
    chosen = (n for n in range(13, 10**6, len(worlds.SETTINGS)) if _is_plain(schedules.draw(n)))
    with playing.stage(13, several=False) as stage:
        yield stage.play(schedules.draw(next(chosen)))


def _is_plain(drawn: schedules.Schedule) -> bool:
    world = drawn.world
    untouched = set(world.ours) - drawn.changed
    return drawn.how == "turns" and world.roomy and bool(untouched)


def _end(seen: Seen, group: str = GROUP) -> list[dict[str, Any]]:
    """The backends in the end, to be changed: what came before is left as it was."""
    seen.histories[group].append(copy.deepcopy(seen.histories[group][-1]))
    return list(seen.histories[group][-1]["backends"])


def test_nothing_is_wrong_with_it(went_well: Seen) -> None:
    assert oracle.judge(went_well) == []


def test_a_weight_that_was_nowhere(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    (untouched, *_) = set(seen.schedule.world.ours) - seen.schedule.changed
    for backend in _end(seen):
        if backend["server_id"] == untouched:
            backend["weight"] = 77
    assert "nobody names it" in "; ".join(oracle.judge(seen))


def test_a_write_to_a_target_that_only_plans(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    _end(seen, SECOND)
    seen.histories[SECOND][-1] |= {"request_id": "R", "action": "AddVServerGroupBackendServers"}
    assert "second: mode plan writes: AddVServerGroupBackendServers" in oracle.judge(seen)


def test_a_run_that_goes_on_and_on(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    entries = '[{"ServerId": "i-old0", "Port": 8080}]'
    written = {
        "action": "RemoveVServerGroupBackendServers",
        "params": {"VServerGroupId": GROUP, "BackendServers": entries},
        "status": 400,
        "code": "InvalidServerId",
        "request_id": "R",
    }
    seen.calls += [written] * 200
    assert "writes to rsp-web in a run that names" in "; ".join(oracle.judge(seen))


def test_a_doomed_server_that_is_put_in(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    seen.locked["i-new99"] = 0
    _end(seen).append({})
    last = seen.histories[GROUP][-1]
    last["backends"] = [*last["backends"][:-1], last["backends"][0] | {"server_id": "i-new99"}]
    assert "about to be reclaimed and put in" in "; ".join(oracle.judge(seen))


def test_a_hook_that_is_continued_too_early(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    (untouched, *_) = set(seen.schedule.world.ours) - seen.schedule.changed
    seen.schedule.events.append(schedules.Change("wait_to_leave", (untouched,), "token-x"))
    told = {"LifecycleActionToken": "token-x", "LifecycleActionResult": "CONTINUE"}
    seen.calls.append(
        {
            "action": "CompleteLifecycleAction",
            "params": told,
            "status": 200,
            "code": None,
            "request_id": "R",
        }
    )
    assert "may go and are in" in "; ".join(oracle.judge(seen))


def test_a_write_below_the_floor(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    _end(seen)
    seen.ending = seen.runs[-1].instant + 1  # what is delivered at the end may lift the limits
    seen.histories[GROUP][-1] |= {
        "index": seen.runs[-1].instant,
        "request_id": "R",
        "action": "RemoveVServerGroupBackendServers",
        "backends": [],
    }
    assert "0 serve where" in "; ".join(oracle.judge(seen))


def test_a_listing_that_changes_once_a_run_has_begun_may_be_its_first(went_well: Seen) -> None:
    seen = copy.deepcopy(went_well)
    first, second = seen.runs[:2]
    seen.listings = [(first.call, frozenset({"i-a"})), (second.call + 1, frozenset({"i-b"}))]
    assert oracle._listings(seen, first) == {first.listed, frozenset({"i-a"})}
