"""What must hold of a schedule: naive code over the local cloud's history, calls and state.

It asks the function nothing but whether its deliveries ended. Who counts, and when, is said in docs/rules.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.playing import Began, Seen
from tests.chaos.told import Instant, bare
from tests.chaos.worlds import OTHER, Place
from tests.chaos.written import endless, too_early, weights

#: What may stand in a result; all else is a crash.
OUTCOMES = {
    "raised", "rolled_back", "partial", "refused", "rejected", "applied", "accepted", "planned", "unchanged",
    "ignored",
}  # fmt: skip


def judge(seen: Seen) -> list[str]:
    """Return what is wrong, in words; nothing, if the schedule went as it must."""
    wrong = [*_ended(seen), *_at_rest(seen)]
    if len(seen.histories[OTHER]) > 1:
        wrong.append("a group that is nobody's target was touched")
    if seen.schedule.how != "several":  # no floor is promised, nor is known whose a call is
        wrong += [*endless(seen), *too_early(seen)]
    for place in seen.schedule.world.places:
        found = [*_untouched(seen, place), *_known(seen, place)]
        if not place.acts:
            found += _looked_only(seen, place)
        elif seen.settled:
            found += [*_truth(seen, place), *weights(seen, place)]
        if seen.schedule.how != "several":
            found += [*_floor(seen, place), *_doomed(seen, place)]
        wrong += [f"{place.target['name']}: {problem}" for problem in found]
    return wrong


# ---- every delivery ends


def _ended(seen: Seen) -> Iterator[str]:
    killed = any(call.get("fault") == "kill" for call in seen.calls)
    for reply in seen.replies:
        try:
            said = reply.json() if reply.body else {}
        except ValueError:
            yield f"an answer that is no JSON: {reply.status} {reply.body[:200]!r}"
            continue
        if reply.status == 202 or said.get("outcome") in OUTCOMES:
            continue
        died = killed and "Process exited unexpectedly" in str(said.get("errorMessage"))
        if reply.status not in {502, 503} or not (died or said.get("errorType") == "NotYet"):
            yield f"a delivery ended in {reply.status} {str(said)[:300]}"
    if any("swap.failed" in line or "Traceback" in line for line in seen.lines):
        failed = next(line for line in seen.lines if "swap.failed" in line or "Traceback" in line)
        yield f"the function broke: {failed[:3000]}"
    if not seen.drained:
        yield "the queue was never empty"
    for one in seen.queued:
        if one["outcome"] not in {"succeeded", "failed", "expired"}:
            yield f"a queued delivery is lost: {one}"
        if one["outcome"] in {"failed", "expired"} and one["request_id"] not in seen.dead_letters:
            yield f"a queued delivery that failed is in no dead letter queue: {one}"


# ---- at every instant


def _untouched(seen: Seen, place: Place) -> Iterator[str]:
    for instant in seen.histories[place.group]:
        here = [bare(backend) for backend in instant["backends"]]
        for backend in place.foreign:
            if backend not in here:
                yield f"a foreign backend was touched, at instant {instant['index']}: {backend}"
                return


def _looked_only(seen: Seen, place: Place) -> Iterator[str]:
    """Mode ``plan``: nothing is written."""
    written = [instant for instant in seen.histories[place.group] if instant["request_id"] is not None]
    if written:
        yield f"mode plan writes: {written[0]['action']}"


def _known(seen: Seen, place: Place) -> Iterator[str]:
    history = seen.histories[place.group]
    ports = {b["port"] for b in history[0]["backends"]} | set(place.ports)
    for backend in (b for instant in history for b in instant["backends"]):
        if backend["port"] not in ports or not backend["server_id"].startswith(("i-old", "i-new", "i-their")):
            yield f"a backend that nobody asked for: {bare(backend)}"
            return


def _runs(seen: Seen, place: Place) -> Iterator[tuple[Began, list[Instant]]]:
    """Every run with the group's instants in it, after that in which the run found the group."""
    history = seen.histories[place.group]
    for began, ended in zip(seen.runs, [*[run.instant for run in seen.runs[1:]], None], strict=True):
        start = [instant for instant in history if instant["index"] < began.instant][-1]
        inside = [i for i in history if began.instant <= i["index"] and (ended is None or i["index"] < ended)]
        yield began, [start, *inside]


