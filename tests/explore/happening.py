"""What happens between deliveries, and while one is being done: to instances, scaling groups, and a group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from localcloud.cloud import Cloud
from localcloud.state.world import Backend, Instance, LifecycleAction, World
from tests.explore.worlds import Step, instance, member, type_of

Words = tuple[str, ...]


def happen(cloud: Cloud, step: Step, lagging: dict[str, Any]) -> None:
    """Let it happen. A scaling group in ``lagging`` lists the members that it has there."""
    if step.kind == "lag":
        group = cloud.world.scaling_groups.get(f"asg-{step.words[0]}")
        if group is not None:
            lagging[group.scaling_group_id] = group.instances
        return
    _HAPPENS[step.kind](cloud.world, step.words)


def _is(world: World, words: Words) -> None:
    """``~ is i-0 doomed``: what is true of a server from now on, in the words of its clause."""
    known = world.instances.get(words[0])
    if known is not None:
        world.set_instance(instance(known, words[1:]))


def _launch(world: World, words: Words) -> None:
    """``~ launch a n-0 Pending:Wait``: a new member, running; a hook waits for one that waits."""
    name, server, *said = words
    if server not in world.instances:
        world.set_instance(Instance(server))
    _put(world, f"asg-{name}", server, said, "ash-out")


def _leave(world: World, words: Words) -> None:
    """``~ leave a i-0 Removing:Wait``: a member that Auto Scaling is taking out."""
    name, server, *said = words
    if server in world.instances:
        _put(world, f"asg-{name}", server, said or ["Removing"], "ash-in")


def _put(world: World, name: str, server: str, said: list[str], hook: str) -> None:
    group = world.scaling_groups.get(name)
    if group is None:
        return
    became = member(server, said)
    _unlist(world, [server])  # an instance is in one scaling group
    group = world.scaling_groups[name]
    others = tuple(one for one in group.instances if one.instance_id != server)
    actions = group.lifecycle_actions
    waits = any(server in one.instance_ids and one.lifecycle_hook_id == hook for one in actions)
    if became.lifecycle_state.endswith(":Wait") and not waits:
        actions = (*actions, LifecycleAction(hook, f"token-{server}", (server,), "asa-1"))
    world.scaling_groups[name] = replace(group, instances=(*others, became), lifecycle_actions=actions)


def _unlist(world: World, words: Words) -> None:
    """``~ unlist i-0``: no scaling group has it any more, though it may run on."""
    for name, group in list(world.scaling_groups.items()):
        left = tuple(one for one in group.instances if one.instance_id not in words)
        world.scaling_groups[name] = replace(group, instances=left)


def _release(world: World, words: Words) -> None:
    """``~ release i-0``: it is no more, and no scaling group lists it."""
    _unlist(world, words)
    for server in words:
        if server in world.instances:
            world.release(server)


def _drop(world: World, words: Words) -> None:
    """``~ drop a``: the scaling group is deleted; its instances run on."""
    world.scaling_groups.pop(f"asg-{words[0]}", None)


def _zero(world: World, words: Words) -> None:
    """``~ zero a``: the scaling group is scaled to none; its instances are no more."""
    group = world.scaling_groups.get(f"asg-{words[0]}")
    if group is not None:
        _release(world, tuple(one.instance_id for one in group.instances))


def _foreign(world: World, words: Words) -> None:
    """``~ foreign web out i-0``, ``... weight i-0 0``, ``... in x-9 80 #blue``: somebody else does."""
    name, what, server, *said = words
    group = world.groups[f"rsp-{name}"]
    backends = group.backends
    if what == "out":
        backends = tuple(one for one in backends if one.server_id != server)
    elif what == "weight":
        backends = tuple(
            replace(one, weight=int(said[0])) if one.server_id == server else one for one in backends
        )
    elif what == "in":
        world.instances = {server: Instance(server), **world.instances}
        new = Backend(server, int(said[0]), 100, type_of(server), None, "".join(said[1:]).lstrip("#"))
        taken = sum(len(one.backends) for one in world.groups.values())
        full = taken >= world.load_balancers[group.load_balancer_id].backend_quota
        found = world.instances[server]
        fit = found.status == "Running" and not found.operation_locks
        known = new.key in {one.key for one in backends}
        backends = (*backends, new) if fit and not full and not known else backends
    if backends != group.backends:
        world.put_backends(group, backends, "foreign")


_HAPPENS: dict[str, Callable[[World, Words], None]] = {
    "is": _is,
    "launch": _launch,
    "leave": _leave,
    "unlist": _unlist,
    "release": _release,
    "drop": _drop,
    "zero": _zero,
    "foreign": _foreign,
}
