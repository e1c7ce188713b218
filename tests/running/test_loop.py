"""The loop, over the local cloud's models: look, decide, do, look again, finish."""

from __future__ import annotations

from typing import Any

import pytest

from handler.core.model.answers import Answer, Result
from handler.core.model.policy import Target
from handler.core.model.values import Intent
from handler.running.loop import Run
from handler.running.pacing import Pacing
from localcloud.cloud import Cloud
from tests.support.builders import (
    cloud,
    event,
    group_of,
    hook,
    request,
    shown,
    shown_group,
    shown_refused,
    target,
)
from tests.support.level_a import Calls, FakeClock, run

MODIFY, ADD, READ = (
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "DescribeVServerGroupAttribute",
)
TEN = " ".join(f"i-{n}" for n in range(1, 11))
NEW_TEN = " ".join(f"i-{n}" for n in range(21, 31))
#: ECS may not be asked: what the load balancer will not take is found out by its answers alone.
ECS_UNREAD = {"action": "DescribeInstances", "error": "Forbidden.RAM"}


def fault(action: str, nth: int = 1, **also: Any) -> dict[str, Any]:
    return {"action": action, "nth": nth, **also}


def ran(over: Cloud, wish: Intent, at: Target | None = None, **also: Any) -> tuple[Run, Calls]:
    return run(over, at or target(scaling=bool(over.world.scaling_groups)), wish, **also)


def test_a_pair_is_swapped_by_one_write_between_two_reads() -> None:
    over = cloud("i-1 i-2 i-3 i-4", fresh="i-9")
    done, calls = ran(over, request("i-1", "i-9", gone=True))
    assert ("applied", 1) == (shown(done.finish), done.attempts)
    assert ([MODIFY], 2) == (calls.writes, calls.actions.count(READ))
    assert "i-2 i-3 i-4 i-9" == shown_group(group_of(over))


def test_45_gone_take_three_writes_and_two_reads() -> None:
    old = " ".join(f"i-{n}" for n in range(1, 46))
    new = " ".join(f"i-{n}" for n in range(101, 146))
    over = cloud(old, fresh=new)
    done, calls = ran(over, request(old, new, gone=True))
    assert ("applied", [MODIFY] * 3, 2) == (shown(done.finish), calls.writes, calls.actions.count(READ))


def test_the_same_again_makes_no_write() -> None:
    over = cloud("i-1 i-2", fresh="i-9")
    ran(over, request("i-1", "i-9", gone=True))
    done, calls = ran(over, request("i-1", "i-9", gone=True))
    assert ("unchanged not_in_group: i-1", []) == (shown(done.finish), calls.writes)


def test_3_gone_and_5_launched_take_one_modify_and_one_add() -> None:
    over = cloud("i-1 i-2 i-3 i-4", "i-4 i-5 i-6 i-7 i-8 i-9", stopped="i-1 i-2 i-3")
    _, calls = ran(over, event("i-1 i-2 i-3", "i-5 i-6 i-7 i-8 i-9"))
    assert [MODIFY, ADD] == calls.writes


@pytest.mark.parametrize(
    ("wish", "mode"), [(request("i-1", "i-9", dry_run=True), "apply"), (request("i-1", "i-9"), "plan")]
)
def test_a_dry_run_only_forecasts(wish: Intent, mode: str) -> None:
    done, calls = ran(cloud("i-1 i-2", fresh="i-9"), wish, target(scaling=False, mode=mode))
    assert ("planned", []) == (done.finish.outcome, calls.writes)
    assert ["modify i-1>i-9"] == [shown(step) for step in done.planned.steps]


def test_a_dry_run_without_anything_to_do_says_how_it_would_end() -> None:
    done, _ = ran(cloud("i-1"), request("i-9", dry_run=True))
    assert "unchanged not_in_group: i-9" == shown(done.finish)


def test_a_dry_run_that_would_wait_for_others_says_what_for() -> None:
    wish = event("i-1", hooks=(hook("i-1", "scale_in"),), dry_run=True)
    done, _ = ran(cloud("i-1", "i-1=leaving"), wish)
    assert "planned floor" == shown(done.finish)


