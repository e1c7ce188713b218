"""Where a schedule begins: a target's settings, a group with its servers, readings. Drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from localcloud.state.readings import TABLE

GROUP, OTHER, BALANCER, SCALING = "rsp-web", "rsp-other", "lb-web", "asg-web"
MARK = "slb-swap/web"

#: How long a new server may take, and how often it is looked at. Short: each look is some real calls.
_HEALTH = {"timeout_s": 20, "interval_s": 2}

#: Settings of the target. Without scaling groups it is told by requests alone.
SETTINGS: tuple[dict[str, Any], ...] = (
    {"ports": [8080]},
    {"ports": [8080], "strategy": "surge"},
    {"ports": [8080], "strategy": "surge", "drain_s": 10},
    {"ports": [8080], "drain_s": 10, "max_unavailable": 1},
    {"ports": [8080, 9090], "exclusive": True},
    {"ports": [8080, 9090], "max_unavailable": "50%", "min_backends": 2},
    {"ports": [8080], "exclusive": True, "max_removed": "100%", "max_unavailable": "100%", "min_backends": 0},
    {"ports": [8080], "min_backends": 3, "max_unavailable": 1},
    {"ports": [8080, 9090], "strategy": "surge", "exclusive": True, "weight": 50},
    {"ports": [8080], "max_unavailable": 0},
    {"scaling_group_ids": [], "ports": [8080]},
    {"scaling_group_ids": [], "strategy": "surge", "drain_s": 10, "ports": [8080, 9090]},
)


def settings(variant: int) -> dict[str, Any]:
    """What SWAP_TARGETS says of the target."""
    target = {"name": "web", "vserver_group_id": GROUP, "scaling_group_ids": [SCALING], "health": _HEALTH}
    return target | SETTINGS[variant]


@dataclass
class World:
    """A state to begin with, and what the oracle has to know of it."""

    variant: int
    state: dict[str, Any]
    ours: list[str] = field(default_factory=list)  #: servers that may be replaced
    foreign: list[dict[str, Any]] = field(default_factory=list)  #: backends of somebody else
    uniform: bool = True  #: every server is there on every port of the target
    roomy: bool = True  #: the load balancer has room for everything

    @property
    def target(self) -> dict[str, Any]:
        return settings(self.variant)

    @property
    def by_request(self) -> bool:
        return not self.target["scaling_group_ids"]

    @property
    def ports(self) -> list[int]:
        return self.target.get("ports", [8080])

    @property
    def checked(self) -> bool:
        return bool(self.state["load_balancers"][0]["listeners"][0]["health_check"])

    @property
    def readings(self) -> dict[str, Any]:
        return self.state["readings"]


def draw(rng: Random, variant: int) -> World:
    """A world of one group that is used by one listener, beside another group."""
    world = World(variant, {})
    target, ports = world.target, world.ports
    size = rng.choice((1, 2, 3, 4, 4, 6, 8))
    world.ours = [f"i-old{n}" for n in range(size)]
    world.uniform = rng.random() < 0.85
    world.roomy = rng.random() < 0.9
    ours = [
        _backend(server, port, rng.choice((100, 100, 100, 50)), rng.choice(("", "", "blue", MARK)))
        for server in world.ours
        for port in (ports if world.uniform else rng.sample(ports, rng.randint(1, len(ports))))
    ]
    if rng.random() < 0.15:
        ours[0]["weight"] = 0
    if not target.get("exclusive") and rng.random() < 0.6:
        count = rng.randint(1, 2)
        said = rng.choice(("", "theirs"))
        world.foreign = [
            _backend(f"i-their{n}", rng.choice((80, *ports)), rng.choice((0, 70)), said) for n in range(count)
        ]
    backends = ours + world.foreign
    rng.shuffle(backends)
    world.state = {
        "load_balancers": [
            {
                "load_balancer_id": BALANCER,
                "backend_quota": 400 if world.roomy else len(backends) + 1 + rng.randint(0, 1),
                "listeners": [_listener(rng)],
                "vserver_groups": [
                    {"vserver_group_id": GROUP, "name": "web", "backends": backends},
                    {"vserver_group_id": OTHER, "backends": [_backend("i-other", 80, 30, "not yours")]},
                ],
            }
        ],
        "instances": [],
        "scaling_groups": []
        if world.by_request
        else [
            {
                "scaling_group_id": SCALING,
                "instances": [
                    {
                        "instance_id": server,
                        "lifecycle_state": "Protected" if rng.random() < 0.1 else "InService",
                    }
                    for server in world.ours
                ],
            }
        ],
        "readings": _readings(rng),
        "faults": [],
    }
    return world


def _backend(server: str, port: int, weight: int, description: str) -> dict[str, Any]:
    return {
        "server_id": server,
        "port": port,
        "weight": weight,
        "type": "ecs",
        "server_ip": None,
        "description": description,
    }


def _listener(rng: Random) -> dict[str, Any]:
    return {
        "port": 80,
        "vserver_group_id": GROUP,
        "health_check": rng.random() < 0.75,
        "scheduler": rng.choice(("wrr", "wrr", "rr")),
        "connection_drain": rng.random() < 0.2,
    }


def _readings(rng: Random) -> dict[str, Any]:
    """Some readings at random, the others at their default."""
    chosen: dict[str, Any] = {}
    for name, reading in TABLE.items():
        if name == "busy_ms":  # by the clock on the wall, which no seed turns
            continue
        if rng.random() < 0.35:
            chosen[name] = rng.randint(0, 3) if reading.counted else rng.choice(reading.values)
    return chosen
