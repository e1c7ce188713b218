"""What a run remembers, and how far a reading is believed."""

from __future__ import annotations

import pytest

from handler.core.deciding.run_state import DOUBTFUL_LOOKS, LAGGING_LOOKS, RunState, begin
from handler.core.model.answers import Answer, Result
from handler.core.model.decisions import Do
from handler.core.model.steps import Add, Modify, Remove, SetWeight, Step
from handler.core.model.values import Pair, Refusal
from tests.support.builders import backend, backends, group, shown, shown_group, shown_refused, view

NOW = 1000.0
SWAP = Modify((Pair(backend("i-1"), backend("i-9")),))
TWO = Modify((Pair(backend("i-1"), backend("i-8")), Pair(backend("i-2"), backend("i-9"))))
ADD = Add(backends("i-9"))


def begun(of: str = "i-1 i-2", left: float = 600.0) -> RunState:
    return begin(view(of, left=left))


def did(
    step: Step, result: Result, why: str = "replace", at: float = NOW, of: RunState | None = None
) -> RunState:
    return (of or begun()).after_write(Do(step, why), Answer(result, "Code"), at, 0.5)  # type: ignore[arg-type]


def test_a_step_that_was_applied_is_expected_to_show() -> None:
    progress = did(SWAP, Result.APPLIED, at=1005.0)
    assert ("i-2 i-9", (SWAP,)) == (shown_group(progress.expected), progress.done)
    assert (1005.0, LAGGING_LOOKS) == (progress.wave_since, progress.lag)


@pytest.mark.parametrize(
    ("step", "why", "expected"),
    [
        (SWAP, "replace", 1005.0),
        (ADD, "add", 1005.0),
        (SetWeight(backends("i-1=0"), backends("i-1")), "weigh", 1005.0),
        (SetWeight(backends("i-1"), backends("i-1=0")), "drain", NOW),
        (Remove(backends("i-1")), "retire", NOW),
    ],
)
def test_a_wave_begins_with_what_adds_or_weighs(step: Step, why: str, expected: float) -> None:
    assert expected == did(step, Result.APPLIED, why, 1005.0).wave_since


def test_a_drain_begins_with_weight_0() -> None:
    progress = did(SetWeight(backends("i-1 i-2=0"), backends("i-1=0 i-2")), Result.APPLIED, "drain", 1005.0)
    assert [1005.0, NOW] == [progress.drained_since(backend(one).key) for one in ("i-1", "i-2")]


@pytest.mark.parametrize("result", [Result.BUSY, Result.THROTTLED, Result.UNKNOWN, Result.BAD_BACKEND])
def test_what_may_pass_waits_longer_each_time(result: Result) -> None:
    once = did(SWAP, result)
    twice = did(SWAP, result, of=once)
    assert (1, 2, result.value) == (once.attempts, twice.attempts, twice.trouble)
    assert NOW < once.retry_at < twice.retry_at
    assert 0 == did(SWAP, Result.APPLIED, of=twice).attempts


def test_a_result_that_is_unknown_is_doubted_for_some_looks() -> None:
    progress = did(SWAP, Result.UNKNOWN)
    doubts = [progress.doubt]
    for _ in range(DOUBTFUL_LOOKS):
        progress, _ = progress.after_read(group("i-1 i-2"), NOW, 0.5)
        doubts.append(progress.doubt)
    assert [3, 2, 1, 0] == doubts
    assert () == progress.done


def test_a_result_that_is_unknown_and_shows_is_done() -> None:
    progress, fresh = did(SWAP, Result.UNKNOWN).after_read(group("i-2 i-9"), 1060.0, 0.5)
    assert ((SWAP,), 0, True, 1060.0) == (progress.done, progress.doubt, fresh, progress.wave_since)


def test_a_result_that_is_unknown_and_shows_in_part_is_done_and_what_it_left_out_is_noted() -> None:
    progress, _ = did(SWAP, Result.UNKNOWN).after_read(group("i-2"), 1060.0, 0.5)
    assert ((SWAP,), {"i-9": 1}) == (progress.done, progress.skipped)


def test_what_others_did_meanwhile_is_not_taken_for_ours() -> None:
    progress, fresh = did(SWAP, Result.UNKNOWN).after_read(group("i-1 i-2 i-5"), NOW, 0.5)
    assert ((), 0, True) == (progress.done, progress.doubt, fresh)


def test_a_reading_of_the_group_before_our_write_lags_for_some_looks() -> None:
    progress = did(SWAP, Result.APPLIED)
    for _ in range(LAGGING_LOOKS):
        progress, fresh = progress.after_read(group("i-1 i-2"), NOW, 0.5)
        assert (False, "i-2 i-9") == (fresh, shown_group(progress.expected))
    progress, fresh = progress.after_read(group("i-1 i-2"), NOW, 0.5)
    assert (True, "i-1 i-2") == (fresh, shown_group(progress.expected))


def test_a_reading_of_a_group_before_any_of_our_writes_lags() -> None:
    progress = did(ADD, Result.APPLIED, of=did(Remove(backends("i-1")), Result.APPLIED))
    assert [False, False, True] == [
        progress.after_read(group(of), NOW, 0.5)[1] for of in ("i-1 i-2", "i-2", "i-2 i-9")
    ]


def test_what_was_left_out_of_a_write_again_and_again_is_refused() -> None:
    progress = begun()
    for _ in range(3):
        assert "" == shown_refused(progress.refused.values())
        progress, fresh = did(TWO, Result.APPLIED, of=progress), False
        while not fresh:
            progress, fresh = progress.after_read(group("i-8"), NOW, 0.5)
    assert "i-9:bad_backend" == shown_refused(progress.refused.values())
    assert {"left_out": 3} == progress.refused["i-9"].numbers


