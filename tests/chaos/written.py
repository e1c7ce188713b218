"""What must hold of what was written: how much, with which weights, and before which hook was continued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.chaos.playing import Seen
from tests.chaos.schedules import BUSY, WRITES, Change
from tests.chaos.told import Instant, bare
from tests.chaos.worlds import Place

#: Writes of a run for each backend that it names, and beside.
EACH, BESIDE = 6, 10


def endless(seen: Seen) -> Iterator[str]:
    """A run makes a small multiple of the writes for what it names; busy and throttled ones do not count."""
    starts = [run.call for run in seen.runs] + [len(seen.calls)]
    for begin, end in pairwise(starts):
        counts: dict[str, int] = {}
        named: dict[str, set[Any]] = {}
        for call in seen.calls[begin:end]:
            if call["action"] not in WRITES:
                continue
            group = call["params"].get("VServerGroupId", "")
            lists = [json.loads(text) for name, text in call["params"].items() if name.endswith("Servers")]
            named.setdefault(group, set()).update(
                (one["ServerId"], one["Port"]) for many in lists for one in many
            )
            counts[group] = counts.get(group, 0) + (call["code"] not in BUSY)
        for group, count in counts.items():
            if count > EACH * len(named[group]) + BESIDE:
                yield f"{count} writes to {group} in a run that names {len(named[group])} backends"


def too_early(seen: Seen) -> Iterator[str]:
    """A hook that lets servers go is continued only when no group has them, whatever the target's mode."""
    leaving = {
        event.token: set(event.servers)
        for event in seen.schedule.events
        if isinstance(event, Change) and event.what == "wait_to_leave"
    }
    order = {call["request_id"]: at for at, call in enumerate(seen.calls)}
    for at, call in enumerate(seen.calls):
        params = call["params"]
        servers = leaving.get(params.get("LifecycleActionToken", ""), set())
        if call["action"] != "CompleteLifecycleAction" or params.get("LifecycleActionResult") != "CONTINUE":
            continue
        for place in seen.schedule.world.places:
            for left in _at(seen.histories[place.group], order, at) if call["status"] == 200 else ():
                servers = servers & {backend["server_id"] for backend in left["backends"]}
            if servers and call["status"] == 200:
                yield f"{sorted(servers)} may go and are in {place.group} at the call {at}"
                return
            servers = leaving.get(params.get("LifecycleActionToken", ""), set())


def _at(history: list[Instant], order: dict[str, int], at: int) -> list[Instant]:
    """The states in which a group may have been at a call: after the last write, and what came by itself."""
    found: list[Instant] = []
    for instant in history:
        if instant["request_id"] is None:
            found.append(instant)
        elif order.get(instant["request_id"], 0) < at:
            found = [instant]
        else:
            break
    return found


def weights(seen: Seen, place: Place) -> Iterator[str]:
    """Weights are carried over: whom nobody names keeps it, and nobody ends with one that was nowhere."""
    first, *_, last = [seen.histories[place.group][0], *seen.histories[place.group]]
    began = {(b["server_id"], b["port"]): bare(b) for b in first["backends"]}
    ends = {(b["server_id"], b["port"]): bare(b) for b in last["backends"]}
    for key in began.keys() & ends.keys():
        if key[0] not in seen.schedule.changed and began[key] != ends[key]:
            yield f"nobody names it: {began[key]} became {ends[key]}"
    known = {b["weight"] for b in first["backends"]} | {place.target.get("weight") or 100}
    if place.target.get("weight") is None and not _emptied(seen, place):
        known = {b["weight"] for b in first["backends"]}
    known |= seen.schedule.named_weights
    members = seen.state["scaling_groups"][0]["instances"] if seen.state["scaling_groups"] else ()
    resting = {member["instance_id"] for member in members if member["lifecycle_state"] == "Standby"}
    for key in ends.keys() - began.keys():
        # A server that came to stand by while it waited for its weight gets it once it is in service.
        if ends[key]["weight"] == 0 and key[0] in resting:
            continue
        if ends[key]["weight"] not in known:
            yield f"a weight out of nowhere: {ends[key]}, where there were {sorted(known)}"


def _emptied(seen: Seen, place: Place) -> bool:
    """Whether there was a moment without any weight from which to take one."""
    return any(
        not any(backend["weight"] for backend in instant["backends"])
        for instant in seen.histories[place.group]
    )
