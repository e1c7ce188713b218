"""Scaling groups: pages and filters of their instances, and lifecycle actions until they are completed."""

import pytest

from localcloud.cloud import Cloud
from localcloud.rpc.errors import ApiError
from tests.support.local_slb import cloud, state


def member(n, lifecycle_state="InService", **more):
    return {"instance_id": f"i-{n}", "lifecycle_state": lifecycle_state, **more}


def scaled(*members, actions=(), **more):
    group = {
        "scaling_group_id": "asg-web",
        "instances": list(members),
        "lifecycle_actions": list(actions),
        **more,
    }
    return Cloud(state(scaling_groups=[group, {"scaling_group_id": "asg-b", "name": "b"}]))


def waiting(n, lifecycle_state, token="tok", **more):
    action = {
        "lifecycle_hook_id": "ash-a", "lifecycle_action_token": token, "instance_ids": [f"i-{n}"],
        "scaling_activity_id": "asa-a", **more,
    }  # fmt: skip
    return member(n, lifecycle_state), action


def call(made, action, **params):
    return made.call(action, params)


def listed(made, **params):
    answer = call(made, "DescribeScalingInstances", ScalingGroupId="asg-web", **params)
    return [r["InstanceId"] for r in answer["ScalingInstances"]["ScalingInstance"]], answer["TotalCount"]


def refused(work):
    with pytest.raises(ApiError) as caught:
        work()
    return caught.value.status, caught.value.code


def states(made):
    return {m.instance_id: m.lifecycle_state for m in made.ess.group("asg-web").instances}


def test_instances_come_in_pages_of_10_and_at_most_50():
    made = scaled(*(member(n) for n in range(60)))
    assert len(listed(made)[0]) == 10
    assert listed(made, PageNumber="7", PageSize="9") == ([f"i-{n}" for n in range(54, 60)], 60)
    assert len(listed(made, PageSize="50")[0]) == 50
    assert refused(lambda: listed(made, PageSize="51")) == (400, "InvalidParameter")


def test_instances_by_id_state_and_health():
    made = scaled(
        member(1), member(2, "Standby"), member(3, health_status="Unhealthy", scaling_activity_id="asa")
    )
    assert listed(made, **{"InstanceId.1": "i-2", "InstanceId.2": "i-none"}) == (["i-2"], 1)
    assert listed(made, LifecycleState="Standby") == (["i-2"], 1)
    assert listed(made, HealthStatus="Unhealthy") == (["i-3"], 1)
    assert listed(made, ScalingActivityId="asa") == (["i-3"], 1)
    assert refused(lambda: call(made, "DescribeScalingInstances", ScalingGroupId="asg-x")) == (
        404,
        "InvalidScalingGroupId.NotFound",
    )


def test_a_scaling_group_tells_what_is_attached_to_it():
    attached = [{"vserver_group_id": "rsp-web", "port": 8080}, {"vserver_group_id": "rsp-web", "port": 9090}]
    made = scaled(member(1), vserver_groups=attached)
    answer = call(made, "DescribeScalingGroups", **{"ScalingGroupId.1": "asg-web"})
    (group,) = answer["ScalingGroups"]["ScalingGroup"]
    (balancer,) = group["VServerGroups"]["VServerGroup"]
    assert (group["ActiveCapacity"], balancer["LoadBalancerId"]) == (1, "lb-web")
    assert [a["Port"] for a in balancer["VServerGroupAttributes"]["VServerGroupAttribute"]] == [8080, 9090]
    assert call(made, "DescribeScalingGroups")["TotalCount"] == 2
    assert call(made, "DescribeScalingGroups", **{"ScalingGroupName.1": "b"})["TotalCount"] == 1


