"""The SLB model for callers in the same process: typed, nothing parsed, nothing written out."""

from localcloud.slb.groups import Groups
from localcloud.slb.health import HealthRow, describe
from localcloud.state.world import Backend, Group


class Slb(Groups):
    """Reads beside the writes of `Groups`; names and rules are those of SLB 2014-05-15."""

    def describe(self, group_id: str) -> Group:
        """DescribeVServerGroupAttribute. Reading read_lag: reads that still show the state before a write."""
        group = self.group(group_id)
        known = self.world.before.get(group_id)
        if known is None:
            return group
        before, reads = known
        if reads >= int(self.world.readings["read_lag"]):
            del self.world.before[group_id]
            return group
        self.world.before[group_id] = (before, reads + 1)
        return Group(group_id, group.load_balancer_id, group.name, before)

    def backends(self, group_id: str) -> tuple[Backend, ...]:
        """The backends that `describe` shows."""
        return self.describe(group_id).backends

    def health(
        self, load_balancer_id: str, port: int | None = None, protocol: str | None = None
    ) -> list[HealthRow]:
        """DescribeHealthStatus."""
        return describe(self.world, self.balancer(load_balancer_id), port, protocol)

    def groups_of(self, load_balancer_id: str) -> list[Group]:
        """The groups of a load balancer, as DescribeVServerGroups lists them."""
        self.balancer(load_balancer_id)
        return [g for g in self.world.groups.values() if g.load_balancer_id == load_balancer_id]