def test_what_left_the_group_later_was_not_left_out() -> None:
    progress, _ = did(ADD, Result.APPLIED).after_read(group("i-1 i-2 i-9"), NOW, 0.5)
    progress = did(Remove(backends("i-1")), Result.BUSY, of=progress)
    progress, _ = progress.after_read(group("i-1"), NOW, 0.5)
    assert {} == progress.skipped


def test_a_batch_with_a_bad_one_is_tried_whole_for_a_while() -> None:
    progress = did(TWO, Result.BAD_BACKEND)
    assert ("i-8", "i-9") == progress.suspects
    assert [(), ("i-8",)] == [progress.focus(at) for at in (NOW + 29.9, NOW + 30)]


def test_the_while_is_shorter_where_time_is_short() -> None:
    progress = did(TWO, Result.BAD_BACKEND, of=begun(left=40.0))
    assert [(), ("i-8",)] == [progress.focus(at) for at in (NOW + 9.9, NOW + 10)]


def test_a_half_that_was_written_is_suspected_no_more() -> None:
    progress = did(SWAP, Result.APPLIED, of=did(TWO, Result.BAD_BACKEND))
    assert ("i-8",) == progress.suspects


def test_who_is_refused_alone_once_trying_is_over_is_refused_for_good() -> None:
    early = did(SWAP, Result.BAD_BACKEND)
    late = did(SWAP, Result.BAD_BACKEND, at=NOW + 30, of=early)
    assert [{}, {"i-9"}] == [early.refused and early.refused.keys(), late.refused.keys()]
    assert ("bad_backend", {"code": "Code"}, ()) == (
        late.refused["i-9"].reason,
        late.refused["i-9"].numbers,
        late.suspects,
    )


def test_over_quota_who_is_one_too_many_is_looked_for_at_once() -> None:
    progress = did(Add(backends("i-8 i-9")), Result.OVER_QUOTA, "add")
    assert (("i-8",), 0) == (progress.focus(NOW), progress.attempts)
    alone = did(ADD, Result.OVER_QUOTA, "add")
    assert "i-9:over_quota" == shown_refused(alone.refused.values())


@pytest.mark.parametrize(("step", "why", "expected"), [(SWAP, "replace", "modify"), (ADD, "surge", "surge")])
def test_over_quota_another_way_is_taken(step: Step, why: str, expected: str) -> None:
    assert {expected} == did(step, Result.OVER_QUOTA, why).crowded


@pytest.mark.parametrize("result", [Result.GONE, Result.PERMANENT])
def test_what_will_not_pass_is_fatal(result: Result) -> None:
    assert result is did(SWAP, result).fatal.result


def test_what_a_step_gives_up_is_refused_from_then_on() -> None:
    step = Do(Remove(backends("i-2")), "take_back", (Refusal("i-9", "not_healthy"),))
    progress = begun().after_write(step, Answer(Result.BUSY), NOW, 0.5)
    assert "i-9:not_healthy" == shown_refused(progress.refused.values())


def test_a_removal_that_is_refused_names_the_old_one() -> None:
    progress = did(Remove(backends("i-1")), Result.BAD_BACKEND, "retire")
    assert ("i-1",) == progress.suspects


def test_a_run_begins_with_what_it_sees() -> None:
    progress = begun()
    assert ("i-1 i-2", NOW, "nothing") == (shown_group(progress.start), progress.wave_since, shown(None))


def test_after_a_full_load_balancer_a_bad_one_is_given_its_time_all_the_same() -> None:
    full = did(Add(backends("i-8 i-9")), Result.OVER_QUOTA, "add")
    assert [("i-8",), ()] == [full.focus(NOW), did(TWO, Result.BAD_BACKEND, of=full).focus(NOW)]


def test_only_one_that_is_one_too_many_says_that_there_is_no_room() -> None:
    full = did(ADD, Result.OVER_QUOTA, "add", of=did(ADD, Result.BUSY, of=did(SWAP, Result.OVER_QUOTA)))
    assert {"modify", "add"} == full.crowded
    bad = did(ADD, Result.BAD_BACKEND, at=NOW + 30, of=did(ADD, Result.BAD_BACKEND))
    assert (frozenset(), {"i-9"}) == (bad.crowded, bad.refused.keys())


def test_a_reading_of_before_what_was_seen_does_not_lag() -> None:
    progress, _ = did(ADD, Result.APPLIED).after_read(group("i-1 i-2 i-9"), NOW, 0.5)
    progress = did(Remove(backends("i-1")), Result.APPLIED, of=progress)
    assert progress.after_read(group("i-1 i-2"), NOW, 0.5)[1]
    progress, _ = did(ADD, Result.APPLIED).after_read(group("i-2"), NOW, 0.5)
    progress = did(Remove(backends("i-2")), Result.APPLIED, of=progress)
    assert progress.after_read(group("i-1 i-2"), NOW, 0.5)[1]


def test_what_others_undo_later_was_done_once() -> None:
    progress, _ = did(SWAP, Result.APPLIED).after_read(group("i-2 i-9"), NOW, 0.5)
    progress, _ = progress.after_read(group("i-1 i-2"), NOW, 0.5)
    assert (SWAP,) == progress.done


def test_what_a_write_left_out_is_noted_once_for_that_write() -> None:
    progress, _ = did(TWO, Result.APPLIED).after_read(group("i-8"), NOW, 0.5)
    progress, _ = progress.after_read(group("i-5"), NOW, 0.5)
    assert {"i-9": 1} == progress.skipped
