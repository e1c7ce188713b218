"""A bad backend is looked for by halves, and only it is refused."""

from __future__ import annotations

from handler.core.deciding.run_state import RunState, begin
from handler.core.deciding.writes import BAD_BACKEND_S, SKIPPED_TIMES, Isolation
from handler.core.model.answers import Answer, Result
from handler.core.model.steps import Add, Do, Modify, Remove, Step
from handler.core.model.values import Pair
from tests.support.builders import backend, backends, shown_refused, view

NOW = 1000.0
SWAP = Modify((Pair(backend("i-1"), backend("i-9")),))
TWO = Modify((Pair(backend("i-1"), backend("i-8")), Pair(backend("i-2"), backend("i-9"))))
ADDRESSES = Add(backends("eni-1@10.0.0.1 eni-1@10.0.0.2"))


def refused(step: Step, at: float = NOW, of: RunState | None = None, left: float = 600.0) -> RunState:
    state = of or begin(view("i-1 i-2", left=left))
    return state.after_write(Do(step, "replace"), Answer(Result.BAD_BACKEND, "Code"), at, 0.5)


def test_a_batch_with_a_bad_one_is_tried_whole_for_a_while() -> None:
    isolation = refused(TWO).isolation
    assert ("i-8", "i-9") == isolation.suspects
    assert [(), ("i-8",)] == [isolation.focus(at) for at in (NOW + 29.9, NOW + 30)]


def test_the_while_is_shorter_where_time_is_short() -> None:
    isolation = refused(TWO, left=40.0).isolation
    assert [(), ("i-8",)] == [isolation.focus(at) for at in (NOW + 9.9, NOW + 10)]


def test_of_an_odd_number_the_smaller_half_is_tried() -> None:
    isolation, _ = Isolation().suspected(("a", "b", "c", "d", "e"), NOW, BAD_BACKEND_S)
    assert ("a", "b") == isolation.focus(NOW + BAD_BACKEND_S)


def test_a_half_that_was_written_is_suspected_no_more() -> None:
    state = refused(TWO).after_write(Do(SWAP, "replace"), Answer(Result.APPLIED), NOW, 0.5)
    assert ("i-8",) == state.isolation.suspects


def test_a_unit_that_is_refused_alone_once_trying_is_over_is_refused_for_good() -> None:
    early = refused(SWAP)
    late = refused(SWAP, NOW + 30, early)
    assert {} == early.refused
    assert "i-9:bad_backend" == shown_refused(late.refused.values())
    assert ({"code": "Code"}, ()) == (late.refused["i-9"].numbers, late.isolation.suspects)


def test_the_addresses_of_one_server_are_suspected_apart() -> None:
    isolation = refused(ADDRESSES).isolation
    assert ("eni-1@10.0.0.1",) == isolation.focus(NOW + 30)
    one = Add(ADDRESSES.backends[:1])
    alone = refused(one, NOW + 31, refused(ADDRESSES))
    assert "eni-1@10.0.0.1:bad_backend" == shown_refused(alone.refused.values())


def test_a_removal_that_is_refused_names_the_old_one() -> None:
    assert ("i-1",) == refused(Remove(backends("i-1"))).isolation.suspects


def test_a_unit_that_is_left_out_of_a_write_too_often_is_told() -> None:
    isolation, often = Isolation(), {}
    for times in range(1, SKIPPED_TIMES + 1):
        assert {} == often
        isolation, often = isolation.skipped(("i-8",) if times == 2 else ("i-8", "i-9"))
    assert ({"i-8": 3}, {"i-8": 3, "i-9": 2}) == (often, isolation.left_out)


def test_a_write_refused_for_good_is_halved_at_once() -> None:
    isolation = Isolation().divided(("a", "b", "c", "d"))
    assert ("a", "b") == isolation.focus(NOW)
    bad, _ = isolation.suspected(("a", "b"), NOW, BAD_BACKEND_S)
    assert () == bad.focus(NOW), "what may pass is tried for a while"


def test_after_a_unit_refused_for_good_another_is_tried_alone_and_then_all_the_rest() -> None:
    isolation = Isolation().divided(("a", "b", "c", "d")).divided(("a", "b")).divided(("a",))
    assert ("d",) == isolation.focus(NOW)
    assert ("c",) == isolation.divided(("d",)).focus(NOW)
    assert ((), ()) == (isolation.cleared(("d",)).focus(NOW), isolation.cleared(("d",)).batch)
