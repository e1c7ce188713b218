"""What the calls that write a VServer group do, under every reading."""

from dataclasses import dataclass

from localcloud.rpc.errors import ApiError
from localcloud.slb.entries import Entries, Entry, backend_of, check
from localcloud.state.readings import Readings
from localcloud.state.world import Backend, Group, Key, LoadBalancer, World, Write

Backends = tuple[Backend, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The answer of a write. Which backends it lists is asked of the readings only when somebody looks."""

    vserver_group_id: str
    applied: Backends
    changed: Backends
    skipped: Backends
    readings: Readings

    @property
    def rows(self) -> Backends:
        """The backends in the answer. Readings: response_lists, and response_shows where one was skipped."""
        lists = self.readings["response_lists"]
        if lists == "nothing":
            return ()
        rows = self.applied if lists == "group" else self.changed
        if self.skipped and self.readings["response_shows"] == "intended":
            # One that is in the group already is shown once, as it was asked for.
            return tuple({b.key: b for b in rows + self.skipped}.values())
        return rows


class Groups:
    """The writes. Each refuses, or applies and answers; the world remembers what follows a write."""

    def __init__(self, world: World) -> None:
        self.world = world

    def modify(self, group_id: str, old: Entries, new: Entries) -> Written:
        """ModifyVServerGroupBackendServers: old out, new in.

        Readings: unequal_modify, missing_old, failed_new, modify_over_quota, modify_atomic; those of _admit.
        """
        world, readings = self.world, self.world.readings
        group = self._writable(group_id)
        check(old, readings)
        check(new, readings)
        if len(old) != len(new) and readings["unequal_modify"] == "refused":
            raise ApiError("InvalidParameter", status=400)
        present = {backend.key for backend in group.backends}
        leaving = {entry.key for entry in old} & present
        if any(entry.key not in present for entry in old) and readings["missing_old"] == "error":
            raise ApiError("InvalidParameter", status=400)
        left = tuple(b for b in group.backends if b.key not in leaving)
        try:
            result, changed, skipped = self._admit(left, new)
            added, room = len(result) - len(left), self._room(group)
            self._fits(added, room + len(leaving))
        except ApiError:
            if leaving and readings["failed_new"] == "removes_old":
                self._apply(group, left, "ModifyVServerGroupBackendServers")
            raise
        if added > max(room, 0) and readings["modify_over_quota"] == "counts_both":
            self._fits(added, room)
        if leaving and result != left and not readings["modify_atomic"]:
            world.put_backends(group, left, "ModifyVServerGroupBackendServers")
            self._apply(group, result, "ModifyVServerGroupBackendServers", since=left)
        else:
            self._apply(group, result, "ModifyVServerGroupBackendServers")
        return Written(group_id, result, changed, skipped, readings)

    def add(self, group_id: str, entries: Entries) -> Written:
        """AddVServerGroupBackendServers. Readings: those of _admit."""
        group = self._writable(group_id)
        check(entries, self.world.readings)
        result, changed, skipped = self._admit(group.backends, entries)
        self._fits(len(result) - len(group.backends), self._room(group))
        self._apply(group, result, "AddVServerGroupBackendServers")
        return Written(group_id, result, changed, skipped, self.world.readings)

    def remove(self, group_id: str, entries: Entries) -> Written:
        """RemoveVServerGroupBackendServers; entries that are not in the group are ignored (its page)."""
        group = self._writable(group_id)
        check(entries, self.world.readings)
        named = {entry.key for entry in entries}
        left = tuple(b for b in group.backends if b.key not in named)
        gone = tuple(b for b in group.backends if b.key in named)
        self._apply(group, left, "RemoveVServerGroupBackendServers")
        return Written(group_id, left, gone, (), self.world.readings)

    def set(self, group_id: str, entries: Entries = (), name: str | None = None) -> Written:
        """SetVServerGroupAttribute: the name; weight and description of backends that are there."""
        group = self._writable(group_id)
        check(entries, self.world.readings)
        wanted = {entry.key: entry for entry in entries}
        result = tuple(_reset(b, wanted.get(b.key)) for b in group.backends)
        changed = tuple(b for b in result if b.key in wanted)
        if name is not None:
            group = Group(group_id, group.load_balancer_id, name, group.backends)
            self.world.groups[group_id] = group
        self._apply(group, result, "SetVServerGroupAttribute")
        return Written(group_id, result, changed, (), self.world.readings)

    def create(self, load_balancer_id: str, name: str = "", entries: Entries = ()) -> Written:
        """CreateVServerGroup, with backends or without."""
        world = self.world
        self.balancer(load_balancer_id)
        self._not_busy(load_balancer_id, "")
        check(entries, world.readings)
        group = Group(f"rsp-local{world.created + 1:06d}", load_balancer_id, name)
        result, changed, skipped = self._admit((), entries)
        self._fits(len(result), self._room(group))
        world.created += 1
        self._apply(group, result, "CreateVServerGroup")
        return Written(group.vserver_group_id, result, changed, skipped, world.readings)

    def delete(self, group_id: str) -> None:
        """DeleteVServerGroup; refused while a listener or a forwarding rule uses it (its page)."""
        group = self._writable(group_id)
        for listener in self.balancer(group.load_balancer_id).listeners:
            if listener.vserver_group_id == group_id:
                raise ApiError("RspoolVipExist")
            if listener.uses(group_id):
                raise ApiError("RspoolRuleExist")
        self._apply(group, (), "DeleteVServerGroup")
        del self.world.groups[group_id]

    def group(self, group_id: str) -> Group:
        """A group, or the 404 that has no code of its own."""
        try:
            return self.world.groups[group_id]
        except KeyError:
            raise ApiError("InvalidParameter", status=404) from None

    def balancer(self, load_balancer_id: str) -> LoadBalancer:
        """A load balancer, or 404."""
        try:
            return self.world.load_balancers[load_balancer_id]
        except KeyError:
            raise ApiError("InvalidLoadBalancerId.NotFound") from None

    def _admit(self, present: Backends, new: Entries) -> tuple[Backends, Backends, Backends]:
        """What the group would be with these, which of it they made so, and which were skipped.

        Of equal entries the first counts (AddBackendServers, default group).
        Readings: bad_new, for an entry whose server is unknown or does not run; present_new.
        """
        at: dict[Key, Backend] = {backend.key: backend for backend in present}
        changed: dict[Key, Backend] = {}
        skipped: list[Backend] = []
        seen: set[Key] = set()
        for entry in new:
            if entry.key in seen:
                continue
            seen.add(entry.key)
            backend = backend_of(entry)
            if code := self._bad(backend):
                if self.world.readings["bad_new"] == "refuses_call":
                    raise ApiError(code)
                skipped.append(backend)
                continue
            if entry.key in at:
                means = self.world.readings["present_new"]
                if means == "error":
                    raise ApiError("InvalidBackendServers.ServerIpConflict")
                if means == "ignored":
                    continue
            changed[entry.key] = backend
        at.update(changed)
        return tuple(at.values()), tuple(changed.values()), tuple(skipped)

    def _bad(self, backend: Backend) -> str | None:
        instance = self.world.instances.get(backend.server_id)
        prefix = backend.server_id.split("-", 1)[0]
        if instance is None or (prefix in {"eni", "eci"} and backend.type != prefix):
            return "InvalidServerId.NotFound"
        return None if instance.status == "Running" else "ObtainIpFail"

    def _room(self, group: Group) -> int:
        """How many more backends the load balancer takes, over all its groups (CLB: Quotas)."""
        balancer = self.balancer(group.load_balancer_id)
        used = sum(
            len(g.backends)
            for g in self.world.groups.values()
            if g.load_balancer_id == group.load_balancer_id
        )
        return balancer.backend_quota - used - len(balancer.backend_servers)

    def _fits(self, added: int, room: int) -> None:
        if added > 0 and added > room:
            raise ApiError("InstanceBackendServerNumberOverLimit")

    def _writable(self, group_id: str) -> Group:
        group = self.group(group_id)
        self._not_busy(group.load_balancer_id, group_id)
        return group

    def _not_busy(self, load_balancer_id: str, group_id: str) -> None:
        """Readings: busy_for, the writes refused after a write, and busy_ms, the time for which they are;
        busy_scope, whose writes those are.
        """
        world, written = self.world, self.world.written
        if load_balancer_id not in written:
            return
        busy_for, busy_ms = int(world.readings["busy_for"]), int(world.readings["busy_ms"])
        if not busy_for and not busy_ms:
            return
        busy = {
            one: written[one].refused < busy_for or (world.clock() - written[one].at) * 1000 < busy_ms
            for one in (load_balancer_id, group_id)
            if one in written
        }
        if not any(busy.values()):
            return
        balancer = world.readings["busy_scope"] == "load_balancer"
        held = load_balancer_id if balancer else group_id
        if busy.get(held):
            written[held] = written[held]._replace(refused=written[held].refused + 1)
            raise ApiError("BackendServer.configuring" if balancer else "VServerGroupProcessing")

    def _apply(self, group: Group, result: Backends, action: str, since: Backends | None = None) -> None:
        world, group_id = self.world, group.vserver_group_id
        if since is not None:
            between = Group(group_id, group.load_balancer_id, group.name, since)
            world.put_backends(between, result, action)
        elif result != group.backends or group_id not in world.groups:
            world.put_backends(group, result, action)
        if result != group.backends:
            world.before[group_id] = (group.backends, 0)
        now = Write(world.clock())
        world.written[group.load_balancer_id] = world.written[group_id] = now


def _reset(backend: Backend, entry: Entry | Backend | None) -> Backend:
    if entry is None:
        return backend
    weight = backend.weight if entry.weight is None else entry.weight
    description = entry.description or backend.description
    if weight == backend.weight and description == backend.description:
        return backend
    return Backend(backend.server_id, backend.port, weight, backend.type, backend.server_ip, description)
