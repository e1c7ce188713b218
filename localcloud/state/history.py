"""Every state a VServer group was ever in, the instants inside a call included, for who asks."""

from typing import Any

from localcloud.slb.health import senders, verdict
from localcloud.state.world import World


def render(world: World, group_id: str | None = None) -> list[dict[str, Any]]:
    """The history of a group, or of all of them; the first state of each has no action."""
    users = {
        group_id: senders(world.load_balancers[group.load_balancer_id].listeners, group_id)
        for group_id, group in world.groups.items()
    }
    instants = []
    for index, instant in enumerate(world.history):
        if group_id not in {None, instant.group_id}:
            continue
        backends = []
        for b in instant.backends:
            health, used = verdict(world, instant, b, users.get(instant.group_id, ()))
            backends.append(
                {
                    "server_id": b.server_id,
                    "port": b.port,
                    "weight": b.weight,
                    "type": b.type,
                    "server_ip": b.server_ip,
                    "description": b.description,
                    "health": health,
                    "used": used,
                }
            )
        instants.append(
            {
                "index": index,
                "vserver_group_id": instant.group_id,
                "action": instant.action or None,
                "request_id": instant.request_id,
                "backends": backends,
            }
        )
    return instants