def test_what_would_wait_beyond_the_deadline_is_raised() -> None:
    over = cloud("i-1 i-2", fresh="i-9", readings={"fresh_health": 99})
    done, calls = ran(over, request("", "i-9"), timeout_s=30)
    assert ("raised health", [ADD]) == (shown(done.finish), calls.writes)


def test_not_even_a_first_wave_is_begun_that_the_time_left_will_not_see_through() -> None:
    over = cloud("i-1 i-2", fresh="i-9")
    done, calls = ran(over, request("i-1", "i-9"), timeout_s=120)
    assert ("raised deadline", []) == (shown(done.finish), calls.writes)


def test_no_write_is_sent_once_the_deadline_is_over() -> None:
    def slow(action: str) -> None:
        clock.sleep(20)

    for wish in (request("i-1", "i-9", gone=True), request("", "i-9"), request("i-1")):
        over, clock = cloud("i-1 i-2", fresh="i-9"), FakeClock()
        done, calls = ran(over, wish, timeout_s=30, before=slow, clock=clock)
        assert ("raised deadline", []) == (shown(done.finish), calls.writes)


def test_a_forecast_without_an_end_is_refused_before_the_first_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.core.deciding.plan.DECISIONS_BESIDES", 0)
    monkeypatch.setattr("handler.core.deciding.plan.DECISIONS_PER_ENTRY", 0)
    done, calls = ran(cloud("i-1 i-2", fresh="i-9"), request("i-1", "i-9"))
    assert ("refused plan_without_end", []) == (shown(done.finish), calls.writes)


def test_a_cloud_that_undoes_every_write_is_not_written_to_for_ever() -> None:
    over = cloud("i-1 i-2", fresh="i-9")
    first = over.world.groups["rsp-web"]

    def undo(action: str) -> None:
        if action == READ:
            over.world.groups["rsp-web"] = first

    done, calls = ran(over, request("i-1", gone=True), before=undo, timeout_s=100_000)
    assert "raised too_many_writes" == shown(done.finish)
    assert len(calls.writes) == done.state.most_writes(done.goal.entries) <= 20


def test_no_wave_is_begun_that_the_time_left_will_not_see_through() -> None:
    over = cloud(TEN, fresh=NEW_TEN, readings={"fresh_health": 30})
    done, calls = ran(over, request(TEN, NEW_TEN), timeout_s=150)
    assert ("raised deadline", [MODIFY]) == (shown(done.finish), calls.writes)


def test_all_that_happens_is_told() -> None:
    told: list[str] = []
    over = cloud("i-1 i-2", fresh="i-9", readings={"fresh_health": 1})
    ran(over, request("i-1", "i-9"), log=lambda name, **said: told.append(name))
    assert ["swap.planned", "swap.step", "swap.waiting"] == told


