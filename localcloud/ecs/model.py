"""The ECS model: the instances that there are, each with its status and its locks."""

from collections.abc import Collection

from localcloud.state.world import Instance, World

#: Ids of other products, which ECS does not know as instances.
OTHERS = ("eni-", "eci-")


class Ecs:
    """Typed calls of ECS 2014-05-26 on a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def instances(
        self,
        ids: Collection[str] | None = None,
        status: str | None = None,
        lock_reason: str | None = None,
    ) -> list[Instance]:
        """DescribeInstances, unpaged: unknown ids are left out, and an empty list finds none (its page)."""
        wanted = None if ids is None else frozenset(ids)
        return [
            instance
            for instance in self.world.instances.values()
            if not instance.instance_id.startswith(OTHERS)
            and (wanted is None or instance.instance_id in wanted)
            and status in {None, instance.status}
            and (lock_reason is None or lock_reason.lower() in map(str.lower, instance.operation_locks))
        ]
