"""One delivery: its targets one after the other, then its hooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from handler.core.model.policy import Target
from handler.core.model.values import Intent
from handler.running.delivering import Done, deliver
from handler.running.hooks import Completed
from handler.running.ports import Slb
from localcloud.cloud import Cloud
from tests.support.builders import cloud, event, group_of, hook, request, shown, shown_group, target
from tests.support.level_a import Calls, FakeClock, ModelEss, ModelSlb

WEB = target(scaling=False)
OTHER = replace(WEB, name="other", vserver_group_id="rsp-none")


def delivered(
    over: Cloud,
    *given: Intent,
    targets: tuple[Target, ...] = (WEB, OTHER),
    slb: Callable[[Calls], Slb] = ModelSlb,
    left: float = 600.0,
) -> tuple[tuple[Done, ...], tuple[Completed, ...], list[tuple[str, dict[str, Any]]]]:
    calls, clock = Calls(over), FakeClock()
    told: list[tuple[str, dict[str, Any]]] = []
    done, completed = deliver(
        given,
        targets,
        lambda: slb(calls),
        ModelEss(calls),
        clock,
        clock.now() + left,
        calls=lambda: len(calls.actions),
        log=lambda name, **said: told.append((name, said)),
    )
    return done, completed, told


def test_intents_of_one_target_are_one_run() -> None:
    over = cloud("i-1 i-2", fresh="i-9")
    done, _, _ = delivered(over, request("i-1", gone=True), request("", "i-9"))
    assert (1, "applied", "i-2 i-9") == (len(done), shown(done[0].run.finish), shown_group(group_of(over)))
    assert done[0].api_calls > 0


def test_one_target_that_cannot_be_read_does_not_stop_another() -> None:
    wish = request("i-1", "i-9", gone=True)
    done, _, _ = delivered(cloud("i-1 i-2", fresh="i-9"), replace(wish, target="other"), wish)
    assert ["refused InvalidParameter", "applied"] == [shown(one.run.finish) for one in done]


def test_one_target_that_breaks_does_not_stop_another() -> None:
    broken: list[int] = []

    def first_breaks(calls: Calls) -> Slb:
        broken.append(1)
        if len(broken) == 1:
            raise ZeroDivisionError
        return ModelSlb(calls)

    wish = request("i-1", "i-9", gone=True)
    over = cloud("i-1 i-2", fresh="i-9")
    done, _, told = delivered(over, replace(wish, target="other"), wish, slb=first_breaks)
    assert [("other", "ZeroDivisionError", None), ("web", "", "applied")] == [
        (one.target.name, one.broken, one.run and shown(one.run.finish)) for one in done
    ]
    assert "swap.failed" == told[0][0]


def test_a_target_that_waits_leaves_time_for_the_others() -> None:
    over = cloud("i-1 i-2", fresh="i-9", sick="i-9")
    slow = replace(WEB, policy=replace(WEB.policy, health_timeout_s=1000))
    done, _, _ = delivered(
        over, request("", "i-9"), replace(request("i-1"), target="other"), targets=(slow, OTHER), left=60
    )
    assert ["raised health", "refused InvalidParameter"] == [shown(one.run.finish) for one in done]
    assert done[0].seconds < 31


def waiting() -> Cloud:
    state = cloud("i-1", "i-1 i-9=pending").state()
    action = {"lifecycle_hook_id": "ash-1", "lifecycle_action_token": "t-1", "instance_ids": ["i-9"]}
    state["scaling_groups"][0]["lifecycle_actions"] = [{**action, "scaling_activity_id": "asa-1"}]
    return Cloud(state)


def entering(**also: Any) -> Intent:
    from handler.core.model.values import Cause

    return event("", "i-9", Cause.HOOK, hooks=(hook("i-9", "scale_out"),), **also)


def test_hooks_are_completed_after_the_runs() -> None:
    over = waiting()
    done, completed, _ = delivered(over, entering(), targets=(target(),))
    assert ("applied", ["CONTINUE"]) == (shown(done[0].run.finish), [one.result for one in completed])
    assert "InService" == over.world.scaling_groups["asg-web"].instances[1].lifecycle_state


def test_a_hook_of_a_run_that_only_forecasts_is_left() -> None:
    for how, wish in ((target(mode="plan"), entering()), (target(), entering(dry_run=True))):
        _, completed, _ = delivered(waiting(), wish, targets=(how,))
        assert [None] == [one.result for one in completed]


def test_a_hook_of_a_run_that_broke_is_left() -> None:
    def breaks(calls: Calls) -> Slb:
        raise ZeroDivisionError

    _, completed, _ = delivered(waiting(), entering(), targets=(target(),), slb=breaks)
    assert [None] == [one.result for one in completed]
