"""The state as JSON: what GET /_local/state answers, and PUT takes back."""

from dataclasses import fields
from typing import Any

from localcloud.state.parsing import RELEASED
from localcloud.state.world import Backend, World


def _backend_json(world: World, group_id: str, b: Backend) -> dict[str, Any]:
    reads = world.fresh.get((group_id, b.key))
    row = {
        "server_id": b.server_id, "port": b.port, "weight": b.weight,
        "type": b.type, "server_ip": b.server_ip, "description": b.description,
    }  # fmt: skip
    return row if reads is None else {**row, "health_reads": reads}


def _plain(value: Any) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in _shallow(value).items()}


def _shallow(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def dump(world: World) -> dict[str, Any]:
    """The state as JSON: put back, it is the same state, but for what a write left busy or lagging."""
    balancers = []
    for lb in world.load_balancers.values():
        owned = [g for g in world.groups.values() if g.load_balancer_id == lb.load_balancer_id]
        groups = [
            {
                "vserver_group_id": g.vserver_group_id,
                "name": g.name,
                "backends": [_backend_json(world, g.vserver_group_id, b) for b in g.backends],
            }
            for g in owned
        ]
        listeners = [{**_plain(x), "rules": [_plain(rule) for rule in x.rules]} for x in lb.listeners]
        default = [_backend_json(world, "", b) for b in lb.backend_servers]
        balancers.append(
            {
                **_plain(lb),
                "listeners": listeners,
                "vserver_groups": groups,
                "backend_servers": default,
                "tags": dict(lb.tags),
            }
        )
    used = {b.server_id: None for g in world.groups.values() for b in g.backends}
    gone = [{"instance_id": i, "status": RELEASED} for i in used if i not in world.instances]
    return {
        "load_balancers": balancers,
        "instances": [
            {
                **_plain(i),
                "health_by_port": {str(k): v for k, v in i.health_by_port.items()},
                "health_by_listener": {str(k): v for k, v in i.health_by_listener.items()},
                "health_by_group": dict(i.health_by_group),
            }
            for i in world.instances.values()
        ] + gone,
        "scaling_groups": [
            {
                **_plain(s),
                "vserver_groups": [_plain(a) for a in s.vserver_groups],
                "instances": [_plain(m) for m in s.instances],
                "lifecycle_actions": [_plain(a) for a in s.lifecycle_actions],
            }
            for s in world.scaling_groups.values()
        ],
        "readings": dict(world.readings),
    }  # fmt: skip
