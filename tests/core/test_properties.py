"""For any group, listing and intent: the forecast gives what was asked for, and loses nothing on the way."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, event, given, settings

from handler.core.deciding.plan import Plan, plan
from handler.core.model.steps import Modify, after, new_side, old_side
from handler.core.model.values import Group
from tests.support import naive
from tests.support.strategies import Case, event_cases, request_cases

#: EXAMPLES=3000 in the environment looks longer.
several = settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def foreseen(case: Case) -> Plan:
    return plan(case.view, case.intent, case.policy)


def done(start: Group, plan: Plan) -> Group:
    for step in plan.steps:
        start = after(start, step)
    return start


def is_whole(plan: Plan) -> bool:
    """Whether nothing of it was refused."""
    whole = (
        plan.finish is not None
        and not plan.finish.refused
        and plan.finish.outcome in {"applied", "unchanged"}
    )
    event(f"whole: {whole}")
    return whole


def check_whole(case: Case) -> None:
    plan = foreseen(case)
    if is_whole(plan):
        assert dict(naive.wished(case).backends) == dict(done(case.view.group, plan).backends)


@several
@given(request_cases())
def test_doing_the_forecast_of_a_request_gives_the_group_asked_for(case: Case) -> None:
    check_whole(case)


@several
@given(request_cases(forced=True, max_removed="100%", min_backends=0, drain_s=0))
def test_a_forced_request_gives_the_group_asked_for(case: Case) -> None:
    check_whole(case)


@several
@given(event_cases())
def test_doing_the_forecast_of_an_event_gives_the_group_asked_for(case: Case) -> None:
    check_whole(case)


def check_safe(case: Case) -> None:
    plan, wish = foreseen(case), naive.asked(case)
    named = {b.key for out in wish.out.values() for b in out}
    coming = set(wish.coming)
    foreign = {
        k: b
        for k, b in case.view.group.backends.items()
        if k not in named and naive.unit_of(k) not in coming and k not in naive.left_over(case, wish)
    }
    floor = naive.floor_of(case, wish)
    before = naive.in_service(case, dict(case.view.group.backends), set(), wish.gone)
    previous = None
    for step, now, unproven in naive.instants(case.view.group, plan.steps):
        assert foreign == {key: now.get(key) for key in foreign}
        serving = naive.in_service(case, now, unproven, wish.gone)
        if step is not previous:
            allowed, previous = min(floor, len(before)), step
        assert len(serving) >= allowed, (step, floor)
        before = naive.in_service(case, now, set(), wish.gone)


@several
@given(request_cases())
def test_no_instant_of_a_request_touches_others_or_goes_below_the_floor(case: Case) -> None:
    check_safe(case)


@several
@given(event_cases())
def test_no_instant_of_an_event_touches_others_or_goes_below_the_floor(case: Case) -> None:
    check_safe(case)


def check_limits(case: Case) -> None:
    plan = foreseen(case)
    asked_for_0 = {n.server_id for n in case.intent.launched if n.weight == 0}
    for step in plan.steps:
        sides = (old_side(step), new_side(step))
        for side in sides:
            assert len(side) <= case.policy.max_per_call
            assert len(side) == len({b.key for b in side})
        if isinstance(step, Modify):
            assert len(sides[0]) == len(sides[1])
    end = done(case.view.group, plan)
    assert end == plan.group
    if is_whole(plan):
        came = [b for key, b in end.backends.items() if key not in case.view.group.backends]
        assert [] == [b for b in came if b.weight == 0 and b.key.server_id not in asked_for_0]
    assert plan == foreseen(case)


@several
@given(request_cases())
def test_steps_of_a_request_keep_their_limits_and_come_out_the_same_each_time(case: Case) -> None:
    check_limits(case)


@several
@given(event_cases())
def test_steps_of_an_event_keep_their_limits_and_come_out_the_same_each_time(case: Case) -> None:
    check_limits(case)
