"""Capacity at every instant: the floor, and that nobody is retired for a server that has not passed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.explore.oracle.facts import Run, is_ours
from tests.explore.oracle.served import Unit


def floor(run: Run) -> Iterator[str]:
    """No write leaves fewer units serving than the run promises; one that takes none away is not blamed."""
    served = run.served
    start = served.serving(run.begin)
    required = _required(run)
    for at, before in steps(run):
        now = served.serving(at)
        # What this run has put in is no capacity before it has passed: it may be taken back.
        seen = _seen(run, at)
        new = {one for one in served.serving(before) - start if served.passed(seen, one, required)}
        new -= served.failing(seen)
        doubted = {one for one in new if one[0] in served.doubted(run.group, at)}
        run.played.excused.allow("row_of_another", doubted)
        had = served.serving(before) & start | new - doubted
        run.played.excused.allow("weight_0_under_rr", served.under_rr(before) - served.under_rr(at) - now)
        alive = now - _known_dead(run, at)
        if had <= now or len(alive) >= run.strictly_least or _is_excused(run, at, before, had):
            continue
        yield f"floor: {len(now)} serve, {run.least} promised, {_said(had - now)} taken: instant {at}"
        return


def _seen(run: Run, at: int) -> int:
    """The instant that the last reading of health before a write was made of."""
    reads = [c.first for c in run.attempt.calls if c.action == "DescribeHealthStatus" and c.first <= at]
    return run.served.before(run.group, max(reads, default=at))


def _is_excused(run: Run, at: int, before: int, had: set[Unit]) -> bool:
    """Whether the floor holds once what is excused is left out; each excuse that was there is counted."""
    served, allow = run.served, run.played.excused.allow
    now, dead = served.serving(at), served.dead(before)
    pending = others_pending(run, at) - now
    vouched = (run.served.vouched_for(at) & run.units(run.start)) - now
    taken = {one for one in had - now - dead if one[0] not in run.said_gone}
    left = {one for one in now | pending | vouched if one[0] not in run.said_gone} - _known_dead(run, at)
    if taken and len(left) < run.least:
        return False
    allow("dead_and_unchecked", dead)
    allow("not_checked_yet", pending)
    allow("row_of_another", vouched)
    allow("said_gone", {one for one in had if one[0] in run.said_gone})
    allow("side_by_side", run.beside)
    allow("forced", run.force & {"min_backends", "max_unavailable"})
    return True


def others_pending(run: Run, at: int) -> set[Unit]:
    """The units whose first check goes on, and that no run has put in."""
    theirs = [b for b in run.start if not is_ours(b.description)]
    return run.served.pending(at) & run.units(theirs)


def wanted(run: Run) -> Iterator[str]:
    """While fewer serve than its scaling groups want, less the share, nothing goes that nothing replaces."""
    comes = bool(run.launched or run.missing) or any(waits(run, b.server_id) for b in run.start)
    if run.is_request or comes:
        return
    served = run.served
    start = served.serving(run.begin) - served.dead(run.begin)
    least = min(len(start), len(run.needed) - run.spare(len(run.needed)))
    for at, before in steps(run):
        taken = served.serving(before) & start - served.serving(at) - served.dead(before)
        taken = {one for one in taken if one[0] not in run.said_gone}
        left = served.serving(at) | others_pending(run, at) | served.vouched_for(at) & run.units(run.start)
        if taken and len(left) < least:
            yield f"wanted: {len(left)} serve of {len(run.needed)}, {_said(taken)} taken: instant {at}"
            return


def _known_dead(run: Run, at: int) -> set[Unit]:
    """The units that are no more for all that a run can know: ECS knows others, and nobody lists them."""
    known = run.attempt.instances.keys()
    if run.ecs_unread or not any(b.server_id in known for b in run.start):
        return set()
    dead = {one for one in run.served.dead(run.begin) & run.served.dead(at) if one[0].startswith("i-")}
    return {one for one in dead if one[0] not in known and one[0] not in run.ever}


def retired(run: Run) -> Iterator[str]:
    """No unit that served is taken out but for one that has passed, for none, or within the share."""
    served, allow = run.served, run.played.excused.allow
    start = served.on(run.begin)
    counted = {one for one in start if one[0] not in run.said_gone} - _seen_dead(run)
    required = _required(run)
    share = run.spare(len(counted | others_pending(run, run.begin)))
    strictly = _unpaired(run) + _weighed_down(run) + (share if run.strategy == "swap" else 0)
    passed: set[Unit] = set()
    for at, before in steps(run):
        counted -= _failed(run, before) | served.dead(before)  # it may have died since the run began
        weighted = run.units([b for b in run.backends(at) if b.weight > 0])
        lost = start.keys() - weighted
        # What has passed, and fails later, is still what the old ones were retired for.
        passed = {one for one in served.serving(at) - start.keys() if served.passed(at, one, required)} | (
            passed & weighted
        )
        if len(lost) <= len(passed) + strictly:
            continue
        others, allowed = _lost_to_others(run, at), strictly
        if run.strategy == "surge" and _is_full(run):
            allowed += run.spare(len(counted))
        if run.wrong_listing:
            allowed += len(run.units(run.leave))
        if len((lost & counted) - others) > len(passed) + allowed + run.beside:
            yield (
                f"retired before a new one passed: {_said(lost)} out, {_said(passed)} passed, "
                f"{allowed} allowed: instant {at}"
            )
            return
        allow("others_meanwhile", others & lost)
        allow("said_gone", {one for one in lost if one[0] in run.said_gone})
        allow("dead_and_unchecked", lost & served.dead(run.begin))
        allow("full", allowed > strictly and not run.wrong_listing)
        allow("wrong_listing", run.wrong_listing)
        allow("side_by_side", run.beside)


def _seen_dead(run: Run) -> set[Unit]:
    """The units that are no more, as far as the run asks: a request asks for its own, ECS knows no ENI."""
    named = {e.server for e in (*run.terminated, *run.launched)}
    dead = {one for one in run.served.dead(run.begin) if one[0].startswith("i-")}
    return {one for one in dead if not run.is_request or one[0] in named}


def _failed(run: Run, at: int) -> set[Unit]:
    """The units that nothing sends requests to, though they have a weight and their checks have ended."""
    weighted = run.units([b for b in run.backends(at) if b.weight > 0])
    return weighted - run.served.serving(at) - run.served.pending(at)


def _required(run: Run) -> frozenset[str]:
    """The listeners on which a new one has to pass: those that check, and use any that is not new."""
    checking = run.served.checking(run.group)
    new = {e.server for e in run.launched}
    used = [names for one, names in run.served.on(run.begin).items() if one[0] not in new]
    return frozenset().union(*used) & checking or checking


def steps(run: Run) -> Iterator[tuple[int, int]]:
    """Yield each instant that a write of the run made, with the one before it."""
    for call in run.writes:
        if run.played.excused.allow("others_meanwhile", call.trouble == "other"):
            continue
        for at in run.served.instants(run.group, call.first, call.last):
            if at not in run.played.others:
                yield at, run.served.before(run.group, at)


def _unpaired(run: Run) -> int:
    """How many may leave with nobody in their place: who leaves, less who comes."""
    olds = run.units([*run.leave, *(b for b in run.start if b.server_id in run.kept)])
    # Who was launched while the run went on may come to light after its writes.
    coming = (run.missing | {s for s in run.come if waits(run, s)}) - run.launched_meanwhile
    if run.ecs_has_told:
        coming -= run.truly_doomed | run.doomed_in_the_end  # though another target may have been refused
    return max(0, len(olds) - len(coming)) + len([s for s in coming if not run.runs(s)])


def waits(run: Run, server: str) -> bool:
    """Whether a server of the start has no weight yet, and is to get it."""
    here = [b for b in run.start if b.server_id == server]
    unfinished = run.is_request or any(b.description == run.mark.replace("/", ".") for b in here)
    return unfinished and all(b.weight == 0 for b in here)


def _weighed_down(run: Run) -> int:
    """How many a request sets to weight 0."""
    return len({e.server for e in run.launched if e.weight == 0})


def _is_full(run: Run) -> bool:
    """Whether the load balancer has no place for what comes, or has said so while the run went on."""
    if any(c.answer == "InstanceBackendServerNumberOverLimit" for c in run.writes):
        return True
    balancer = next(iter(run.served.world.load_balancers.values()))
    used = sum(
        len(run.served.history[run.served.before(group, run.attempt.first)].backends)
        for group in run.served.world.groups
    )
    ports = {b.port for b in run.start}
    return balancer.backend_quota - used < max(1, len(ports)) * max(1, len(run.come))


def _lost_to_others(run: Run, at: int) -> set[Unit]:
    """Units that somebody else has taken out since the run began."""
    found: set[Unit] = set()
    for before, other in run.steps_of_others(run.begin + 1, at):
        weighted = [b for b in run.backends(other) if b.weight > 0]
        found |= run.units(run.backends(before)) - run.units(weighted)
    return found


def _said(units: set[Unit]) -> str:
    return ", ".join(sorted(server + (f"@{ip}" if ip else "") for server, ip in units)) or "none"
