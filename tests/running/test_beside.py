"""Auto Scaling and ECS are asked while the load balancer is; errors come as if one followed the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.observed import Observed
from handler.running.beside import Beside, in_thread, in_turn
from handler.running.observer import Observer
from tests.support.builders import cloud, event, target
from tests.support.level_a import Calls, FakeClock, means_of

BOTH = pytest.mark.parametrize("beside", [in_turn, in_thread])


def look(
    beside: Beside, before: Callable[[str], None] = lambda action: None, terminated: str = "", **state: Any
) -> Observed:
    calls, clock = Calls(cloud("i-1 i-2", "i-1 i-3", **state), before), FakeClock()
    return Observer(target(), event(terminated), means_of(calls, clock, 2000.0, beside=beside)).first()[0]


@pytest.mark.parametrize("terminated", ["", "i-2"])
def test_both_ways_see_the_same(terminated: str) -> None:
    assert look(in_turn, terminated=terminated) == look(in_thread, terminated=terminated)


def test_the_services_are_asked_at_once() -> None:
    """Either side waits for the other to be under way: one after the other, they would wait for ever."""
    met = threading.Barrier(2, timeout=10)
    meeting = {"DescribeHealthStatus", "DescribeScalingInstances"}
    seen: set[str] = set()

    def before(action: str) -> None:
        if action in meeting - seen:
            seen.add(action)
            met.wait()

    assert look(in_thread, before).problem is None
    assert meeting == seen


def test_ecs_is_asked_while_auto_scaling_is_asked_by_id() -> None:
    met = threading.Barrier(2, timeout=10)
    made: list[str] = []

    def before(action: str) -> None:
        made.append(action)
        by_id = action == "DescribeScalingInstances" and made.count(action) == 2
        if by_id or action == "DescribeInstances":
            met.wait()

    assert look(in_thread, before, terminated="i-2").problem is None
    assert (1, 2) == (made.count("DescribeInstances"), made.count("DescribeScalingInstances"))


@BOTH
@pytest.mark.parametrize("action", ["DescribeScalingInstances", "DescribeInstances"])
def test_what_fails_of_these_is_the_problem_of_the_look(beside: Beside, action: str) -> None:
    faults = [
        {"action": action, "nth": 2 if action == "DescribeScalingInstances" else 1, "error": "InternalError"}
    ]
    problem = look(beside, terminated="i-2", faults=faults).problem
    assert problem is not None
    assert "InternalError" == problem.code


def test_no_thread_is_left_and_none_is_made_where_nobody_else_is_asked() -> None:
    threads = threading.active_count()
    calls, clock = Calls(cloud("i-1 i-2", "i-1 i-2")), FakeClock()
    made: list[object] = []

    def counting(work: Callable[[], None]) -> Any:
        made.append(work)
        return in_thread(work)

    observer = Observer(target(), event(), means_of(calls, clock, 2000.0, beside=counting))
    seen = observer.first()
    observer.again(*seen)
    assert (1, threads) == (len(made), threading.active_count())


@BOTH
@pytest.mark.parametrize("action", ["DescribeScalingInstances", "DescribeInstances", "DescribeHealthStatus"])
def test_what_either_side_fails_with_is_the_problem_of_the_look(beside: Beside, action: str) -> None:
    faults = [{"action": action, "nth": 1, "error": "Throttling.User"}]
    problem = look(beside, faults=faults).problem
    assert problem is not None
    assert (Result.THROTTLED, "Throttling.User") == (problem.result, problem.code)


@BOTH
def test_where_both_fail_it_is_what_the_load_balancer_says(beside: Beside) -> None:
    faults = [
        {"action": "DescribeScalingInstances", "nth": 1, "error": "Throttling.User"},
        {"action": "DescribeHealthStatus", "nth": 1, "error": "InternalError"},
    ]
    problem = look(beside, faults=faults).problem
    assert problem is not None
    assert "InternalError" == problem.code


@BOTH
def test_what_the_work_raises_comes_out_of_the_block(beside: Beside) -> None:
    def fails() -> None:
        raise CallFailed(Answer(Result.GONE))

    with pytest.raises(CallFailed), beside(fails):
        pass


def test_the_block_waits_for_the_work_even_where_it_raises_itself() -> None:
    done: list[int] = []
    go = threading.Event()

    def work() -> None:
        go.wait(10)
        done.append(1)
        raise CallFailed(Answer(Result.GONE))

    with pytest.raises(ZeroDivisionError), in_thread(work):
        go.set()
        raise ZeroDivisionError
    assert [1] == done


def test_auto_scaling_is_asked_before_the_group_has_been_read() -> None:
    met = threading.Barrier(2, timeout=10)
    seen: set[str] = set()

    def before(action: str) -> None:
        if action in {"DescribeVServerGroupAttribute", "DescribeScalingInstances"} - seen:
            seen.add(action)
            met.wait()

    assert look(in_thread, before).problem is None


@BOTH
def test_what_depends_on_a_group_that_cannot_be_read_is_not_asked(beside: Beside) -> None:
    made: list[str] = []
    faults = [{"action": "DescribeVServerGroupAttribute", "nth": 1, "error": "Throttling.User"}]
    problem = look(beside, made.append, faults=faults).problem
    assert problem is not None
    assert "Throttling.User" == problem.code
    assert "DescribeInstances" not in made
