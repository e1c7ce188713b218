"""What is looked at, and when again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from handler.core.deciding.run_state import RunState
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Target
from handler.core.model.values import Instance, Intent, Listeners, Verdict
from handler.running.observer import ANSWERS_S, Observer
from localcloud.cloud import Cloud
from localcloud.state.world import Member
from tests.support.builders import cloud, event, request, shown_group, target, verdicts
from tests.support.level_a import Calls, FakeClock, means_of

READ, LISTED, HEALTH, ECS = (
    "DescribeVServerGroupAttribute",
    "DescribeScalingInstances",
    "DescribeHealthStatus",
    "DescribeInstances",
)


class Looker:
    """An observer of a local cloud, and what it has called."""

    def __init__(self, over: Cloud, wish: Intent | None = None, at: Target | None = None) -> None:
        self.clock, self.calls = FakeClock(), Calls(over)
        means = means_of(self.calls, self.clock, 2000.0)
        self.observer = Observer(at or target(), wish or event(), means)
        self.seen: tuple[Observed, RunState] | None = None

    def look(self, waited_for: str = "") -> Observed:
        if self.seen is None:
            self.seen = self.observer.first()
        else:
            self.seen = self.observer.again(*self.seen, waited_for=waited_for)
        return self.seen[0]

    def called(self, action: str) -> int:
        return self.calls.actions.count(action)


def fault(action: str, nth: int, error: str = "Throttling.User") -> dict[str, Any]:
    return {"action": action, "nth": nth, "error": error}


def test_a_first_look_sees_group_listing_and_health() -> None:
    view = Looker(cloud("i-1 i-2", "i-1 i-3=pending")).look()
    assert ("i-1 i-2", {"i-1": "in_service", "i-3": "pending"}) == (
        shown_group(view.group),
        {one.id: one.state for one in view.servers.values()},
    )
    assert verdicts(view.group.backends, Verdict.NORMAL) == view.health
    assert (True, Source.COMPLETE, 2000.0) == (view.fresh, view.source, view.deadline)


def test_health_is_not_read_where_nobody_checks() -> None:
    looker = Looker(cloud("i-1", "i-1", health_check=False))
    seen = looker.look()
    assert ({}, Listeners(unchecking=frozenset({"http:80"}))) == (seen.health, seen.listeners)
    assert 0 == looker.called(HEALTH)


def test_without_scaling_groups_there_is_no_listing_to_believe() -> None:
    looker = Looker(cloud("i-1"), request("i-1"), target(scaling=False))
    assert Source.ABSENT is looker.look().source
    assert 0 == looker.called(LISTED)


def test_a_listing_holds_for_some_seconds() -> None:
    looker = Looker(cloud("i-1", "i-1"))
    looker.look()
    looker.clock.sleep(ANSWERS_S - 1)
    looker.look()
    assert 1 == looker.called(LISTED)
    looker.clock.sleep(1)
    looker.look()
    assert 2 == looker.called(LISTED)


@pytest.mark.parametrize("why", ["listing_lags", "floor"])
def test_a_listing_that_is_waited_for_is_read_again_at_once(why: str) -> None:
    looker = Looker(cloud("i-1", "i-1"))
    looker.look()
    looker.look(waited_for=why)
    assert 2 == looker.called(LISTED)


def test_who_would_be_taken_out_for_a_listing_is_asked_for_by_id() -> None:
    looker = Looker(cloud("i-1 i-2", "i-1"), event("i-2"))
    assert {"i-1"} == looker.look().servers.keys()
    assert 2 == looker.called(LISTED)


def test_nobody_is_asked_for_where_nobody_would_be_taken_out() -> None:
    looker = Looker(cloud("i-1 i-2", "i-1"), event("i-1"))
    looker.look()
    assert 1 == looker.called(LISTED)


@pytest.mark.parametrize("at", [1, 2])
def test_a_listing_of_which_half_failed_is_read_whole_again(at: int) -> None:
    over = cloud("i-1 i-2", "i-1", faults=[fault(LISTED, at)])
    looker = Looker(over, event(), target(exclusive=True))
    assert looker.look().problem is not None
    assert ({"i-1"}, Source.COMPLETE) == (looker.look().servers.keys(), looker.look().source)


def test_an_older_listing_is_not_used_in_place_of_one_that_failed() -> None:
    over = cloud("i-1 i-2", "i-1 i-2")
    looker = Looker(over, event(), target(exclusive=True))
    looker.look()
    over.put_faults([fault(LISTED, 1)])
    assert looker.look(waited_for="floor").others_unread is not None
    looker.clock.sleep(1)
    looker.look()
    assert 3 == looker.called(LISTED)


@pytest.mark.parametrize("action", [LISTED, ECS])
@pytest.mark.parametrize("error", ["Throttling.User", "Forbidden.RAM"])
def test_what_auto_scaling_and_ecs_said_is_kept_while_they_do_not_answer(action: str, error: str) -> None:
    over = cloud("i-1", "i-1", fresh="i-2")
    looker = Looker(over)
    first = looker.look()
    both = tuple(Member(one) for one in ("i-1", "i-2"))
    over.world.scaling_groups["asg-web"] = replace(over.world.scaling_groups["asg-web"], instances=both)
    over.put_faults([fault(action, 1, error)])
    looker.clock.sleep(ANSWERS_S)
    seen = looker.look()
    assert (None, error) == (seen.problem, seen.others_unread.code)
    assert (first.servers, first.asked, first.instances) == (seen.servers, seen.asked, seen.instances)
    asked = looker.called(action)
    assert seen.others_unread is looker.look().others_unread
    assert asked == looker.called(action), "they are asked again only after a while"
    looker.clock.sleep(1)
    later = looker.look()
    assert (None, {"i-1", "i-2"}, {"i-1", "i-2"}) == (
        later.others_unread,
        later.servers.keys(),
        later.instances.keys(),
    )
    assert 0 == looker.seen[1].others.attempts


def test_auto_scaling_and_ecs_are_asked_again_after_longer_and_longer_waits() -> None:
    over = cloud("i-1", "i-1")
    looker = Looker(over)
    looker.look()
    over.put_faults([{"action": LISTED, "error": "Throttling.User"}])
    looker.clock.sleep(ANSWERS_S)
    for _ in range(100):
        looker.look()
        looker.clock.sleep(0.5)
    assert looker.called(LISTED) < 25
    assert "throttled" == looker.seen[1].others.trouble


def test_a_health_check_that_fails_leaves_it_open_what_auto_scaling_says() -> None:
    over = cloud("i-1", "i-1")
    looker = Looker(over)
    looker.look()
    over.put_faults([fault(HEALTH, 1), fault(LISTED, 1)])
    looker.clock.sleep(ANSWERS_S)
    assert looker.look().problem is not None
    looker.clock.sleep(1)
    assert (None, True) == ((seen := looker.look()).problem, seen.others_unread is not None)


@pytest.mark.parametrize("action", [READ, LISTED, HEALTH, ECS])
def test_a_look_that_fails_is_a_view_with_its_problem(action: str) -> None:
    looker = Looker(cloud("i-1", "i-1", faults=[fault(action, 1)]))
    view = looker.look()
    assert Answer(Result.THROTTLED, "Throttling.User", view.problem.message) == view.problem
    assert not view.fresh
    assert 1 == looker.seen[1].retry.attempts
    assert ("i-1", None) == (shown_group(looker.look().group), looker.look().problem)


def test_the_run_begins_with_the_first_look_that_succeeds() -> None:
    looker = Looker(cloud("i-1", "i-1", faults=[fault(HEALTH, 1)]))
    looker.look()
    looker.look()
    view, progress = looker.seen
    assert (view, 0) == (progress.first, progress.retry.attempts)


def test_a_failure_that_will_not_pass_is_a_try_once_a_write_was_sent(
    write: Callable[[Looker, str], None],
) -> None:
    looker = Looker(cloud("i-1 i-2", "i-1", faults=[fault(READ, 2, "Forbidden.RAM")]), request("i-2"))
    looker.look()
    write(looker, "i-2")
    assert Result.PERMANENT is looker.look().problem.result
    assert (1, "Forbidden.RAM") == (looker.seen[1].retry.attempts, looker.seen[1].retry.trouble)


def test_a_failure_that_will_not_pass_is_not_counted_as_a_try() -> None:
    looker = Looker(cloud("i-1", "i-1", faults=[fault(READ, 2, "Forbidden.RAM")]))
    looker.look()
    assert Result.PERMANENT is looker.look().problem.result
    assert 0 == looker.seen[1].retry.attempts


def test_a_group_that_auto_scaling_keeps_is_seen_so() -> None:
    over = cloud("i-1", "i-1")
    before = over.state()
    before["scaling_groups"][0]["vserver_groups"] = ["rsp-web"]
    over.replace(before)
    assert Looker(over).look().attached


def test_a_reading_that_lags_shows_what_was_written(write: Callable[[Looker, str], None]) -> None:
    looker = Looker(cloud("i-1 i-2", "i-1", readings={"read_lag": 1}), request("i-2"))
    looker.look()
    write(looker, "i-2")
    lagging = looker.look()
    assert ("i-1", False) == (shown_group(lagging.group), lagging.fresh)
    assert ("i-1", True) == (shown_group(looker.look().group), looker.look().fresh)


@pytest.fixture
def write() -> Callable[[Looker, str], None]:
    from handler.core.model.steps import Do, Remove, backends_of

    def remove(looker: Looker, server_id: str) -> None:
        view, progress = looker.seen
        step = Remove(backends_of(view.group, server_id))
        answer = looker.observer.slb.do(view.group, step)
        looker.seen = view, progress.after_write(Do(step, "retire"), answer, looker.clock.now(), 0.5)

    return remove


def test_ecs_is_asked_for_what_is_named_in_the_group_or_listed() -> None:
    looker = Looker(cloud("i-1 eni-1@10.0.0.1", "i-2", fresh="i-3"), event("i-4", "i-3"))
    assert {"i-1", "i-2", "i-3", "i-4"} == looker.look().asked
    assert {"i-1", "i-2", "i-3"} == looker.look().instances.keys()


def test_of_a_request_ecs_is_asked_for_what_it_names_and_for_what_counts_as_capacity() -> None:
    looker = Looker(cloud("i-1 i-2", fresh="i-9"), request("i-1", "i-9"), target(scaling=False))
    assert {"i-1", "i-2", "i-9"} == looker.look().asked


def test_what_ecs_says_is_seen() -> None:
    over = cloud("i-1 i-2", "i-1 i-2", reclaimed="i-1", stopped="i-2")
    assert {"i-1": Instance("i-1", "running", True), "i-2": Instance("i-2", "stopped", False)} == Looker(
        over
    ).look().instances


def test_ecs_is_asked_a_hundred_ids_a_call_and_again_once_its_answers_are_old() -> None:
    many = " ".join(f"i-{n}" for n in range(205))
    looker = Looker(cloud(many, many))
    looker.look()
    asked = looker.called(ECS)
    assert asked in {3, 4}, "three of them, and one that asks whether it may ask"
    looker.clock.sleep(ANSWERS_S - 1)
    looker.look()
    assert asked == looker.called(ECS)
    looker.clock.sleep(1)
    looker.look()
    assert 3 == looker.called(ECS) - asked


def test_ecs_is_asked_again_where_something_waits_for_its_change() -> None:
    over = cloud("i-1 i-2", "i-1 i-2")
    looker = Looker(over)
    assert not looker.look().instances["i-1"].reclaimed
    over.world.instances["i-1"] = replace(over.world.instances["i-1"], operation_locks=("Recycling",))
    assert not looker.look(waited_for="health").instances["i-1"].reclaimed
    assert looker.look(waited_for="floor").instances["i-1"].reclaimed


def test_only_what_is_new_in_a_listing_is_asked_for() -> None:
    over = cloud("i-1", "i-1", fresh="i-2")
    looker = Looker(over)
    looker.look()
    both = tuple(Member(one) for one in ("i-1", "i-2"))
    over.world.scaling_groups["asg-web"] = replace(over.world.scaling_groups["asg-web"], instances=both)
    looker.clock.sleep(ANSWERS_S)
    before = looker.called(ECS)
    assert {"i-1", "i-2"} == looker.look().instances.keys()
    assert before + 1 == looker.called(ECS)


def test_a_run_goes_on_where_ecs_may_not_be_read() -> None:
    over = cloud("i-1", "i-1", faults=[{"action": ECS, "error": "Forbidden.RAM"}])
    looker = Looker(over)
    seen = looker.look()
    assert (None, None) == (seen.problem, seen.instances)
    looker.look(waited_for="floor")
    assert 1 == looker.called(ECS), "it will be refused again"


def test_a_scaling_group_that_is_gone_is_missing_and_the_others_are_listed() -> None:
    at = structs.replace(target(), scaling_group_ids=("asg-web", "asg-none"))
    seen = Looker(cloud("i-1", "i-1 i-2"), at=at).look()
    assert (("asg-none",), {"i-1", "i-2"}, Source.SOME_EMPTY) == (
        seen.missing,
        seen.servers.keys(),
        seen.source,
    )
    alone = Looker(cloud("i-1", "i-1"), at=structs.replace(target(), scaling_group_ids=("asg-none",))).look()
    assert (("asg-none",), {}, Source.EMPTY) == (alone.missing, alone.servers, alone.source)


def test_an_empty_listing_is_believed_where_the_scaling_group_counts_none() -> None:
    assert Source.COMPLETE is Looker(cloud("i-1", "")).look().source


def test_a_listing_that_says_the_same_is_the_same() -> None:
    looker = Looker(cloud("i-1", "i-1 i-2"))
    first = looker.look()
    looker.clock.sleep(ANSWERS_S)
    assert first.servers is looker.look().servers


def test_ecs_is_asked_again_for_who_has_left_the_group_meanwhile() -> None:
    over = cloud("i-1 i-2", "i-2")
    over.world.instances["i-1"] = replace(over.world.instances["i-1"], operation_locks=("Recycling",))
    looker = Looker(over)
    assert looker.look().instances["i-1"].reclaimed
    group = over.world.groups["rsp-web"]
    over.world.put_backends(group, group.backends[1:], "foreign")
    looker.clock.sleep(ANSWERS_S)
    seen = looker.look()
    assert "i-2" == shown_group(seen.group)
    assert seen.instances["i-1"].reclaimed
