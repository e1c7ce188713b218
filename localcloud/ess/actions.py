"""ESS 2014-08-28 as the wire carries it: the actions by name."""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.ess.model import Ess
from localcloud.rpc.params import indexed, number, optional, required
from localcloud.slb.rows import CREATED
from localcloud.state.world import REGION, LifecycleAction, Member, ScalingGroup

Params = Mapping[str, str]
Answer = dict[str, Any]


def _describe_scaling_groups(ess: Ess, params: Params) -> Answer:
    page, size = number(params, "PageNumber", 1, 1, 10**6), number(params, "PageSize", 10, 1, 50)
    ids = indexed(params, "ScalingGroupId")
    names = indexed(params, "ScalingGroupName")
    chosen = [
        group
        for group in ess.world.scaling_groups.values()
        if (not ids or group.scaling_group_id in ids) and (not names or group.name in names)
    ]
    return {
        "ScalingGroups": {"ScalingGroup": [_group_row(g) for g in chosen[(page - 1) * size : page * size]]},
        "PageNumber": page,
        "PageSize": size,
        "TotalCount": len(chosen),
    }


def _group_row(group: ScalingGroup) -> Answer:
    states = [member.lifecycle_state for member in group.instances]
    balancers = dict.fromkeys(attached.load_balancer_id for attached in group.vserver_groups)
    return {
        "ScalingGroupId": group.scaling_group_id,
        "ScalingGroupName": group.name,
        "RegionId": REGION,
        "LifecycleState": "Active",
        "TotalCapacity": len(states),
        "TotalInstanceCount": len(states),
        "ActiveCapacity": states.count("InService"),
        "PendingCapacity": states.count("Pending"),
        "PendingWaitCapacity": states.count("Pending:Wait"),
        "RemovingCapacity": states.count("Removing"),
        "RemovingWaitCapacity": states.count("Removing:Wait"),
        "StandbyCapacity": states.count("Standby"),
        "ProtectedCapacity": states.count("Protected"),
        "StoppedCapacity": states.count("Stopped"),
        "CreationTime": CREATED,
        "VServerGroups": {
            "VServerGroup": [
                {
                    "LoadBalancerId": balancer,
                    "VServerGroupAttributes": {
                        "VServerGroupAttribute": [
                            {"VServerGroupId": a.vserver_group_id, "Port": a.port, "Weight": a.weight}
                            for a in group.vserver_groups
                            if a.load_balancer_id == balancer
                        ]
                    },
                }
                for balancer in balancers
            ]
        },
    }


def _describe_scaling_instances(ess: Ess, params: Params) -> Answer:
    page, size = number(params, "PageNumber", 1, 1, 10**6), number(params, "PageSize", 10, 1, 50)
    state, health = optional(params, "LifecycleState"), optional(params, "HealthStatus")
    activity = optional(params, "ScalingActivityId")
    states = indexed(params, "LifecycleStates") + ([state] if state else [])
    rows = [
        _member_row(ess, group, member)
        for group, member in ess.members(
            optional(params, "ScalingGroupId"), indexed(params, "InstanceId"), states
        )
        if health in {None, member.health_status} and activity in {None, member.scaling_activity_id}
    ]
    return {
        "ScalingInstances": {"ScalingInstance": rows[(page - 1) * size : page * size]},
        "PageNumber": page,
        "PageSize": size,
        "TotalCount": len(rows),
    }


def _member_row(ess: Ess, group: ScalingGroup, member: Member) -> Answer:
    instance = ess.world.instances.get(member.instance_id)
    return {
        "InstanceId": member.instance_id,
        "ScalingGroupId": group.scaling_group_id,
        "LifecycleState": member.lifecycle_state,
        "HealthStatus": member.health_status,
        "CreationType": "AutoCreated",
        "CreationTime": CREATED,
        "LoadBalancerWeight": 50,
        "WarmupState": "NoNeedWarmup",
        **({"ZoneId": instance.zone_id} if instance else {}),
        **({"ScalingActivityId": member.scaling_activity_id} if member.scaling_activity_id else {}),
    }


def _describe_lifecycle_actions(ess: Ess, params: Params) -> Answer:
    size, start = number(params, "MaxResults", 10, 1, 50), number(params, "NextToken", 0, 0, 10**6)
    found = ess.actions(required(params, "ScalingActivityId"), optional(params, "LifecycleActionStatus"))
    end = start + size
    return {
        "LifecycleActions": {"LifecycleAction": [_action_row(action) for action in found[start:end]]},
        "TotalCount": len(found),
        "MaxResults": size,
        **({"NextToken": str(end)} if end < len(found) else {}),
    }


def _action_row(action: LifecycleAction) -> Answer:
    return {
        "LifecycleHookId": action.lifecycle_hook_id,
        "LifecycleActionToken": action.lifecycle_action_token,
        "LifecycleActionStatus": action.status,
        "LifecycleActionResult": action.result,
        "InstanceIds": {"InstanceId": list(action.instance_ids)},
    }


def _complete(ess: Ess, params: Params) -> Answer:
    hook_id, token = required(params, "LifecycleHookId"), required(params, "LifecycleActionToken")
    ess.complete(hook_id, token, optional(params, "LifecycleActionResult") or "CONTINUE")
    return {}


def _heartbeat(ess: Ess, params: Params) -> Answer:
    hook_id, token = required(params, "LifecycleHookId"), required(params, "LifecycleActionToken")
    text = optional(params, "HeartbeatTimeout") or "600"
    ess.heartbeat(hook_id, token, int(text) if text.isascii() and text.isdigit() else 0)
    return {}


ACTIONS: dict[str, Callable[[Ess, Params], Answer]] = {
    "DescribeScalingGroups": _describe_scaling_groups,
    "DescribeScalingInstances": _describe_scaling_instances,
    "DescribeLifecycleActions": _describe_lifecycle_actions,
    "CompleteLifecycleAction": _complete,
    "RecordLifecycleActionHeartbeat": _heartbeat,
}
