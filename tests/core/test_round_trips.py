"""What was done can be undone by the request in its outcome, and done again it changes nothing."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import event as seen

from handler import outcome
from handler.core.model.policy import Target
from handler.core.model.steps import same
from handler.core.model.values import Group, Intent
from handler.running.loop import Run
from handler.triggers import deployment
from localcloud.cloud import Cloud
from tests.core.test_properties import several
from tests.support.builders import GROUP, cloud, group_of
from tests.support.level_a import Calls, run
from tests.support.strategies import NEW, OLD, Case, event_cases, request_cases


def world(case: Case) -> Cloud:
    listed = {"in_service": "", "leaving": "=leaving", "pending": "=pending", "standby": "=standby"}
    said = [
        one.id + (listed[one.state] if one.healthy or one.state != "in_service" else "=sick")
        for one in case.view.servers.values()
    ]
    return cloud(
        case.view.group,
        " ".join(said) if case.view.servers else None,
        fresh=" ".join((*OLD, *NEW)),
        health_check=bool(case.view.listeners.checking),
    )


def ran(over: Cloud, case: Case, intent: Intent) -> tuple[Run, Calls]:
    scaling = tuple(over.world.scaling_groups)
    return run(over, Target("web", GROUP, scaling, "apply", case.policy), intent, timeout_s=3000)


def undone(over: Cloud, case: Case, done: Run) -> Group:
    """The group after the request in a run's outcome was sent."""
    reverse = outcome.of_run(done)["reverse"]
    if reverse is not None:
        (intent,) = deployment.read_value(reverse, [done.target], ("undo",))
        assert isinstance(intent, Intent)
        ran(over, case, intent)
    return group_of(over)


def check_undone(case: Case) -> None:
    # What a run that was cut off left waiting is nothing to go back to.
    assume(all(b.description != case.policy.marks.waiting for b in case.view.group.backends.values()))
    # A group below its least may grow by the way back, and then does not go below it again.
    serving = {key.server_id for key, b in case.view.group.backends.items() if b.weight}
    assume(len(serving) >= case.policy.min_backends)
    over = world(case)
    done, _ = ran(over, case, case.intent)
    seen(done.finish.outcome)
    if done.finish.outcome == "applied":
        assert dict(case.view.group.backends) == dict(undone(over, case, done).backends)


@several
@given(request_cases())
def test_undoing_a_request_gives_the_first_group_back(case: Case) -> None:
    check_undone(case)


@several
@given(event_cases())
def test_undoing_an_event_gives_the_first_group_back(case: Case) -> None:
    check_undone(case)


def check_again(case: Case) -> None:
    over = world(case)
    done, _ = ran(over, case, case.intent)
    before = group_of(over)
    again, calls = ran(over, case, case.intent)
    if done.finish.outcome in {"applied", "unchanged"}:
        assert ("unchanged", []) == (again.finish.outcome, calls.writes)
        assert same(before, group_of(over))


@several
@given(request_cases())
def test_a_request_done_again_writes_nothing(case: Case) -> None:
    check_again(case)


@several
@given(event_cases())
def test_an_event_delivered_again_writes_nothing(case: Case) -> None:
    check_again(case)
