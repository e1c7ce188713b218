"""The ESS model: scaling groups, their instances, and lifecycle actions that wait for their token."""

from collections.abc import Iterable
from dataclasses import replace

from localcloud.rpc.errors import ApiError
from localcloud.state.world import LifecycleAction, Member, ScalingGroup, World

MAX_HEARTBEATS = 20  # RecordLifecycleActionHeartbeat: 20 times, 6 hours in all
MAX_WAIT_S = 6 * 3600


class Ess:
    """Typed calls of ESS 2014-08-28 on a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def group(self, scaling_group_id: str) -> ScalingGroup:
        """A scaling group, or 404."""
        try:
            return self.world.scaling_groups[scaling_group_id]
        except KeyError:
            raise ApiError("InvalidScalingGroupId.NotFound") from None

    def members(
        self, scaling_group_id: str | None = None, ids: Iterable[str] = (), states: Iterable[str] = ()
    ) -> list[tuple[ScalingGroup, Member]]:
        """DescribeScalingInstances, unpaged: ids that are unknown are left out silently (its page)."""
        named, wanted = set(ids), set(states)
        groups = [self.group(scaling_group_id)] if scaling_group_id else self.world.scaling_groups.values()
        return [
            (group, member)
            for group in groups
            for member in group.instances
            if (not named or member.instance_id in named) and (not wanted or member.lifecycle_state in wanted)
        ]

    def actions(self, scaling_activity_id: str, status: str | None = None) -> list[LifecycleAction]:
        """DescribeLifecycleActions, unpaged: how a lost token is found again."""
        return [
            action
            for group in self.world.scaling_groups.values()
            for action in group.lifecycle_actions
            if action.scaling_activity_id == scaling_activity_id and status in {None, action.status}
        ]

    def complete(self, hook_id: str, token: str, result: str = "CONTINUE") -> None:
        """CompleteLifecycleAction: CONTINUE, ABANDON, or (newer documents, scale-in only) ROLLBACK."""
        if result not in {"CONTINUE", "ABANDON", "ROLLBACK"}:
            raise ApiError("InvalidParamter")
        group, action = self._pending(hook_id, token)
        self._put(group, action, replace(action, status="Completed", result=result))
        group = self.group(group.scaling_group_id)
        waiting = {i for a in group.lifecycle_actions if a.status == "Pending" for i in a.instance_ids}
        members: list[Member] = []
        released: list[str] = []
        for member in group.instances:
            concerned = member.instance_id in action.instance_ids
            after = _after(member, result) if concerned else member
            if concerned and member.instance_id in waiting and result == "CONTINUE":
                after = member  # another hook of the same activity still waits
            if after is None:
                released.append(member.instance_id)
            else:
                members.append(after)
        self.world.scaling_groups[group.scaling_group_id] = replace(group, instances=tuple(members))
        for instance_id in released:
            self.world.release(instance_id, "CompleteLifecycleAction")

    def heartbeat(self, hook_id: str, token: str, timeout_s: int = 600) -> None:
        """RecordLifecycleActionHeartbeat: the action waits longer, 20 times and 6 hours at most."""
        if not 30 <= timeout_s <= MAX_WAIT_S:
            raise ApiError("InvalidParamter")
        group, action = self._pending(hook_id, token)
        if action.heartbeats >= MAX_HEARTBEATS:
            raise ApiError("LifecycleAction.RecordTimesExceeded")
        waited = action.waited_s + timeout_s
        if waited > MAX_WAIT_S:
            raise ApiError("LifecycleAction.TimeExceeded")
        self._put(group, action, replace(action, heartbeats=action.heartbeats + 1, waited_s=waited))

    def _pending(self, hook_id: str, token: str) -> tuple[ScalingGroup, LifecycleAction]:
        for group in self.world.scaling_groups.values():
            for action in group.lifecycle_actions:
                names = (action.lifecycle_hook_id, action.lifecycle_action_token)
                if names == (hook_id, token) and action.status == "Pending":
                    return group, action
        raise ApiError("LifecycleHookIdAndLifecycleActionToken.Invalid")

    def _put(self, group: ScalingGroup, before: LifecycleAction, after: LifecycleAction) -> None:
        actions = tuple(after if action is before else action for action in group.lifecycle_actions)
        self.world.scaling_groups[group.scaling_group_id] = replace(group, lifecycle_actions=actions)


def _after(member: Member, result: str) -> Member | None:
    """What becomes of an instance; None: it leaves the scaling group and is released."""
    if member.lifecycle_state == "Pending:Wait":
        return replace(member, lifecycle_state="InService") if result == "CONTINUE" else None
    if member.lifecycle_state == "Removing:Wait":
        return replace(member, lifecycle_state="InService") if result == "ROLLBACK" else None
    return member
