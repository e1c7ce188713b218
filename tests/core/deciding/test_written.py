"""How far a reading is believed that shows something else than what was written."""

from __future__ import annotations

import pytest

from handler.core.deciding.run_state import RunState, begin
from handler.core.deciding.writes import DOUBTFUL_LOOKS, LAGGING_LOOKS
from handler.core.model.answers import Answer, Result
from handler.core.model.steps import Add, Do, Modify, Remove, SetWeight, Step
from handler.core.model.values import Pair
from tests.support.builders import backend, backends, group, shown_group, shown_refused, view

NOW = 1000.0
SWAP = Modify((Pair(backend("i-1"), backend("i-9")),))
TWO = Modify((Pair(backend("i-1"), backend("i-8")), Pair(backend("i-2"), backend("i-9"))))
ADD = Add(backends("i-9"))


def did(
    step: Step, result: Result = Result.APPLIED, why: str = "replace", of: RunState | None = None
) -> RunState:
    state = of or begin(view("i-1 i-2"))
    return state.after_write(Do(step, why), Answer(result, "Code"), NOW, 0.5)  # type: ignore[arg-type]


def read(state: RunState, shows: str, at: float = NOW) -> tuple[RunState, bool]:
    return state.after_read(group(shows), at, 0.5)


def test_a_step_that_was_applied_is_expected_to_show() -> None:
    state = did(SWAP)
    assert ("i-2 i-9", (SWAP,)) == (shown_group(state.written.expected), state.done)
    assert LAGGING_LOOKS == state.written.lag


@pytest.mark.parametrize("result", [Result.BUSY, Result.THROTTLED, Result.BAD_BACKEND, Result.OVER_QUOTA])
def test_a_step_that_was_refused_is_not_expected_to_show(result: Result) -> None:
    state = did(SWAP, result)
    assert ("i-1 i-2", (), 0) == (shown_group(state.written.expected), state.done, state.written.doubt)


def test_a_write_of_unknown_result_is_doubted_for_some_looks() -> None:
    state = did(SWAP, Result.UNKNOWN)
    doubts = [state.written.doubt]
    for _ in range(DOUBTFUL_LOOKS):
        state, _ = read(state, "i-1 i-2")
        doubts.append(state.written.doubt)
    assert [3, 2, 1, 0] == doubts
    assert () == state.done


def test_a_write_of_unknown_result_that_shows_is_done() -> None:
    state, fresh = read(did(SWAP, Result.UNKNOWN), "i-2 i-9", 1060.0)
    assert ((SWAP,), 0, True) == (state.done, state.written.doubt, fresh)
    assert 1060.0 == state.health_since("i-9")


def test_a_write_of_unknown_result_that_shows_in_part_is_done_and_what_it_left_out_is_noted() -> None:
    state, _ = read(did(SWAP, Result.UNKNOWN), "i-2", 1060.0)
    assert ((SWAP,), {"i-9": 1}) == (state.done, state.isolation.left_out)


def test_what_others_did_meanwhile_is_not_taken_for_ours() -> None:
    state, fresh = read(did(SWAP, Result.UNKNOWN), "i-1 i-2 i-5")
    assert ((), 0, True) == (state.done, state.written.doubt, fresh)


def test_a_weight_of_unknown_result_that_shows_is_done() -> None:
    weighed = SetWeight(backends("i-1"), backends("i-1=0"))
    state, _ = read(did(weighed, Result.UNKNOWN, "drain"), "i-1=0 i-2", 1060.0)
    assert ((weighed,), 1060.0) == (state.done, state.drained_since(backend("i-1").key))


def test_a_reading_of_the_group_before_our_write_lags_for_some_looks() -> None:
    state = did(SWAP)
    for _ in range(LAGGING_LOOKS):
        state, fresh = read(state, "i-1 i-2")
        assert (False, "i-2 i-9") == (fresh, shown_group(state.written.expected))
    state, fresh = read(state, "i-1 i-2")
    assert (True, "i-1 i-2") == (fresh, shown_group(state.written.expected))


def test_a_reading_of_a_group_before_any_of_our_writes_lags() -> None:
    state = did(ADD, of=did(Remove(backends("i-1"))))
    assert [False, False, True] == [read(state, of)[1] for of in ("i-1 i-2", "i-2", "i-2 i-9")]


def test_where_a_reading_has_what_others_did_and_not_yet_ours_both_count() -> None:
    state = did(Remove(backends("i-1")), of=did(ADD))
    for read_now, expected in (("i-1 i-2 i-5", "i-2 i-5 i-9"), ("i-1 i-9", "i-9"), ("i-1 i-2", "i-2 i-9")):
        seen, fresh = read(state, read_now)
        assert (False, expected) == (fresh, shown_group(seen.written.expected))


def test_what_others_did_to_what_we_wrote_is_believed() -> None:
    weighed = SetWeight(backends("i-1 i-2"), backends("i-1=0 i-2=0"))
    state, fresh = read(did(weighed, why="drain"), "i-1=50 i-2")
    assert (True, "i-1=50 i-2") == (fresh, shown_group(state.written.expected))


def test_what_others_undo_later_was_done_once() -> None:
    state, _ = read(did(SWAP), "i-2 i-9")
    state, _ = read(state, "i-1 i-2")
    assert (SWAP,) == state.done


def test_what_was_left_out_of_a_write_again_and_again_is_refused() -> None:
    state = begin(view("i-1 i-2"))
    for _ in range(3):
        assert "" == shown_refused(state.refused.values())
        state, fresh = did(TWO, of=state), False
        while not fresh:
            state, fresh = read(state, "i-8")
    assert "i-9:bad_backend" == shown_refused(state.refused.values())
    assert {"left_out": 3} == state.refused["i-9"].numbers


def test_what_left_the_group_later_was_not_left_out() -> None:
    state, _ = read(did(ADD), "i-1 i-2 i-9")
    state = did(Remove(backends("i-1")), Result.BUSY, of=state)
    state, _ = read(state, "i-1")
    assert {} == state.isolation.left_out


def test_what_a_write_left_out_is_noted_once_for_that_write() -> None:
    state, _ = read(did(TWO), "i-8")
    state, _ = read(state, "i-5")
    assert {"i-9": 1} == state.isolation.left_out


def test_of_two_addresses_of_one_server_only_the_one_that_was_left_out_is_noted() -> None:
    added = Add(backends("eni-1@10.0.0.1 eni-1@10.0.0.2"))
    state, _ = read(did(added, of=begin(view("i-1"))), "i-1 eni-1@10.0.0.1")
    assert {"eni-1@10.0.0.2": 1} == state.isolation.left_out
