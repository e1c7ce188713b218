"""One delivery: its targets side by side, those of one group in turn, and each hook as its targets end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from handler.core.model.policy import Target
from handler.core.model.values import Cause, Intent
from handler.running.delivering import Done, deliver
from handler.running.hooks import FIRST_S, Completed
from handler.running.ports import Slb
from localcloud.cloud import Cloud
from tests.support.builders import cloud, event, group_of, hook, request, shown, shown_group, target
from tests.support.level_a import Calls, FakeClock, ModelSlb, means_of
from tests.support.places import merged, place

WEB = target(scaling=False)
OTHER = replace(WEB, name="other", vserver_group_id="rsp-none")
MODIFY, COMPLETE, BEAT = (
    "ModifyVServerGroupBackendServers",
    "CompleteLifecycleAction",
    "RecordLifecycleActionHeartbeat",
)


@dataclass(frozen=True)
class Delivered:
    """What came of a delivery: of its intents, its hooks, what was logged, and each call with its time."""

    done: tuple[Done, ...]
    hooks: tuple[Completed, ...]
    told: list[tuple[str, dict[str, Any]]]
    made: list[tuple[float, str]]

    @property
    def ends(self) -> list[str]:
        return [shown(one.run.finish) if one.run else one.broken for one in self.done]

    def at(self, action: str) -> list[float]:
        """The seconds after which an action was called."""
        return [seconds for seconds, made in self.made if made == action]


def delivered(
    over: Cloud,
    *given: Intent,
    targets: tuple[Target, ...] = (WEB, OTHER),
    slb: Callable[[Calls], Slb] = ModelSlb,
    left: float = 600.0,
) -> Delivered:
    clock = FakeClock()
    over.use_clock(clock.now)
    made: list[tuple[float, str]] = []
    calls = Calls(over, lambda action: made.append((clock.now() - 1000, action)))
    told: list[tuple[str, dict[str, Any]]] = []
    means = means_of(
        calls, clock, clock.now() + left, slb=slb, log=lambda name, **said: told.append((name, said))
    )
    done, completed = deliver(given, targets, means, calls=lambda: len(calls.actions))
    return Delivered(done, completed, told, made)


def two(*, of: str = "i-1 i-2 i-3", listed: str | None = None, **also: Any) -> Cloud:
    """Two groups on load balancers of their own: rsp-web and rsp-api."""
    api = of.replace("i-", "i-a")
    fresh = also.pop("fresh", "i-9")
    return Cloud(
        merged(
            place("web", of, listed, fresh=fresh, **also),
            place(
                "api", api, listed and listed.replace("i-", "i-a"), fresh=fresh.replace("i-", "i-a"), **also
            ),
        )
    )


API = replace(WEB, name="api", vserver_group_id="rsp-api")
SWAP = request("i-1", "i-9", gone=True)
SWAP_API = replace(request("i-a1", "i-a9", gone=True), target="api")


def test_events_of_one_target_are_one_run() -> None:
    over = cloud("i-1 i-2", "i-2 i-9")
    came = delivered(over, event("i-1"), event("", "i-9"), targets=(target(),))
    assert (["applied"], "i-2 i-9") == (came.ends, shown_group(group_of(over)))
    assert came.done[0].api_calls == len(came.made)


def test_requests_are_done_in_their_order_each_after_the_one_before_it() -> None:
    over = cloud("i-1 i-2", fresh="i-9", readings={"fresh_health": 3})
    came = delivered(over, request("i-1", "i-9"), request("i-9", "i-1", "i-9>i-1"))
    assert (["applied", "applied"], "i-1 i-2") == (came.ends, shown_group(group_of(over)))
    assert 2 == len(came.at(MODIFY))


def test_a_request_waits_for_the_one_before_it_in_another_group_too() -> None:
    over = two(readings={"fresh_health": 10})
    came = delivered(over, request("i-1", "i-9"), SWAP_API, targets=(WEB, API))
    first, second = came.at(MODIFY)
    assert second - first >= 20, "the first waits for its health"
    assert ["applied", "applied"] == came.ends


def test_events_for_different_groups_go_side_by_side() -> None:
    over = two(listed="i-2 i-3 i-9", readings={"fresh_health": 10})
    web, api = (
        target(),
        replace(target(), name="api", vserver_group_id="rsp-api", scaling_group_ids=("asg-api",)),
    )
    came = delivered(over, event("i-1"), replace(event("i-a1"), target="api"), targets=(web, api))
    assert ["applied", "applied"] == came.ends
    assert [0, 0] == came.at(MODIFY)
    assert all(one.seconds >= 20 for one in came.done)


def test_targets_of_one_group_go_one_after_the_other() -> None:
    over = cloud("i-1 i-2 i-3", "i-2 i-3 i-8 i-9", readings={"fresh_health": 10})
    one, other = target(), replace(target(), name="again")
    came = delivered(over, event("i-1"), replace(event("i-1"), target="again"), targets=(one, other))
    assert ["applied", "unchanged"] == came.ends
    assert came.done[0].seconds >= 20 > came.done[1].seconds, "beside it, both would wait for health"
    assert "i-2 i-3 i-8 i-9" == shown_group(group_of(over))


def test_none_is_cut_short_for_another() -> None:
    over = two(listed="i-2 i-3 i-9", readings={"fresh_health": 40})
    web, api = (
        target(),
        replace(target(), name="api", vserver_group_id="rsp-api", scaling_group_ids=("asg-api",)),
    )
    came = delivered(over, event("i-1"), replace(event("i-a1"), target="api"), targets=(web, api), left=140)
    assert ["applied", "applied"] == came.ends


def test_one_target_that_cannot_be_read_does_not_stop_another() -> None:
    came = delivered(cloud("i-1 i-2", fresh="i-9"), replace(SWAP, target="other"), SWAP)
    assert ["refused InvalidParameter", "applied"] == came.ends


def test_one_target_that_breaks_does_not_stop_another() -> None:
    broken: list[int] = []

    def first_breaks(calls: Calls) -> Slb:
        broken.append(1)
        if len(broken) == 1:
            raise ZeroDivisionError
        return ModelSlb(calls)

    over = cloud("i-1 i-2", fresh="i-9")
    came = delivered(over, replace(SWAP, target="other"), SWAP, slb=first_breaks)
    assert [("other", "ZeroDivisionError"), ("web", "")] == [(o.target.name, o.broken) for o in came.done]
    assert ["ZeroDivisionError", "applied"] == came.ends
    assert "swap.failed" == came.told[0][0]


def test_targets_of_one_load_balancer_share_its_busy_time() -> None:
    state = two(of="i-1 i-2 i-3 i-4", listed="i-2 i-3 i-4 i-9").state()
    web, api = (one["load_balancer_id"] for one in state["load_balancers"])
    groups = state["load_balancers"][1].pop("vserver_groups")
    listener = {**state["load_balancers"][1]["listeners"][0], "port": 81}
    state["load_balancers"][0]["vserver_groups"] += groups
    state["load_balancers"][0]["listeners"].append(listener)
    del state["load_balancers"][1]
    assert (web, api) == ("lb-web", "lb-api")
    fault = {"action": MODIFY, "error": "BackendServer.configuring", "nth": 1, "times": 1}
    at = replace(target(), name="api", vserver_group_id="rsp-api", scaling_group_ids=("asg-api",))
    came = delivered(
        Cloud({**state, "faults": [fault]}),
        event("i-1"),
        replace(event("i-a1"), target="api"),
        targets=(target(), at),
    )
    assert ["applied", "applied"] == came.ends
    assert 3 == len(came.at(MODIFY)), "the other does not knock while it is busy"
    assert 0 == came.at(MODIFY)[0] < came.at(MODIFY)[1]
    assert "busy" in {said.get("why") for name, said in came.told if name == "swap.waiting"}


def waiting(*, sick: str = "", scale_in: bool = False) -> Cloud:
    """A lifecycle hook of i-9 entering, or of i-1 leaving."""
    who = "i-1" if scale_in else "i-9"
    listed = "i-1=leaving i-2 i-3" if scale_in else "i-1 i-9=pending"
    state = cloud("i-1 i-2 i-3" if scale_in else "i-1", listed, sick=sick).state()
    action = {"lifecycle_hook_id": "ash-1", "lifecycle_action_token": "t-1", "instance_ids": [who]}
    state["scaling_groups"][0]["lifecycle_actions"] = [{**action, "scaling_activity_id": "asa-1"}]
    return Cloud(state)


def entering(**also: Any) -> Intent:
    return event("", "i-9", Cause.HOOK, hooks=(hook("i-9", "scale_out"),), **also)


def leaving(**also: Any) -> Intent:
    return event("i-1", cause=Cause.HOOK, hooks=(hook("i-1", "scale_in"),), **also)


def test_hooks_are_completed_after_their_runs() -> None:
    over = waiting()
    came = delivered(over, entering(), targets=(target(),))
    assert (["applied"], ["CONTINUE"]) == (came.ends, [one.result for one in came.hooks])
    assert "InService" == over.world.scaling_groups["asg-web"].instances[1].lifecycle_state


def test_a_hook_is_completed_once_its_own_targets_have_ended_though_others_go_on() -> None:
    both = merged(waiting().state(), place("api", "i-a1 i-a2 i-a3", "i-a2 i-a3 i-a9"))
    slow = replace(target(), name="api", vserver_group_id="rsp-api", scaling_group_ids=("asg-api",))
    over = Cloud({**both, "readings": {"fresh_health": 20}})
    over.world.fresh.clear()
    came = delivered(
        over,
        replace(event("i-a1"), target="api"),
        entering(),
        targets=(slow, replace(target(), policy=replace(target().policy, health_interval_s=1))),
    )
    assert ["applied", "applied"] == came.ends
    (completed,) = came.at(COMPLETE)
    assert completed < came.done[0].seconds or completed == came.done[1].seconds


def test_heartbeats_go_on_while_any_target_waits() -> None:
    both = merged(waiting(sick="i-9").state(), place("api", "i-a1 i-a2 i-a3", "i-a2 i-a3 i-a9"))
    api = replace(target(), name="api", vserver_group_id="rsp-api", scaling_group_ids=("asg-api",))
    came = delivered(Cloud(both), replace(event("i-a1"), target="api"), entering(), targets=(api, target()))
    assert FIRST_S <= came.at(BEAT)[0] < 2 * FIRST_S


def test_a_hook_of_two_targets_waits_for_both() -> None:
    over = waiting()
    green = replace(target(), name="green", vserver_group_id="rsp-none")
    came = delivered(over, entering(), replace(entering(), target="green"), targets=(target(), green))
    assert ["CONTINUE"] == [one.result for one in came.hooks], "one target has it in"
    assert 1 == len(came.at(COMPLETE))


def test_a_hook_of_a_run_that_only_forecasts_is_left() -> None:
    for how, wish in ((target(mode="plan"), entering()), (target(), entering(dry_run=True))):
        came = delivered(waiting(), wish, targets=(how,))
        assert [None] == [one.result for one in came.hooks]


def test_a_scale_in_hook_is_left_where_a_target_that_may_not_change_anything_keeps_the_instance() -> None:
    for mode in ("plan", "off"):
        over = waiting(scale_in=True)
        given = [leaving(), *([replace(leaving(), target="quiet")] if mode == "plan" else [])]
        quiet = replace(target(mode=mode), name="quiet", vserver_group_id="rsp-quiet")
        more = place("quiet", "i-1", None)
        over = Cloud(merged(over.state(), more))
        came = delivered(over, *given, targets=(target(), quiet))
        assert [(None, True)] == [(one.result, one.kept_by_inactive) for one in came.hooks], mode
        assert [] == came.at(COMPLETE)


def test_a_scale_in_hook_goes_on_where_a_target_that_is_switched_off_has_not_got_it() -> None:
    over = Cloud(merged(waiting(scale_in=True).state(), place("quiet", "i-2", None)))
    quiet = replace(target(mode="off"), name="quiet", vserver_group_id="rsp-quiet")
    came = delivered(over, leaving(), targets=(target(), quiet))
    assert [("CONTINUE", False)] == [(one.result, one.kept_by_inactive) for one in came.hooks]


def test_a_scale_in_hook_is_left_where_a_target_that_is_switched_off_cannot_be_read() -> None:
    forbidden = {"action": "DescribeVServerGroupAttribute", "error": "Forbidden.RAM"}
    quiet = replace(target(mode="off"), name="quiet", vserver_group_id="rsp-quiet")

    class Unread(ModelSlb):
        def group(self, vserver_group_id: str) -> Any:
            if vserver_group_id == "rsp-quiet":
                over.put_faults([forbidden])
            return super().group(vserver_group_id)

    over = waiting(scale_in=True)
    came = delivered(over, leaving(), targets=(target(), quiet), slb=Unread)
    assert [None] == [one.result for one in came.hooks]


def test_a_scale_in_hook_goes_on_where_the_group_of_a_target_that_is_switched_off_is_no_more() -> None:
    gone = replace(target(mode="off"), name="quiet", vserver_group_id="rsp-none")
    came = delivered(waiting(scale_in=True), leaving(), targets=(target(), gone))
    assert ["CONTINUE"] == [one.result for one in came.hooks]


def test_a_hook_of_a_run_that_broke_is_left() -> None:
    def breaks(calls: Calls) -> Slb:
        raise ZeroDivisionError

    came = delivered(waiting(), entering(), targets=(target(),), slb=breaks)
    assert [None] == [one.result for one in came.hooks]
