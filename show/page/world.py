"""The world that the page begins with, and the deliveries that were made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from show.signing import SECRET

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
#: Slow enough to watch: a new server is normal at the third look, and there are two looks a second.
READINGS = {"fresh_health": 3}
HEALTH = {"timeout_s": 15, "interval_s": 0.5}


def deliveries() -> list[dict[str, str]]:
    """The files of events/, with what they are about."""
    found = []
    for beside in sorted(EVENTS.glob("*.expect.json")):
        expect = json.loads(beside.read_text(encoding="utf-8"))
        name = beside.name.removesuffix(".expect.json")
        file = next(path for path in EVENTS.glob(f"{name}.*") if path != beside)
        found.append({"name": file.name, "about": expect["about"], "outcome": expect["outcome"]})
    return found


def state(servers: int | None) -> dict[str, Any]:
    """The world to begin with."""
    if servers is None:
        given = dict(json.loads((EVENTS / "state.json").read_text(encoding="utf-8")))
        return {**given, "readings": {**given.get("readings", {}), **READINGS}}
    old = [f"i-{n:03d}" for n in range(1, servers + 1)]
    new = [f"i-new{n:03d}" for n in range(1, servers + 1)]
    backends = [{"server_id": i, "port": 8080, "weight": 100} for i in old]
    group = {"vserver_group_id": "rsp-web", "name": "web", "backends": backends}
    listener = {"port": 80, "protocol": "http", "vserver_group_id": "rsp-web"}
    return {
        "load_balancers": [
            {
                "load_balancer_id": "lb-web", "backend_quota": max(200, 2 * servers),
                "listeners": [listener], "vserver_groups": [group],
            }
        ],
        "instances": [{"instance_id": i} for i in (*old, *new)],
        "scaling_groups": [
            {"scaling_group_id": "asg-web", "instances": [{"instance_id": i} for i in old]}
        ],
        "readings": READINGS,
    }  # fmt: skip


def targets(servers: int | None) -> list[dict[str, Any]]:
    """The function's targets; health is looked at often enough to be watched."""
    given: list[dict[str, Any]] = json.loads((EVENTS / "targets.json").read_text(encoding="utf-8"))
    drop = () if servers is None else ("scaling_group_ids",)
    return [{**{k: v for k, v in one.items() if k not in drop}, "health": HEALTH} for one in given]


def environment(wanted: list[dict[str, Any]], mode: str | None = None) -> dict[str, str]:
    """The function's settings; a mode takes the place of each target's own."""
    return {
        "SWAP_TARGETS": json.dumps([{**one, **({"mode": mode} if mode else {})} for one in wanted]),
        "SWAP_WEBHOOK_SECRETS": SECRET,
    }
