"""The decisions to come, if everything succeeds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.deciding.plan import Plan, plan
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.values import Group, Intent
from tests.support.builders import event, group, hook, policy, request, shown, shown_group, view


def foreseen(looked: Observed, intent: Intent, how: Policy | None = None) -> Plan:
    return plan(looked, intent, how or policy())


def test_it_shows_the_steps_the_group_and_the_end() -> None:
    plan = foreseen(view("i-1 i-2 i-3", checked=True), request("i-1 i-2", "i-8 i-9"))
    assert ["modify i-1>i-8", "modify i-2>i-9"] == [shown(step) for step in plan.steps]
    assert ("i-3 i-8 i-9", "applied") == (shown_group(plan.group), shown(plan.finish))


def test_it_tells_the_waves_and_the_calls_of_each() -> None:
    plan = foreseen(
        view("i-1 i-2 i-3", checked=True), request("i-1 i-2", "i-8 i-9"), policy(max_unavailable=1)
    )
    told = [(why, [shown(step) for step in steps]) for why, steps in plan.waves]
    assert [("replace", ["modify i-1>i-8"]), ("replace", ["modify i-2>i-9"])] == told


def test_nothing_to_do_is_no_step() -> None:
    plan = foreseen(view("i-1"), request("i-9"))
    assert ((), "unchanged not_in_group: i-9") == (plan.steps, shown(plan.finish))


def test_what_a_guard_refuses_is_seen_before_the_first_write() -> None:
    assert "refused max_removed" == shown(foreseen(view("i-1 i-2 i-3"), request("i-1 i-2")).finish)


def test_it_is_not_bound_by_the_time_that_a_run_has() -> None:
    looked = view("i-1 i-2 i-3", checked=True, left=1)
    assert "applied" == shown(foreseen(looked, request("i-1 i-2", "i-8 i-9")).finish)


def test_it_does_not_wait_for_a_listing_that_lags() -> None:
    plan = foreseen(view("i-1 i-2", "i-1 i-2"), event("i-1"))
    assert "refused still_in_service" == shown(plan.finish)


def test_it_drains_and_surges() -> None:
    how = policy(strategy="surge", drain_s=30)
    plan = foreseen(view("i-1 i-2", checked=True), request("i-1", "i-9"), how)
    assert ["add i-9=0", "weigh i-9=100", "weigh i-1=0", "remove i-1=0"] == [shown(s) for s in plan.steps]


def test_it_takes_who_is_in_and_not_normal_yet_to_become_so() -> None:
    plan = foreseen(view("i-1 i-2 i-9", pending="i-9"), request("i-1", "i-9"))
    assert (["remove i-1"], "applied") == ([shown(s) for s in plan.steps], shown(plan.finish))


def test_it_has_no_end_where_others_must_act_first() -> None:
    plan = foreseen(view("i-1", "i-1=leaving"), event("i-1", hooks=(hook("i-1", "scale_in"),)))
    assert ((), None) == (plan.steps, plan.finish)


def test_a_forecast_without_an_end_is_refused_and_nothing_of_it_is_to_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handler.core.deciding.plan.DECISIONS_BESIDES", 1)
    monkeypatch.setattr("handler.core.deciding.plan.DECISIONS_PER_ENTRY", 0)
    plan = foreseen(view("i-1 i-2 i-3", checked=True), request("i-1 i-2", "i-8 i-9"))
    assert ((), False, "refused plan_without_end") == (plan.steps, plan.has_end, shown(plan.finish))
    assert ("i-1 i-2 i-3", {"steps": 1}) == (shown_group(plan.group), plan.finish.refused[0].numbers)


def test_the_same_steps_on_the_same_group_have_the_same_id_whoever_asks_and_whenever() -> None:
    one = foreseen(view("i-1 i-2"), request("i-1", "i-9"))
    other = foreseen(view("i-2 i-1", now=5000.0), request("i-1", "i-9", "i-1>i-9", event_ids=("later",)))
    assert one.plan_id == other.plan_id
    assert 12 == len(one.plan_id)


def test_other_steps_and_another_group_have_another_id() -> None:
    def ids(of: Group, intent: Intent) -> str:
        return foreseen(view(of), intent).plan_id

    wish = request("i-1", "i-9")
    different = {
        ids(group("i-1 i-2"), wish),
        ids(group("i-1 i-2=50"), wish),
        ids(group("i-1 i-2 i-3"), wish),
        ids(group("i-1 i-2"), request("i-1", "i-8")),
        ids(group("i-1 i-2"), replace(wish, target="api")),
    }
    assert 5 == len(different)


def test_it_does_not_take_the_abnormal_to_become_normal() -> None:
    looked = view("i-1 i-2 i-9", pending="i-9", abnormal="i-2")
    plan = foreseen(looked, request("i-1", "i-9"), policy(min_backends=2))
    assert ([], "refused min_backends") == ([shown(s) for s in plan.steps], shown(plan.finish))