def _doomed(seen: Seen, place: Place) -> Iterator[str]:
    """A server that is about to be reclaimed, and is not in the group, is not put in."""
    for began, (start, *inside) in _runs(seen, place):
        here = {backend["server_id"] for backend in start["backends"]}
        doomed = {server for server, since in seen.locked.items() if since < began.instant} - here
        for instant in inside:
            put_in = doomed & {backend["server_id"] for backend in instant["backends"]}
            if put_in:
                yield f"{sorted(put_in)} are about to be reclaimed and put in, at instant {instant['index']}"
                return


def _floor(seen: Seen, place: Place) -> Iterator[str]:
    """No write of a run takes what serves below what the run's start and the settings allow."""
    for began, run in _runs(seen, place):
        if seen.schedule.wanted and began.instant >= seen.ending:  # the last request lifts the limits
            continue
        if any(instant["request_id"] is None for instant in run[1:]):
            continue  # somebody else changed something meanwhile
        dead = {server for server, since in seen.released.items() if since <= began.instant}
        told = [
            _Floor(seen, place, run[0], listed, ignored)
            for listed in _listings(seen, began)
            for ignored in (set(), dead)
        ]
        for before, after in pairwise(run):
            breaches = [floor.breach(before, after) for floor in told]
            if all(breaches):
                yield f"{breaches[0]}, at instant {after['index']} by {after['action']}"
                return


def _listings(seen: Seen, began: Began) -> set[frozenset[str]]:
    """What a run may have been shown of the scaling group: it may change at any moment from its beginning."""
    ended = min((run.call for run in seen.runs if run.call > began.call), default=len(seen.calls))
    return {began.listed} | {listed for at, listed in seen.listings if began.call <= at <= ended}


