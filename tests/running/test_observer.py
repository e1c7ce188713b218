"""What is looked at, and when again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from handler.core.deciding.run_state import RunState
from handler.core.model.answers import Answer, Result
from handler.core.model.observed import Observed, Source
from handler.core.model.policy import Target
from handler.core.model.values import Intent, Verdict
from handler.running.observer import LISTING_S, Observer
from localcloud.cloud import Cloud
from tests.support.builders import cloud, event, request, shown_group, target, verdicts
from tests.support.level_a import Calls, FakeClock, ModelEss, ModelSlb

READ, LISTED, HEALTH = "DescribeVServerGroupAttribute", "DescribeScalingInstances", "DescribeHealthStatus"


class Looker:
    """A lookout over a local cloud, and what it has called."""

    def __init__(self, over: Cloud, wish: Intent | None = None, at: Target | None = None) -> None:
        self.clock, self.calls = FakeClock(), Calls(over)
        ess = ModelEss(self.calls)
        self.lookout = Observer(
            at or target(), wish or event(), ModelSlb(self.calls), ess, self.clock, 2000.0
        )
        self.seen: tuple[Observed, RunState] | None = None

    def look(self, waited_for: str = "") -> Observed:
        if self.seen is None:
            self.seen = self.lookout.first()
        else:
            self.seen = self.lookout.again(*self.seen, waited_for=waited_for)
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
    assert Verdict.UNCHECKED is looker.look().verdict(next(iter(looker.look().group.backends)))
    assert 0 == looker.called(HEALTH)


def test_without_scaling_groups_there_is_no_listing_to_believe() -> None:
    looker = Looker(cloud("i-1"), request("i-1"), target(scaling=False))
    assert Source.ABSENT is looker.look().source
    assert 0 == looker.called(LISTED)


def test_a_listing_holds_for_some_seconds() -> None:
    looker = Looker(cloud("i-1", "i-1"))
    looker.look()
    looker.clock.sleep(LISTING_S - 1)
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
    assert looker.look(waited_for="floor").problem is not None
    looker.look()
    assert 3 == looker.called(LISTED)


@pytest.mark.parametrize("action", [READ, LISTED, HEALTH])
def test_a_look_that_fails_is_a_view_with_its_problem(action: str) -> None:
    looker = Looker(cloud("i-1", "i-1", faults=[fault(action, 1)]))
    view = looker.look()
    assert Answer(Result.THROTTLED, "Throttling.User", view.problem.message) == view.problem
    assert not view.fresh
    assert 1 == looker.seen[1].attempts
    assert ("i-1", None) == (shown_group(looker.look().group), looker.look().problem)


def test_the_run_begins_with_the_first_look_that_succeeds() -> None:
    looker = Looker(cloud("i-1", "i-1", faults=[fault(HEALTH, 1)]))
    looker.look()
    looker.look()
    view, progress = looker.seen
    assert (view, 0) == (progress.first, progress.attempts)


def test_a_failure_that_will_not_pass_is_not_counted_as_a_try() -> None:
    looker = Looker(cloud("i-1", "i-1", faults=[fault(READ, 2, "Forbidden.RAM")]))
    looker.look()
    assert Result.PERMANENT is looker.look().problem.result
    assert 0 == looker.seen[1].attempts


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
    from handler.core.model.decisions import Do
    from handler.core.model.steps import Remove, backends_of

    def remove(looker: Looker, server_id: str) -> None:
        view, progress = looker.seen
        step = Remove(backends_of(view.group, server_id))
        answer = ModelSlb(looker.calls).do(view.group, step)
        looker.seen = view, progress.after_write(Do(step, "retire"), answer, looker.clock.now(), 0.5)

    return remove