@pytest.mark.parametrize(
    ("lifecycle_state", "result", "after"),
    [
        ("Pending:Wait", "CONTINUE", "InService"),
        ("Pending:Wait", "ABANDON", None),
        ("Removing:Wait", "CONTINUE", None),
        ("Removing:Wait", "ABANDON", None),
        ("Removing:Wait", "ROLLBACK", "InService"),
        ("InService", "CONTINUE", "InService"),
    ],
)
def test_what_completing_an_action_does_to_its_instance(lifecycle_state, result, after):
    one, action = waiting(1, lifecycle_state)
    made = scaled(one, member(2), actions=[action])
    params = {"LifecycleHookId": "ash-a", "LifecycleActionToken": "tok", "LifecycleActionResult": result}
    assert call(made, "CompleteLifecycleAction", **params) == {}
    assert states(made).get("i-1") == after
    assert ("i-1" in made.world.instances) == (after is not None)
    assert refused(lambda: call(made, "CompleteLifecycleAction", **params)) == (
        400,
        "LifecycleHookIdAndLifecycleActionToken.Invalid",
    )


def test_an_instance_waits_for_every_hook():
    one, first = waiting(1, "Pending:Wait")
    second = {**first, "lifecycle_hook_id": "ash-b", "lifecycle_action_token": "tok-b"}
    made = scaled(one, actions=[first, second])
    made.ess.complete("ash-a", "tok")
    assert states(made) == {"i-1": "Pending:Wait"}
    made.ess.complete("ash-b", "tok-b")
    assert states(made) == {"i-1": "InService"}


def test_an_expired_token_and_an_odd_result_are_refused():
    one, action = waiting(1, "Pending:Wait", status="Timeout")
    made = scaled(one, actions=[action])
    assert refused(lambda: made.ess.complete("ash-a", "tok"))[1].endswith("Token.Invalid")
    assert refused(lambda: made.ess.complete("ash-a", "tok", "MAYBE")) == (400, "InvalidParamter")


def test_heartbeats_are_taken_20_times_and_for_6_hours():
    one, action = waiting(1, "Pending:Wait")
    made = scaled(one, actions=[action])
    beat = {"lifecycleHookId": "ash-a", "lifecycleActionToken": "tok", "heartbeatTimeout": "30"}
    for _ in range(20):
        assert call(made, "RecordLifecycleActionHeartbeat", **beat) == {}
    assert refused(lambda: call(made, "RecordLifecycleActionHeartbeat", **beat))[1].endswith(
        "RecordTimesExceeded"
    )
    made = scaled(one, actions=[action])
    assert refused(lambda: made.ess.heartbeat("ash-a", "tok", 21_600))[1] == "LifecycleAction.TimeExceeded"
    for seconds in ("29", "21601", "soon"):
        odd = {**beat, "heartbeatTimeout": seconds}
        assert (
            refused(lambda odd=odd: call(made, "RecordLifecycleActionHeartbeat", **odd))[1]
            == "InvalidParamter"
        )


def test_a_lost_token_is_found_by_its_activity():
    one, action = waiting(1, "Pending:Wait")
    others = [{**action, "lifecycle_action_token": f"t{n}", "status": "Completed"} for n in range(11)]
    made = scaled(one, actions=[action, *others])
    params = {"ScalingActivityId": "asa-a"}
    answer = call(made, "DescribeLifecycleActions", **params, LifecycleActionStatus="Pending")
    (found,) = answer["LifecycleActions"]["LifecycleAction"]
    assert (found["LifecycleActionToken"], found["InstanceIds"]) == ("tok", {"InstanceId": ["i-1"]})
    first = call(made, "DescribeLifecycleActions", **params)
    rest = call(made, "DescribeLifecycleActions", **params, NextToken=first["NextToken"])
    assert (len(first["LifecycleActions"]["LifecycleAction"]), first["TotalCount"]) == (10, 12)
    assert len(rest["LifecycleActions"]["LifecycleAction"]) == 2
    assert "NextToken" not in rest


def test_an_unknown_action_is_not_found():
    assert refused(lambda: cloud().call("DescribeRegions", {})) == (404, "InvalidAction.NotFound")
