"""Targets by the thousand: 100 to a load balancer, of two servers each, each with its scaling group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

#: Targets of a load balancer.
EACH: Final = 100
#: Milliseconds for which a write keeps a load balancer busy.
BUSY_MS: Final = 300
#: Looks of 2 s until a new server is normal.
LOOKS: Final = 2


def targets(balancers: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of SWAP_TARGETS."""
    for balancer in range(balancers):
        for number in range(EACH):
            one = f"{balancer}-{number}"
            yield {
                "name": f"t{one}",
                "vserver_group_id": f"rsp-{one}",
                "load_balancer_id": f"lb-{balancer}",
                "scaling_group_ids": [f"asg-{one}"],
                "ports": [8080],
            }


def state(balancers: int, *, gone: bool) -> dict[str, Any]:
    """Load balancers whose groups have two servers each, by rules of one listener; of each, one is gone."""
    found: dict[str, Any] = {
        "load_balancers": [],
        "scaling_groups": [],
        "instances": [],
        "readings": {"busy_ms": BUSY_MS, "fresh_health": LOOKS},
    }
    for balancer in range(balancers):
        names = [f"{balancer}-{number}" for number in range(EACH)]
        groups = [
            {
                "vserver_group_id": f"rsp-{one}",
                "backends": [
                    {"server_id": f"i-{one}{which}", "port": 8080, "description": f"slb-swap/t{one}"}
                    for which in "ab"
                ],
            }
            for one in names
        ]
        rules = [
            {
                "rule_id": f"rule-{one}",
                "vserver_group_id": f"rsp-{one}",
                "domain": f"{one}.example.com",
                "url": "",
            }
            for one in names
        ]
        found["load_balancers"].append(
            {
                "load_balancer_id": f"lb-{balancer}",
                "backend_quota": 4 * EACH,
                "listeners": [
                    {"port": 80, "protocol": "http", "vserver_group_id": f"rsp-{names[0]}", "rules": rules}
                ],
                "vserver_groups": groups,
            }
        )
        for one in names:
            listed = [{"instance_id": f"i-{one}{which}"} for which in ("bc" if gone else "ab")]
            found["scaling_groups"].append({"scaling_group_id": f"asg-{one}", "instances": listed})
            stopped = {"status": "Stopped"} if gone else {}
            found["instances"] += [
                {"instance_id": f"i-{one}a", **stopped},
                {"instance_id": f"i-{one}b"},
                {"instance_id": f"i-{one}c"},
            ]
    return found
