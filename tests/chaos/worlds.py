"""Where a schedule begins: a target's settings, a group with its servers, readings. Drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from localcloud.state.readings import TABLE

GROUP, SECOND, OTHER, BALANCER, SCALING = "rsp-web", "rsp-second", "rsp-other", "lb-web", "asg-web"
MARK = "slb-swap/web"
WEIGHTS = (0, 30, 100)

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
    {"ports": [8080]},
    {"ports": [8080], "strategy": "surge", "drain_s": 10},
    {"ports": [8080], "mode": "plan"},
)

#: Settings of a second target: another group of the load balancer, fed by the same scaling group.
BESIDE: dict[int, dict[str, Any]] = {
    12: {"ports": [9090]},
    13: {"ports": [9090], "mode": "plan"},
    14: {"ports": [9090], "strategy": "surge", "exclusive": True},
}


def settings(variant: int) -> list[dict[str, Any]]:
    """What SWAP_TARGETS says."""
    target = {"name": "web", "vserver_group_id": GROUP, "scaling_group_ids": [SCALING], "health": _HEALTH}
    targets = [target | SETTINGS[variant]]
    if variant in BESIDE:
        targets.append(target | {"name": "second", "vserver_group_id": SECOND} | BESIDE[variant])
    return targets


@dataclass
class Place:
    """A target and its group, with what the oracle has to know of it."""

    target: dict[str, Any]
    foreign: list[dict[str, Any]] = field(default_factory=list)  #: backends of somebody else
    uniform: bool = True  #: every server is there on every port of the target

    @property
    def group(self) -> str:
        return str(self.target["vserver_group_id"])

    @property
    def ports(self) -> list[int]:
        return list(self.target["ports"])

    @property
    def mark(self) -> str:
        return f"slb-swap/{self.target['name']}"

    @property
    def acts(self) -> bool:
        return bool(self.target.get("mode", "apply") == "apply")


@dataclass
class World:
    """A state to begin with, and the places in it."""

    variant: int
    state: dict[str, Any]
    ours: list[str] = field(default_factory=list)  #: servers that may be replaced
    places: list[Place] = field(default_factory=list)
    roomy: bool = True  #: the load balancer has room for everything

    @property
    def by_request(self) -> bool:
        return not self.places[0].target["scaling_group_ids"]

    @property
    def readings(self) -> dict[str, Any]:
        return dict(self.state["readings"])


def draw(rng: Random, variant: int) -> World:
    """A world of one group that is used by one listener, beside another group."""
    world = World(variant, {}, places=[Place(target) for target in settings(variant)])
    size = rng.choice((1, 2, 3, 4, 4, 6, 8))
    world.ours = [f"i-old{n}" for n in range(size)]
    world.roomy = rng.random() < 0.8
    groups = [_group(rng, world, place) for place in world.places]
    count = sum(len(group["backends"]) for group in groups) + 1
    world.state = {
        "load_balancers": [
            {
                "load_balancer_id": BALANCER,
                "backend_quota": 400 if world.roomy else count + rng.randint(0, 1),
                "listeners": _listeners(rng, world.places),
                "vserver_groups": [
                    *groups,
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


def _group(rng: Random, world: World, place: Place) -> dict[str, Any]:
    ports = place.ports
    place.uniform = rng.random() < 0.85
    common = rng.choice(WEIGHTS[1:])
    ours = [
        _backend(
            server, port, rng.choice((common, common, *WEIGHTS[1:])), rng.choice(("", "", "blue", place.mark))
        )
        for server in world.ours
        for port in (ports if place.uniform else rng.sample(ports, rng.randint(1, len(ports))))
    ]
    if rng.random() < 0.15:
        ours[0]["weight"] = 0
    if not place.target.get("exclusive") and rng.random() < 0.6:
        said = rng.choice(("", "theirs"))
        place.foreign = [
            _backend(f"i-their{n}", rng.choice((80, *ports)), rng.choice((0, 70)), said)
            for n in range(rng.randint(1, 2))
        ]
    backends = ours + place.foreign
    rng.shuffle(backends)
    return {"vserver_group_id": place.group, "name": place.target["name"], "backends": backends}


def _backend(server: str, port: int, weight: int, description: str) -> dict[str, Any]:
    return {
        "server_id": server,
        "port": port,
        "weight": weight,
        "type": "ecs",
        "server_ip": None,
        "description": description,
    }


def _listeners(rng: Random, places: list[Place]) -> list[dict[str, Any]]:
    """A listener for each group; the health of all is checked, or of none."""
    checked = rng.random() < 0.75
    return [
        {
            "port": 80 + at,
            "vserver_group_id": place.group,
            "health_check": checked,
            "scheduler": rng.choice(("wrr", "wrr", "rr")),
            "connection_drain": rng.random() < 0.2,
        }
        for at, place in enumerate(places)
    ]


def _readings(rng: Random) -> dict[str, Any]:
    """Some readings at random, the others at their default."""
    chosen: dict[str, Any] = {}
    for name, reading in TABLE.items():
        if name == "busy_ms":  # by the clock on the wall, which no seed turns
            continue
        if rng.random() < 0.35:
            chosen[name] = rng.randint(0, 3) if reading.counted else rng.choice(reading.values)
    return chosen
