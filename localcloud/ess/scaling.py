"""What a scaling group does by itself: scale out and in, replace its instances, lose preemptible ones.

An activity is a generator: it changes the world and yields what it waits for, or what it tells. The order of
states and notices is that of "ECS instance lifecycle" and "Instance refresh": new ones come first.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from localcloud.cloud import Cloud
from localcloud.ess.notices import Notice
from localcloud.state.fields import FieldError, Fields
from localcloud.state.world import Instance, LifecycleAction, Member, World

Step = float | Notice
"""Seconds that an activity waits, or what it tells."""

KINDS = ("out", "in", "replace", "reclaim")
_HOOK_ID = {"SCALE_OUT": "ash-scale-out", "SCALE_IN": "ash-scale-in"}


@dataclass(frozen=True, slots=True)
class Order:
    """What a scaling group is told to do.

    `boot_s`: seconds until a new instance is healthy; None leaves its health to somebody else. `notice_s`:
    seconds from the interruption of a preemptible instance to its end. `batch`: how many are replaced or
    reclaimed at a time, all if None ("Instance refresh" replaces in batches). `remedy`: whether Auto Scaling
    replaces those that are about to be reclaimed (CreateScalingGroup, SpotInstanceRemedy). `hooks`: whether
    the scaling group has lifecycle hooks.
    """

    kind: str
    count: int = 1
    batch: int | None = None
    instance_ids: tuple[str, ...] = ()
    hooks: bool = False
    boot_s: float | None = 0.0
    notice_s: float = 300.0
    remedy: bool = True


def order(kind: str, value: object) -> Order:
    """The order that a JSON body gives; FieldError names what is wrong."""
    if kind not in KINDS:
        raise FieldError(f"{kind!r} is not one of {', '.join(KINDS)}")
    f = Fields(value, "order").known(
        "count", "batch", "instance_ids", "hooks", "boot_s", "notice_s", "remedy"
    )

    def seconds(key: str, default: float) -> float:
        number = f.raw(key, default)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 3600:
            raise FieldError(f"{f.at(key)}: a number from 0 to 3600 is needed")
        return float(number)

    unset = f.has("boot_s") and f.raw("boot_s") is None
    return Order(
        kind,
        f.number("count", 1, 1, 1000),
        f.number("batch", None, 1, 1000) if f.has("batch") else None,
        f.texts("instance_ids"),
        f.flag("hooks", False),
        None if unset else seconds("boot_s", 0.0),
        seconds("notice_s", 300.0),
        f.flag("remedy", True),
    )


class Activity:
    """One activity over one scaling group; `steps` is what it does, in order."""

    def __init__(self, cloud: Cloud, group_id: str, order: Order, new_id: Callable[[], str]) -> None:
        """ApiError: no such scaling group. `new_id` gives ids that may be taken; those are passed over."""
        cloud.ess.group(group_id)
        self._new_id = new_id
        self.id = f"asa-{secrets.token_hex(6)}"
        self.cloud, self.group_id, self.order = cloud, group_id, order
        self.instance_ids: tuple[str, ...] = ()
        self.status = "InProgress"
        self.world: World = cloud.world

    def steps(self) -> Iterator[Step]:
        """Do it."""
        order = self.order
        if order.kind == "out":
            yield from self._out(order.count)
        elif order.kind == "in":
            yield from self._in(self._chosen())
        elif order.kind == "replace":
            for some in self._batches():
                yield from self._out(len(some))
                yield from self._in(some)
        else:
            for some in self._batches():
                yield from self._reclaim(some)
        self.status = "Successful" if self.status == "InProgress" else self.status

    def _chosen(self) -> tuple[str, ...]:
        """The instances that are named, or else the oldest in service; protected ones are never chosen."""
        serving = [m.instance_id for m in self._members() if m.lifecycle_state == "InService"]
        if unknown := [i for i in self.order.instance_ids if i not in serving]:
            raise FieldError(f"order.instance_ids: {', '.join(unknown)} not in service in {self.group_id}")
        return self.order.instance_ids or tuple(serving[: self.order.count])

    def _batches(self) -> list[tuple[str, ...]]:
        ids = self._chosen()
        size = self.order.batch or max(1, len(ids))
        return [ids[n : n + size] for n in range(0, len(ids), size)]

    def _out(self, count: int) -> Iterator[Step]:
        ids = self._new_ids(count)
        self.instance_ids += ids
        state = "Pending:Wait" if self.order.hooks else "Pending"
        for i in ids:
            self.cloud.world.set_instance(Instance(i, health="unavailable"))
        self._put([*self._members(), *(Member(i, state, scaling_activity_id=self.id) for i in ids)])
        yield self._notice("ScalingActivity:ScaleOutStart", ids, to_topics=False)
        boot_s = self.order.boot_s or 0.0
        if self.order.hooks:
            yield boot_s
            self._boot(ids)
            yield from self._hook("SCALE_OUT", ids)
        else:
            self._states(ids, "InService")
        left = tuple(m.instance_id for m in self._members() if m.instance_id in ids)
        if len(left) < len(ids):
            self.status = "Failed"
        yield self._notice(f"ScalingActivity:ScaleOut{'Success' if left else 'Error'}", left or ids)
        if not self.order.hooks:
            yield boot_s
            self._boot(ids)

    def _in(self, ids: tuple[str, ...]) -> Iterator[Step]:
        if not ids:
            return
        self.instance_ids += ids
        self._states(ids, "Removing:Wait" if self.order.hooks else "Removing")
        yield self._notice("ScalingActivity:ScaleInStart", ids, to_topics=False)
        if self.order.hooks:
            yield from self._hook("SCALE_IN", ids)
        gone = [m.instance_id for m in self._members() if m.instance_id in ids and _leaves(m)]
        self._put([m for m in self._members() if m.instance_id not in gone])
        for i in gone:
            self.cloud.world.release(i, "ScaleIn")
        yield self._notice("ScalingActivity:ScaleInSuccess", ids)

    def _reclaim(self, ids: tuple[str, ...]) -> Iterator[Step]:
        """Interruption, five minutes of notice, the end ("Handle spot instance interruption events")."""
        self.instance_ids += ids
        for i in ids:
            instance = self.cloud.world.instances[i]
            self.cloud.world.set_instance(replace(instance, operation_locks=("Recycling",)), "interruption")
        kind = "ecs:Instance:PreemptibleInstanceInterruption"
        for i in ids:
            yield Notice(kind, f"instance/{i}", {"instanceId": i, "action": "delete"})
        if self.order.remedy:
            yield from self._out(len(ids))
        boots = self.order.boot_s or 0.0
        yield max(0.0, self.order.notice_s - (boots if self.order.remedy else 0.0))
        gone = tuple(m.instance_id for m in self._members() if m.instance_id in ids)
        self._put([m for m in self._members() if m.instance_id not in ids])
        for i in ids:
            self.cloud.world.release(i, "reclaimed")
        if gone:
            yield self._notice("ScalingActivity:ScaleInSuccess", gone)

    def _hook(self, transition: str, ids: tuple[str, ...]) -> Iterator[Step]:
        """Wait until the action is completed; after its time the default result, CONTINUE, is taken."""
        hook_id, token = _HOOK_ID[transition], secrets.token_hex(16).upper()
        group = self.cloud.ess.group(self.group_id)
        action = LifecycleAction(hook_id, token, ids, self.id)
        self.cloud.world.scaling_groups[self.group_id] = replace(
            group, lifecycle_actions=(*group.lifecycle_actions, action)
        )
        content = {
            "lifecycleHookId": hook_id,
            "lifecycleActionToken": token,
            "lifecycleHookName": "slb-swap",
            "scalingGroupId": self.group_id,
            "scalingGroupName": group.name,
            "lifecycleTransition": transition,
            "defaultResult": "CONTINUE",
            "requestId": secrets.token_hex(16).upper(),
            "scalingActivityId": self.id,
            "instanceIds": list(ids),
        }
        kind = "ScaleOut" if transition == "SCALE_OUT" else "ScaleIn"
        yield Notice(f"ess:LifecycleHook:{kind}", f"scalinggroup/{self.group_id}", content)
        waited = 0.0
        while (found := self._pending(token)) is not None:
            if waited >= found.waited_s:
                self.cloud.ess.complete(hook_id, token, "CONTINUE")
                break
            yield 0.05
            waited += 0.05

    def _pending(self, token: str) -> LifecycleAction | None:
        actions = self.cloud.ess.group(self.group_id).lifecycle_actions
        return next((a for a in actions if a.lifecycle_action_token == token and a.status == "Pending"), None)

    def _members(self) -> list[Member]:
        return list(self.cloud.ess.group(self.group_id).instances)

    def _put(self, members: list[Member]) -> None:
        group = self.cloud.ess.group(self.group_id)
        self.cloud.world.scaling_groups[self.group_id] = replace(group, instances=tuple(members))

    def _states(self, ids: tuple[str, ...], state: str) -> None:
        self._put([replace(m, lifecycle_state=state) if m.instance_id in ids else m for m in self._members()])

    def _boot(self, ids: tuple[str, ...]) -> None:
        for i in ids:
            instance = self.cloud.world.instances.get(i)
            if self.order.boot_s is not None and instance is not None and instance.health == "unavailable":
                self.cloud.world.set_instance(replace(instance, health="normal"), "booted")

    def _new_ids(self, count: int) -> tuple[str, ...]:
        world = self.cloud.world
        taken = {*world.instances, *(b.server_id for g in world.groups.values() for b in g.backends)}
        ids: list[str] = []
        while len(ids) < count:
            if (instance_id := self._new_id()) not in taken:
                ids.append(instance_id)
        return tuple(ids)

    def _notice(self, kind: str, ids: tuple[str, ...], *, to_topics: bool = True) -> Notice:
        content = {
            "scalingGroupId": self.group_id,
            "scalingActivityId": self.id,
            "instanceIds": list(ids),
        }
        return Notice(f"ess:{kind}", f"scalinggroup/{self.group_id}", content, to_topics)


def _leaves(member: Member) -> bool:
    """Whether it is on its way out: a hook's ROLLBACK puts it back in service."""
    return member.lifecycle_state.startswith("Removing")
