"""Scaling groups that do something: what becomes of the world, and what is told, in which order."""

import json
import threading

import pytest

from localcloud.cloud import Cloud
from localcloud.ess.activities import Activities
from localcloud.ess.notices import Notice, cloud_event, message
from localcloud.ess.scaling import Activity, Order, order
from localcloud.http import Request
from localcloud.rpc.errors import ApiError
from localcloud.state.fields import FieldError

STATE = {
    "scaling_groups": [
        {
            "scaling_group_id": "asg-web",
            "instances": [
                {"instance_id": "i-a"},
                {"instance_id": "i-b"},
                {"instance_id": "i-safe", "lifecycle_state": "Protected"},
            ],
        }
    ]
}


class Played:
    """An activity played to its end at once: what it waited for and told, and the states in between."""

    def __init__(self, order: Order, complete: str | None = None) -> None:
        self.cloud = Cloud(STATE)
        numbers = iter(range(1, 100))
        self.activity = Activity(self.cloud, "asg-web", order, lambda: f"i-{next(numbers)}")
        self.told: list[Notice] = []
        self.waits: list[float] = []
        self.seen: list[dict[str, str]] = []
        for step in self.activity.steps():
            self.seen.append(self.members())
            if isinstance(step, Notice):
                self.told.append(step)
                if complete and "LifecycleHook" in step.type:
                    content = step.content
                    self.cloud.ess.complete(
                        content["lifecycleHookId"], content["lifecycleActionToken"], complete
                    )
            else:
                self.waits.append(step)

    def members(self) -> dict[str, str]:
        return {m.instance_id: m.lifecycle_state for m in self.cloud.ess.group("asg-web").instances}

    def types(self) -> list[str]:
        return [notice.type.split(":", 1)[1] for notice in self.told]


def test_a_scale_out_brings_instances_into_service_and_then_they_boot():
    played = Played(Order("out", count=2, boot_s=3))
    assert ["ScalingActivity:ScaleOutStart", "ScalingActivity:ScaleOutSuccess"] == played.types()
    assert {"i-1": "InService", "i-2": "InService"}.items() <= played.members().items()
    assert "unavailable" == Played(Order("out", boot_s=None)).cloud.world.instances["i-1"].health
    assert ([3.0], "normal") == (played.waits, played.cloud.world.instances["i-1"].health)


def test_a_scale_in_takes_the_oldest_and_never_a_protected_instance():
    played = Played(Order("in", count=5))
    assert {"i-safe": "Protected"} == played.members()
    assert ["i-a", "i-b"] == played.told[-1].content["instanceIds"]
    assert {"i-safe"} == set(played.cloud.world.instances)


def test_a_replacement_brings_new_ones_before_old_ones_go_batch_by_batch():
    played = Played(Order("replace", count=2, batch=1))
    assert ["ScaleOutStart", "ScaleOutSuccess", "ScaleInStart", "ScaleInSuccess"] * 2 == [
        kind.rpartition(":")[2] for kind in played.types()
    ]
    assert all(len(members) >= 3 for members in played.seen)
    assert {"i-safe", "i-1", "i-2"} == set(played.members())


def test_a_hook_holds_instances_until_it_is_completed():
    played = Played(Order("replace", count=1, hooks=True), complete="CONTINUE")
    states = {state for members in played.seen for state in members.values()}
    assert {"Pending:Wait", "Removing:Wait"} <= states
    assert ["LifecycleHook:ScaleOut", "LifecycleHook:ScaleIn"] == [t for t in played.types() if "Hook" in t]
    assert {"i-b", "i-safe", "i-1"} == set(played.members())


def test_a_hook_that_nobody_completes_takes_its_default_when_its_time_is_over():
    played = Played(Order("in", count=1, hooks=True))
    assert pytest.approx(600, abs=1) == sum(played.waits)
    assert {"i-b", "i-safe"} == set(played.members())


def test_an_abandoned_scale_out_fails_and_leaves_nothing_behind():
    played = Played(Order("out", hooks=True), complete="ABANDON")
    assert ("ScalingActivity:ScaleOutError", "Failed") == (played.types()[-1], played.activity.status)
    assert {"i-a", "i-b", "i-safe"} == set(played.members())


def test_a_scale_in_that_is_rolled_back_leaves_the_instance_in_service():
    played = Played(Order("in", count=1, hooks=True), complete="ROLLBACK")
    assert "InService" == played.members()["i-a"]
    assert "i-a" in played.cloud.world.instances