@pytest.mark.parametrize("error", ["BackendServer.configuring", "Throttling.User", "InternalError"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_what_may_pass_is_tried_again(error: str, nth: int) -> None:
    faults = [fault("*", each, error=error) for each in range(nth, nth + 3)]
    over = cloud("i-1 i-2", fresh="i-9", faults=faults)
    done, _ = ran(over, request("i-1", "i-9", gone=True))
    assert ("applied", "i-2 i-9") == (shown(done.finish), shown_group(group_of(over)))


@pytest.mark.parametrize("effect", ["drop_response", "garbage"])
def test_a_write_whose_answer_was_lost_is_seen_done_and_not_sent_again(effect: str) -> None:
    over = cloud("i-1 i-2", fresh="i-9", faults=[fault(MODIFY, effect=effect)])
    done, calls = ran(over, request("i-1", "i-9", gone=True))
    assert ("applied", [MODIFY]) == (shown(done.finish), calls.writes)
    assert "i-2 i-9" == shown_group(group_of(over))


def test_a_wave_whose_answer_was_lost_has_all_its_time_to_become_normal() -> None:
    faults = [fault(MODIFY, 2, effect="drop_response")]
    over = cloud("i-1 i-2 i-3", fresh="i-8 i-9", readings={"fresh_health": 40}, faults=faults)
    done, calls = ran(over, request("i-1 i-2", "i-8 i-9"))
    assert ("applied", [MODIFY, MODIFY]) == (shown(done.finish), calls.writes)


def test_a_write_that_was_cut_off_is_sent_again_once_it_is_seen_undone() -> None:
    over = cloud("i-1 i-2", fresh="i-9", faults=[fault(MODIFY, effect="reset")])
    done, calls = ran(over, request("i-1", "i-9", gone=True))
    assert ("applied", [MODIFY, MODIFY]) == (shown(done.finish), calls.writes)
    assert 3 <= calls.actions[calls.actions.index(MODIFY) + 1 :].index(MODIFY)


@pytest.mark.parametrize(("at", "subject"), [(READ, "rsp-web"), (MODIFY, "i-9")])
def test_what_will_not_pass_is_refused(at: str, subject: str) -> None:
    over = cloud("i-1 i-2", fresh="i-9", faults=[fault(at, error="Forbidden.RAM")])
    done, _ = ran(over, request("i-1", "i-9", gone=True))
    assert "refused Forbidden.RAM" == shown(done.finish)
    assert f"{subject}:Forbidden.RAM" == shown_refused(done.finish.refused)


def test_what_will_not_pass_after_something_was_done_is_partial() -> None:
    over = cloud("i-1 i-2 i-3", fresh="i-8 i-9", faults=[fault(ADD, error="Forbidden.RAM")])
    done, _ = ran(over, request("i-1", "i-8 i-9", gone=True), target(scaling=False, ports=[8080]))
    assert ("partial Forbidden.RAM", "i-2 i-3 i-8") == (shown(done.finish), shown_group(group_of(over)))


def test_what_can_not_be_put_in_leaves_its_place_to_what_can() -> None:
    over = cloud("i-1 i-2 i-3", fresh="i-9")
    done, _ = ran(over, request("i-1", "i-8 i-9", gone=True))
    assert ("partial unknown_server", "i-2 i-3 i-9") == (shown(done.finish), shown_group(group_of(over)))


def test_a_bad_new_one_is_isolated_and_the_rest_goes_on() -> None:
    old, new = TEN, NEW_TEN.replace("i-25", "i-none")
    fresh = new.replace("i-none", "")
    over = cloud(old, fresh=fresh, faults=[ECS_UNREAD])
    done, _ = ran(over, request(old, new, gone=True))
    assert "partial bad_backend" == shown(done.finish)
    assert "i-none:bad_backend" == shown_refused(done.finish.refused)
    assert set(fresh.split()) | {"i-5"} == {key.server_id for key in group_of(over).backends}


def test_a_fresh_instance_that_is_refused_at_first_is_tried_again() -> None:
    over = cloud("i-1 i-2", fresh="i-9", faults=[fault(MODIFY, error="ObtainIpFail", times=4)])
    done, _ = ran(over, request("i-1", "i-9", gone=True))
    assert ("applied", "i-2 i-9") == (shown(done.finish), shown_group(group_of(over)))


def test_a_wave_that_is_not_normal_in_time_is_taken_back() -> None:
    over = cloud("i-1 i-2", fresh="i-9", sick="i-9")
    done, _ = ran(over, request("i-1", "i-9"))
    assert ("rolled_back not_healthy", "i-1 i-2") == (shown(done.finish), shown_group(group_of(over)))


@pytest.mark.parametrize("shows", ["intended", "applied"])
@pytest.mark.parametrize("lists", ["group", "changed", "nothing"])
def test_the_new_ones_stay_where_the_old_ones_cannot_be_put_back(shows: str, lists: str) -> None:
    readings = {"bad_new": "skips_entry", "response_shows": shows, "response_lists": lists}
    over = cloud("i-1 i-2", fresh="i-9", sick="i-9", stopped="i-1", readings=readings)
    at = target(scaling=False, health_timeout_s=4, max_unavailable="100%", min_backends=0, strategy="swap")
    done, _ = ran(over, request("i-1", "i-9"), at)
    assert ("raised not_healthy", "i-2 i-9") == (shown(done.finish), shown_group(group_of(over)))


def test_what_was_written_is_not_believed_but_read() -> None:
    """Entries that were left out of a write that succeeded are tried again, then refused."""
    over = cloud("i-1 i-2", fresh="i-8", readings={"bad_new": "skips_entry"}, faults=[ECS_UNREAD])
    done, _ = ran(over, request("i-1 i-2", "i-8 i-none", gone=True))
    assert ("partial bad_backend", "i-8") == (shown(done.finish), shown_group(group_of(over)))


def test_an_event_that_contradicts_the_listing_waits_for_it() -> None:
    over, clock = cloud("i-1 i-2", "i-1 i-2"), FakeClock()
    done, calls = ran(over, event("i-1"), clock=clock)
    assert ("refused still_in_service", []) == (shown(done.finish), calls.writes)
    assert 1010 <= clock.now() < 1020


def test_a_group_that_auto_scaling_keeps_is_left_alone() -> None:
    over = cloud("i-1", "i-1 i-9")
    before = over.state()
    before["scaling_groups"][0]["vserver_groups"] = ["rsp-web"]
    over.replace(before)
    done, calls = ran(over, event("", "i-9"))
    assert ("refused attached_natively", []) == (shown(done.finish), calls.writes)


def test_a_group_that_is_no_more_is_refused() -> None:
    over = cloud("i-1", faults=[fault(READ, error="InvalidParameter", status=404)])
    done, _ = ran(over, request("i-1"))
    assert "refused InvalidParameter" == shown(done.finish)


def test_a_group_that_is_no_more_after_something_was_done_is_partial() -> None:
    over = cloud("i-1 i-2", fresh="i-9", faults=[fault(READ, 2, error="InvalidParameter", status=404)])
    done, _ = ran(over, request("i-1", "i-9", gone=True))
    assert "partial InvalidParameter" == shown(done.finish)


def test_an_answer_that_shows_what_was_forecast_replaces_a_read() -> None:
    over = cloud("i-1 i-2 i-3", fresh="i-8 i-9", readings={"response_lists": "group"})
    done, calls = ran(over, request("i-1", "i-8 i-9", gone=True), target(scaling=False, ports=[8080]))
    made = [action for action in calls.actions if action != "DescribeInstances"]
    assert [READ, "DescribeHealthStatus", MODIFY, ADD, READ] == made[:5]
    assert "applied" == shown(done.finish)


def test_an_unknown_answer_to_a_look_keeps_the_last_view() -> None:
    over = cloud("i-1 i-2", fresh="i-9", faults=[fault(READ, 2, effect="reset")])
    done, _ = ran(over, request("i-1", "i-9", gone=True))
    assert Answer(Result.UNKNOWN, "SDK.HttpError") is not done.observed.problem
    assert "applied" == shown(done.finish)


def test_where_one_alone_is_too_many_no_other_is_tried() -> None:
    news = " ".join(f"i-n{number:02}" for number in range(20))
    over = cloud("i-1 i-2 i-3", fresh=news, quota=5)
    done, calls = ran(over, request("", news))
    assert "partial over_quota" == shown(done.finish)
    assert 5 == len(group_of(over).servers)
    assert len(calls.writes) <= 10
    assert ["over_quota"] == list({refusal.reason for refusal in done.finish.refused})
    assert 18 == len(done.finish.refused)


class OtherFirst(Pacing):
    """The load balancer is busy; and once the wait is over another target has written first."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = [0.2, 0.2, 0.3, 0.3]

    def ready_at(self, load_balancer_id: str, now: float) -> float:
        return now + (self.waits.pop(0) if self.waits else 0.0)


def test_where_another_target_was_first_the_load_balancer_is_waited_for_again() -> None:
    clock = FakeClock()
    over = cloud("i-1 i-2", fresh="i-9")
    done, calls = ran(over, request("i-1", "i-9", gone=True), clock=clock, pacing=OtherFirst())
    assert ("applied", [MODIFY]) == (shown(done.finish), calls.writes)
    assert clock.at > 1000.4