class _Floor:
    """The floor of one run. Who is no more counts or is ``ignored``: it is not always known who is gone."""

    def __init__(
        self, seen: Seen, place: Place, start: Instant, listed: frozenset[str], ignored: set[str]
    ) -> None:
        schedule, target = seen.schedule, place.target
        self.checked, self.ignored = schedule.checked, ignored
        serving = self.serving(start)
        stays = listed - schedule.interrupted - schedule.doomed
        leaves, comes = serving - stays, serving & stays - set(schedule.world.ours)
        if schedule.world.by_request:
            leaves, comes = (serving & schedule.said(side) for side in ("terminated", "launched"))
        # Side by side, an old one and the new one that takes its place count as one.
        baseline = len(serving) - min(len(leaves), len(comes))
        limit = target.get("max_unavailable", "25%")
        share = limit if isinstance(limit, int) else max(1, baseline * int(limit.rstrip("%")) // 100)
        self.floor = max(target.get("min_backends", 1), baseline - share)

    def serving(self, instant: Instant) -> set[str]:
        """Servers with a weight above 0; where health is checked, those that are normal."""
        weighted: dict[str, list[str]] = {}
        for backend in instant["backends"]:
            if backend["weight"] > 0 and backend["server_id"] not in self.ignored:
                weighted.setdefault(backend["server_id"], []).append(backend["health"])
        return {one for one, health in weighted.items() if not self.checked or "normal" in health}

    def breach(self, before: Instant, after: Instant) -> str:
        was, left = self.serving(before), self.serving(after)
        if was <= left or len(left) >= self.floor:
            return ""
        return f"{len(left)} serve where {self.floor} must ({sorted(was - left)} went)"


# ---- at the end


def _at_rest(seen: Seen) -> Iterator[str]:
    if not seen.settled:
        yield f"it does not come to rest: {seen.replies[-1].body[:300]!r}"
    elif seen.late_writes and seen.schedule.world.roomy:  # what does not fit is tried again
        yield f"it writes again though nothing changed: {seen.late_writes[0]['action']}"


def _truth(seen: Seen, place: Place) -> Iterator[str]:
    last = seen.histories[place.group][-1]["backends"]
    ports: dict[str, set[int]] = {}
    for backend in last:
        ports.setdefault(backend["server_id"], set()).add(backend["port"])
    wanted, unwanted = _wanted(seen, place)
    if _fits(seen, place, wanted):
        for server in sorted(wanted):
            if server not in ports:
                yield f"{server} serves and is not in the group"
            elif place.uniform and ports[server] != set(place.ports):
                yield f"{server} is in the group on {sorted(ports[server])} only"
    for server in sorted(unwanted & ports.keys()):
        yield f"{server} is gone and still in the group"
    named_0 = seen.schedule.named_weights
    for backend in last:
        idle = backend["weight"] == 0 and backend["server_id"] in wanted and 0 not in named_0
        was_idle = any(bare(backend) == bare(b) for b in seen.histories[place.group][0]["backends"])
        if idle and not was_idle:
            yield f"{backend['server_id']}:{backend['port']} ends with weight 0"


def _fits(seen: Seen, place: Place, wanted: set[str]) -> bool:
    """Whether the load balancer has room for all that are wanted, beside what is there and stays."""
    world = seen.schedule.world
    if world.roomy:
        return True
    balancer = world.state["load_balancers"][0]
    elsewhere = sum(
        len(seen.histories[group][-1]["backends"]) for group in seen.histories if group != place.group
    )
    here = {(b["server_id"], b["port"]) for b in seen.histories[place.group][-1]["backends"]}
    needed = {(server, port) for server in wanted for port in place.ports}
    return bool(elsewhere + len(here | needed) <= balancer["backend_quota"])


def _wanted(seen: Seen, place: Place) -> tuple[set[str], set[str]]:
    """Who must be in the group in the end, and who must not."""
    schedule = seen.schedule
    if schedule.wanted:
        unwanted = set(schedule.last[0]["request"]["terminated"])
        return set(schedule.wanted), unwanted if schedule.world.roomy else set()
    members = seen.state["scaling_groups"][0]["instances"]
    listed = {member["instance_id"] for member in members}
    serving = {m["instance_id"] for m in members if m["lifecycle_state"] in {"InService", "Protected"}}
    serving -= schedule.doomed  # it may serve until it is replaced, and is not put in
    if not listed:
        return serving, set()  # no truth: nothing is to be taken out for it
    return serving, (schedule.named - listed) | _stale(seen, place, listed)


def _stale(seen: Seen, place: Place, listed: set[str]) -> set[str]:
    """Servers that no message names and no scaling group lists, where that is enough to take them out."""
    last = seen.histories[place.group][-1]["backends"]
    marked = {b["server_id"] for b in last if b["description"] == place.mark}
    ours = {b["server_id"] for b in last} - {"i-their0", "i-their1"}
    stale = {one for one in ours - listed if place.target.get("exclusive") or one in marked}
    # Several may be more than max_removed allows, or than the floor where no check tells who is gone.
    return stale if len(stale) == 1 and len(ours) > 1 and seen.schedule.checked else set()


# ---- for who has to find out


def story(seen: Seen) -> str:
    """Everything that happened in a schedule, in order, a line for each thing."""
    schedule = seen.schedule
    state = schedule.world.state
    lines = [
        f"settings {json.dumps([place.target for place in schedule.world.places])}",
        f"listeners {json.dumps(state['load_balancers'][0]['listeners'])}",
        f"quota {state['load_balancers'][0]['backend_quota']}, readings {json.dumps(state['readings'])}",
        f"how {schedule.how}; ours {schedule.world.ours}",
        *(f"  {event}" for event in schedule.events),
        f"  last {schedule.last}",
        "calls",
    ]
    instants: dict[str | None, list[Instant]] = {}
    history = [i for place in schedule.world.places for i in seen.histories[place.group]]
    for instant in sorted(history, key=lambda instant: int(instant["index"])):
        instants.setdefault(instant["request_id"], []).append(instant)
    lines += [f"  {_shown(instant)}" for instant in instants.get(None, ())]
    for call in seen.calls:
        fault = f" !{call['fault']}" if "fault" in call else ""
        params = {k: v for k, v in call["params"].items() if "Servers" in k}
        told = " ".join(f"{k}={v}" for k, v in params.items())
        lines.append(f"  {call['action']} {call['status']} {call['code'] or ''}{fault} {told}"[:1500])
        lines += [f"      {_shown(instant)}" for instant in instants.get(call["request_id"], ())]
    lines.append(f"runs began at instants {[run.instant for run in seen.runs]}")
    lines += [f"answer {reply.status} {reply.body[:600]!r}" for reply in seen.replies]
    return "\n".join(lines)


def _shown(instant: Instant) -> str:
    told = (f"{b['server_id']}:{b['port']}={b['weight']}/{b['health']}" for b in instant["backends"])
    return f"[{instant['index']}] {instant['action'] or 'begins'}: {' '.join(told)}"
