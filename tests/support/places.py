"""States and targets in a few words: groups, each with its load balancer and scaling group."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support import builders


def place(
    name: str = "web",
    of: str = "",
    listed: str | None = None,
    *,
    hooks: Sequence[Mapping[str, Any]] = (),
    attached: bool = False,
    **also: Any,
) -> dict[str, Any]:
    """The state of a group ``rsp-NAME`` on ``lb-NAME``, fed by ``asg-NAME``; see ``builders.state``."""
    text = json.dumps(builders.state(of, listed, **also))
    for kind in ("lb", "rsp", "asg"):
        text = text.replace(f'"{kind}-web"', f'"{kind}-{name}"')
    state: dict[str, Any] = json.loads(text)
    for group in state["scaling_groups"]:
        group["lifecycle_actions"] = [dict(hook) for hook in hooks]
        group["vserver_groups"] = [f"rsp-{name}"] if attached else []
    return state


def hook(instances: str, *, hook_id: str = "ash-1", token: str = "token-1", **also: Any) -> dict[str, Any]:
    """A lifecycle action that waits, for ``place(hooks=...)``."""
    return {
        "lifecycle_hook_id": hook_id,
        "lifecycle_action_token": token,
        "instance_ids": instances.split(),
        "scaling_activity_id": "asa-1",
        **also,
    }


def merged(*states: Mapping[str, Any]) -> dict[str, Any]:
    """Several places in one state; readings and faults are the first one's."""
    found: dict[str, Any] = {**states[0], "load_balancers": [], "instances": [], "scaling_groups": []}
    known: set[str] = set()
    for state in states:
        found["load_balancers"] += state["load_balancers"]
        found["scaling_groups"] += state["scaling_groups"]
        found["instances"] += [one for one in state["instances"] if one["instance_id"] not in known]
        known |= {one["instance_id"] for one in state["instances"]}
    return found


def target(name: str = "web", *, scaling: bool = True, **policy: Any) -> dict[str, Any]:
    """An entry of SWAP_TARGETS for ``rsp-NAME``."""
    fed = {"scaling_group_ids": [f"asg-{name}"]} if scaling else {}
    return {"name": name, "vserver_group_id": f"rsp-{name}", **fed, "ports": [8080], **policy}


def relisted(state: dict[str, Any], name: str, listed: str) -> None:
    """Give the scaling group of a state other members; those that are not known yet start to run."""
    fresh = place(name, "", listed)
    group = find(state["scaling_groups"], "scaling_group_id", f"asg-{name}")
    group["instances"] = fresh["scaling_groups"][0]["instances"]
    known = {one["instance_id"] for one in state["instances"]}
    state["instances"] += [one for one in fresh["instances"] if one["instance_id"] not in known]


def find(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    return next(row for row in rows if row[key] == value)