def test_a_preemptible_instance_is_locked_replaced_and_gone_when_its_notice_is_over():
    played = Played(Order("reclaim", instance_ids=("i-a",), notice_s=7))
    assert "Instance:PreemptibleInstanceInterruption" == played.types()[0]
    assert [0.0, 7.0] == played.waits
    assert ("i-a" in played.cloud.world.instances, "i-1" in played.members()) == (False, True)
    assert played.types()[-1] == "ScalingActivity:ScaleInSuccess"


def test_while_its_notice_runs_a_preemptible_instance_is_locked_for_recycling():
    cloud = Cloud(STATE)
    steps = Activity(cloud, "asg-web", Order("reclaim", instance_ids=("i-a",)), lambda: "i-1").steps()
    next(steps)
    assert ("Recycling",) == cloud.world.instances["i-a"].operation_locks


@pytest.mark.parametrize(
    ("kind", "body", "named"),
    [
        ("grow", {}, "grow"),
        ("out", {"count": 0}, "order.count"),
        ("out", {"boot_s": -1}, "order.boot_s"),
        ("out", {"notice_s": True}, "order.notice_s"),
        ("replace", {"batch": 0}, "order.batch"),
        ("out", {"number": 2}, "order.number"),
        ("out", [], "order"),
    ],
)
def test_an_order_that_cannot_be_followed_is_refused_by_its_key(kind: str, body: object, named: str):
    with pytest.raises(FieldError, match=named):
        order(kind, body)


def test_instances_that_are_not_in_service_are_refused_by_name():
    with pytest.raises(FieldError, match="i-gone"):
        Played(Order("in", instance_ids=("i-gone",)))


def test_an_unknown_scaling_group_is_the_clouds_own_error():
    with pytest.raises(ApiError, match="InvalidScalingGroupId"):
        Activity(Cloud(STATE), "asg-none", Order("out"), lambda: "i-1")


def test_a_notice_is_a_cloud_event_or_a_message_in_base64():
    import base64

    played = Played(Order("reclaim", instance_ids=("i-a",)))
    interruption, finished = played.told[0], played.told[-1]
    assert ("acs.ecs", "acs.ess") == (
        cloud_event(interruption, 0)["source"],
        cloud_event(finished, 0)["source"],
    )
    told = json.loads(base64.b64decode(message(interruption, 0)))
    assert ("Instance:PreemptibleInstanceInterruption", "i-a") == (
        told["name"],
        told["content"]["instanceId"],
    )
    told = json.loads(base64.b64decode(message(finished, 0)))
    assert ["i-a"] == told["content"]["instanceIds"]


def begun(cloud: Cloud, path: str, body: object = None, method: str = "POST"):
    over = threading.Event()
    told: list[Notice] = []

    def send(notice: Notice) -> None:
        told.append(notice)
        if notice.type.endswith("Success"):
            over.set()

    activities = Activities(cloud, threading.RLock(), send, sleep=lambda seconds: None)
    response = activities.handle(Request(method, path, body=json.dumps(body or {}).encode()))
    return activities, response, over, told


def test_an_activity_goes_on_by_itself_and_is_reported():
    activities, response, over, told = begun(Cloud(STATE), "/_local/scaling_groups/asg-web/out", {"count": 2})
    assert 202 == response.status
    assert over.wait(10)
    assert ["i-0001", "i-0002"] == activities.reports()[0]["instance_ids"]
    assert ["ScaleOutStart", "ScaleOutSuccess"] == [one.type.rpartition(":")[2] for one in told]


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/_local/scaling_groups", "GET", {}, 200),
        ("/_local/scaling_groups", "POST", {}, 405),
        ("/_local/scaling_groups/asg-none/out", "POST", {}, 404),
        ("/_local/scaling_groups/asg-web/out", "POST", {"count": "x"}, 400),
        ("/_local/scaling_groups/asg-web/shrink", "POST", {}, 400),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_status(path: str, method: str, body: object, status: int):
    assert status == begun(Cloud(STATE), path, body, method)[1].status


def test_an_activity_ends_when_another_state_is_put():
    cloud = Cloud(STATE)
    reached, go_on = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        reached.set()
        go_on.wait(10)

    activities = Activities(cloud, threading.RLock(), lambda notice: None, sleep)
    activities.begin("asg-web", Order("out", boot_s=1))
    assert reached.wait(10)
    cloud.replace(STATE)
    go_on.set()
    for _ in range(1000):
        if activities.reports()[0]["status"] == "Cancelled":
            break
        threading.Event().wait(0.005)
    assert "Cancelled" == activities.reports()[0]["status"]
    assert {"i-a", "i-b", "i-safe"} == set(cloud.world.instances)
