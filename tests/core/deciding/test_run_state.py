"""What a run remembers from write to write."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.deciding.run_state import REFUSED_S, RunState, begin
from handler.core.model.answers import Answer, Result
from handler.core.model.steps import Add, Do, Modify, Remove, SetWeight, Step
from handler.core.model.values import Instance, Pair, Refusal
from tests.support.builders import backend, backends, event, policy, servers, shown_group, shown_refused, view

NOW = 1000.0
SWAP = Modify((Pair(backend("i-1"), backend("i-9")),))
ADD = Add(backends("i-9"))


def begun(of: str = "i-1 i-2", left: float = 600.0) -> RunState:
    return begin(view(of, left=left))


def did(
    step: Step, result: Result, why: str = "replace", at: float = NOW, of: RunState | None = None
) -> RunState:
    return (of or begun()).after_write(Do(step, why), Answer(result, "Code"), at, 0.5)  # type: ignore[arg-type]


def test_a_run_begins_with_what_it_sees() -> None:
    state = begun()
    assert ("i-1 i-2", NOW, NOW) == (
        shown_group(state.start),
        state.health_since("i-9"),
        state.drained_since(backend("i-1").key),
    )


@pytest.mark.parametrize(
    ("step", "why", "unit", "expected"),
    [
        (SWAP, "replace", "i-9", 1005.0),
        (ADD, "add", "i-9", 1005.0),
        (SetWeight(backends("i-1=0"), backends("i-1")), "weigh", "i-1", 1005.0),
        (SetWeight(backends("i-1"), backends("i-1=0")), "drain", "i-1", NOW),
        (Remove(backends("i-1")), "retire", "i-1", NOW),
    ],
)
def test_the_time_for_health_begins_with_what_adds_or_weighs(
    step: Step, why: str, unit: str, expected: float
) -> None:
    assert expected == did(step, Result.APPLIED, why, 1005.0).health_since(unit)


def test_each_new_unit_has_its_own_time_for_health() -> None:
    state = did(Add(backends("i-8")), Result.APPLIED, "add", 1050.0, did(ADD, Result.APPLIED, "add", 1005.0))
    assert [1005.0, 1050.0] == [state.health_since(unit) for unit in ("i-9", "i-8")]


def test_a_drain_begins_with_weight_0() -> None:
    state = did(SetWeight(backends("i-1 i-2=0"), backends("i-1=0 i-2")), Result.APPLIED, "drain", 1005.0)
    assert [1005.0, NOW] == [state.drained_since(backend(one).key) for one in ("i-1", "i-2")]


@pytest.mark.parametrize("result", [Result.BUSY, Result.THROTTLED, Result.UNKNOWN, Result.BAD_BACKEND])
def test_what_may_pass_waits_longer_each_time(result: Result) -> None:
    once = did(SWAP, result)
    twice = did(SWAP, result, of=once)
    assert (1, 2, result.value) == (once.retry.attempts, twice.retry.attempts, twice.retry.trouble)
    assert NOW < once.retry.at < twice.retry.at
    assert 0 == did(SWAP, Result.APPLIED, of=twice).retry.attempts


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Result.APPLIED, 1),
        (Result.UNKNOWN, 1),
        (Result.BAD_BACKEND, 1),
        (Result.OVER_QUOTA, 1),
        (Result.PERMANENT, 1),
        (Result.BUSY, 0),
        (Result.THROTTLED, 0),
    ],
)
def test_writes_are_counted_unless_they_were_busy_or_throttled(result: Result, expected: int) -> None:
    assert expected == did(SWAP, result).writes


def test_a_run_may_make_a_small_multiple_of_the_entries_that_it_changes() -> None:
    assert [10, 15, 60] == [begun().most_writes(entries) for entries in (0, 1, 10)]


def test_what_found_no_room_is_not_sent_again_before_a_wait() -> None:
    full = did(ADD, Result.OVER_QUOTA, "add")
    assert [REFUSED_S, 1.0, 0.0] == [full.wait_for_room(ADD, at) for at in (NOW, NOW + 4, NOW + 9)]
    assert 0 == full.wait_for_room(Add(backends("i-8")), NOW), "another batch need not wait"
    assert 0 == full.wait_for_room(Remove(ADD.backends), NOW), "nor the other way round"
    assert 0 == did(Remove(backends("i-1")), Result.APPLIED, of=full).wait_for_room(ADD, NOW)


def test_a_full_load_balancer_is_met_with_half_of_what_was_too_much() -> None:
    state = begun()
    assert 20 == state.room_for(20)
    for added, room in ((20, 10), (10, 5), (5, 2), (2, 1), (1, 0)):
        many = Add(backends(" ".join(f"i-{n}" for n in range(10, 10 + added))))
        state = did(many, Result.OVER_QUOTA, "add", of=state)
        assert room == state.room_for(20)


def test_what_was_taken_out_makes_room_in_a_full_load_balancer() -> None:
    full = did(ADD, Result.OVER_QUOTA, "add")
    assert [0, 1] == [
        state.room_for(5) for state in (full, did(Remove(backends("i-1")), Result.APPLIED, of=full))
    ]


def test_a_modify_that_finds_no_room_is_not_tried_again() -> None:
    assert [False, True] == [s.modify_is_full for s in (begun(), did(SWAP, Result.OVER_QUOTA))]


def test_a_weight_that_finds_no_room_says_nothing_of_how_many_may_be_added() -> None:
    weighed = SetWeight(backends("i-1=0"), backends("i-1"))
    state = did(weighed, Result.OVER_QUOTA, "weigh")
    assert (None, False) == (state.full_at, state.modify_is_full)
    assert state.fatal is not None or state.retry.attempts or state.wait_for_room(weighed, NOW)


@pytest.mark.parametrize(("result", "why"), [(Result.GONE, "replace"), (Result.PERMANENT, "take_back")])
def test_what_will_not_pass_is_fatal_and_remembered(result: Result, why: str) -> None:
    state = did(SWAP, result, why)
    assert (result, (SWAP,)) == (state.fatal and state.fatal.result, state.futile)


def refused_alone(*steps: Step, of: RunState | None = None) -> RunState:
    state = of or begun()
    for step in steps:
        state = did(step, Result.PERMANENT, of=state)
    return state


ADDS = tuple(Add(backends(f"i-{n}")) for n in range(10, 20))


def test_a_unit_that_is_refused_alone_for_good_is_told_with_the_code() -> None:
    state = refused_alone(ADDS[0])
    assert (None, (ADDS[0],), "i-10:Code") == (
        state.fatal,
        state.futile,
        shown_refused(state.refused.values()),
    )


def test_an_action_is_refused_if_two_units_are_and_none_was_written() -> None:
    state = refused_alone(*ADDS[:2])
    assert (True, "i-10:Code") == (state.fatal is not None, shown_refused(state.refused.values()))
    assert refused_alone(ADDS[0], SWAP, Remove(backends("i-2"))).fatal is None, "each action by itself"
    addresses = (Add(backends(f"eni-1@10.0.0.{n}")) for n in (1, 2, 3))
    assert refused_alone(*addresses).fatal is None, "a server with several addresses is still a single server"
    other = begun().after_write(Do(ADDS[0], "add"), Answer(Result.PERMANENT, "Other"), NOW, 0.5)
    assert refused_alone(ADDS[1], of=other).fatal is None, "and each code"


def test_after_a_write_that_succeeded_more_units_in_a_row_are_refused_alone() -> None:
    works = did(ADD, Result.APPLIED, "add")
    assert refused_alone(*ADDS[:4], of=works).fatal is None
    assert refused_alone(*ADDS[:5], of=works).fatal is not None
    again = did(ADDS[9], Result.APPLIED, "add", of=refused_alone(*ADDS[:4], of=works))
    assert refused_alone(*ADDS[4:8], of=again).fatal is None


def test_what_a_step_gives_up_is_refused_from_then_on() -> None:
    step = Do(Remove(backends("i-2")), "take_back", (Refusal("i-9", "not_healthy"),))
    state = begun().after_write(step, Answer(Result.BUSY), NOW, 0.5)
    assert "i-9:not_healthy" == shown_refused(state.refused.values())


def test_the_goal_is_worked_out_once_for_each_listing() -> None:
    intent, how = event(), policy()
    looked = view("i-1", "i-1 i-2")
    state = begin(looked)
    first = state.goal(intent, looked, how)
    assert first is state.goal(intent, replace(looked, now=NOW + 5), how)
    assert first is not state.goal(intent, replace(looked, servers=servers("i-1")), how)


def test_the_floor_does_not_sink_with_a_server_that_is_lost_during_the_run() -> None:
    how, three = policy(max_unavailable=1), "i-1#slb-swap/web i-2 i-3"
    known = {one: Instance(one, "running", reclaimed=False) for one in ("i-1", "i-2", "i-3")}
    looked = view(three, "i-2 i-3", asked=frozenset(known), instances=known)
    lost = replace(looked, instances={one: known[one] for one in ("i-2", "i-3")})
    state = begin(looked)
    assert 2 == state.goal(event(), looked, how).capacity.floor
    assert 2 == state.goal(event(), lost, how).capacity.floor
    assert 1 == begin(lost).goal(event(), lost, how).capacity.floor


def test_suspects_that_are_out_hold_up_nobody() -> None:
    state = did(Remove(backends("i-1 i-2")), Result.PERMANENT)
    for one in ("i-1", "i-2"):
        state = did(Remove(backends(one)), Result.APPLIED, of=state)
    assert state.isolation.focus(NOW) == ()
