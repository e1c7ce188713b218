"""Parameters without a default take what the state has: every load balancer, every scaling group."""

import json
from collections.abc import Mapping
from typing import Any

#: The package is the template's folder, and one writer is what the local cloud allows.
_DEPLOYED = {"CodeBucket": "local", "CodeObject": "local", "OneWriter": "set"}


def parameters_of(state: Mapping[str, Any]) -> dict[str, str]:
    """The template's parameters that follow from a state, in the shape of `/_local/state`.

    Each VServer group becomes a target of all the scaling groups, on the ports that its backends have now.
    """
    balancers = state.get("load_balancers") or []
    scaling = [group["scaling_group_id"] for group in state.get("scaling_groups") or []]
    targets, names = [], set()
    for balancer in balancers:
        for group in balancer.get("vserver_groups") or []:
            name = group.get("name") or group["vserver_group_id"]
            name = group["vserver_group_id"] if name in names else name
            names.add(name)
            targets.append(_target(name, group, scaling))
    return {
        "LoadBalancerIds": ",".join(balancer["load_balancer_id"] for balancer in balancers),
        "ScalingGroupIds": ",".join(scaling),
        "SwapTargets": json.dumps(targets, separators=(",", ":")),
        **_DEPLOYED,
    }


def _target(name: str, group: Mapping[str, Any], scaling: list[str]) -> dict[str, Any]:
    ports = sorted({backend["port"] for backend in group.get("backends") or [] if backend.get("port")})
    return {
        "name": name,
        "vserver_group_id": group["vserver_group_id"],
        **({"scaling_group_ids": scaling} if scaling else {}),
        **({"ports": ports} if ports else {}),
    }
