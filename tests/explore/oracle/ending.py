"""How a sequence ends: every target as the deliveries say, or said why not, for a cause that can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.explore.oracle.admission import put_in_by_others
from tests.explore.oracle.capacity import _is_full, others_pending
from tests.explore.oracle.facts import HOOKS_IN, Entry, Run, is_ours, share

LIMITS = frozenset({"min_backends", "max_unavailable", "floor"})
HEALTH = frozenset({"not_healthy", "after_rollback", "health"})


def ended(run: Run) -> Iterator[str]:
    """After the last delivery, in which nothing went wrong: what was to leave, to come and to serve does."""
    if not run.acts:
        return
    yield from raised(run)
    yield from reasons(run)
    if run.is_request:
        yield from as_requested(run)
    else:
        yield from as_listed(run)


def raised(run: Run) -> Iterator[str]:
    """A delivery comes again only for what can be seen from here."""
    result = run.result
    if result is None or result["outcome"] != "raised":
        return
    allow = run.played.excused.allow
    end = run.served.sick(run.end)
    coming = {e.server for e in run.launched}
    if allow("still_sick", bool(_unhealthy(run))):
        return
    late = any(run.listed.get(s, ("",))[0] == "pending" or s not in run.in_service for s in coming)
    if allow("still_coming", late and not run.is_request):
        return
    if allow(
        "still_known", run.attempt.words[0] == "deleted" and any(run.known(s) for s in run.attempt.words[1:])
    ):
        return
    held = run.attempt.words[0] in HOOKS_IN
    if allow("held_by_the_floor", held and bool(end or _binding(run))):
        return
    needed = 12 + int(run.target.get("drain_s", 0))
    if allow("no_time", run.played.setup.time_s < 2 * needed + 10):
        return
    if allow("nobody_listed", bool(run.sources) and not run.listed and coming):
        return
    yield f"raised for ever: {result['reason']}"


def _unhealthy(run: Run) -> set[str]:
    """Who of those that come fails a check, or does not run."""
    names = run.come | {e.server for e in run.launched} | {b.server_id for b in run.backends(run.end)} - {
        b.server_id for b in run.start}  # fmt: skip
    names |= {b.server_id for b in run.backends(run.end)} & run.in_service
    found = set()
    for name in names:
        known = run.attempt.instances.get(name)
        if (
            known is None
            or known.status != "Running"
            or known.health == "abnormal"
            or "abnormal" in known.health_by_listener.values()
        ):
            found.add(name)
    return found | _doubted(run, names - found)


def _doubted(run: Run, names: set[str]) -> set[str]:
    """Whom a row of another group speaks against: nothing in DescribeHealthStatus tells whose row it is."""
    found = names & run.served.doubted(run.group, run.attempt.last)
    return found if run.played.excused.allow("row_of_another", found) else set()


def _binding(run: Run) -> bool:
    """Whether the floor may hold somebody: one fewer would be below what some run could promise."""
    alive = run.served.serving(run.end) - run.served.dead(run.end)
    serving = len({one for one in alive if one[0] not in run.said_gone})
    wanted = len(
        run.units([b for b in run.backends(run.end) if any(b.key == gone.key for gone in run.leave)])
    )
    zeroed = {e.server for e in run.launched if e.weight == 0}
    wanted += len({one for one in run.served.serving(run.end) if one[0] in zeroed})
    start = run.served.serving(run.begin) | others_pending(run, run.begin)
    drained = run.units([b for b in run.start if b.weight == 0])
    highest = max(run.least, run.unforced, len(start | drained) - run.spare(len(start | drained)))
    return serving - max(1, wanted) < highest


def _is_wanted(run: Run) -> bool:
    """Whether one fewer would be less than its scaling groups want, less the share."""
    serving = len(run.served.serving(run.end) - run.served.dead(run.end))
    return not run.is_request and serving - 1 < run.most_needed - run.spare(run.most_needed)


def reasons(run: Run) -> Iterator[str]:
    """What is refused is refused for what can be seen from here."""
    forced = [one for one in (run.result or {}).get("refused", ()) if one["override"] in run.force]
    if forced:
        yield f"refused by a limit that it forces: {forced[0]['subject']}: {forced[0]['reason']}"
    for subject, reason in run.refused.items():
        if not _plausible(run, subject.partition("@")[0], reason):
            yield f"refused for no cause that can be seen: {subject}: {reason}"


def _plausible(run: Run, server: str, reason: str) -> bool:
    instance = run.attempt.instances.get(server)
    ports = len({b.port for b in run.start}) or 1
    match reason:
        case "over_quota":
            return _is_full(run) or run.played.setup.room < ports * max(1, len(run.come))
        case "not_healthy" | "after_rollback" | "health":
            return bool(_unhealthy(run))
        case "bad_backend" | "not_running":
            return instance is None or instance.status != "Running" or _refused_bad(run)
        case "unknown_server":
            return instance is None
        case "being_reclaimed" | "waiting_for_replacement":
            named = run.attempt.words[0] == "interrupted" and server in run.attempt.words
            return named or server in run.doomed
        case "min_backends" | "max_unavailable" | "floor":
            return _binding(run) or _is_wanted(run) or _holds_what_follows(run) or _not_read_yet(run)
        case "max_removed":
            zeroed = {e.server for e in run.launched if e.weight == 0}
            named = {b.server_id for b in run.leave} if run.is_request else run.stale
            # A dead one that is asked to weight 0 still serves, to the load balancer, where nothing checks.
            dead = {
                s
                for s in {b.server_id for b in run.start} - zeroed
                if s.startswith("i-") and not run.known(s) and run.ecs_knows_some
            }
            units = {one for one in run.units(run.start) if one[0] not in run.said_gone | dead}
            meant = {one for one in units if one[0] in named | zeroed}
            return len(meant) > share(run.target.get("max_removed", "50%"), len(units))
        case "still_in_service":
            return run.listed.get(server, ("",))[0] == "in_service"
        case "source_incomplete":
            return run.wrong_listing or any(name not in run.attempt.members for name in run.sources)
        case "scaling_group_missing":
            return any(name not in run.attempt.members for name in run.sources)
        case "instances_unread":
            return run.ecs_unread
        case "no_ports" | "server_ip_missing" | "drain_not_remembered" | "hook_not_completed" | "deadline":
            return True
        case "InvalidScalingGroupId.NotFound":
            return False
        case _:
            return any(call.answer == reason for call in run.attempt.calls)


def _holds_what_follows(run: Run) -> bool:
    """Whether a new one that fails keeps what was to go after it from its turn."""
    result = run.result or {}
    waits = result.get("outcome") == "raised" and result.get("reason") in HEALTH
    return bool(run.played.excused.allow("still_sick", waits and _unhealthy(run)))


def _not_read_yet(run: Run) -> bool:
    """Whether readings of health lag, so that a server counted as one whose first check goes on."""
    lags = int(run.played.setup.readings.get("fresh_health", 0)) > 0
    return bool(run.played.excused.allow("not_checked_yet", lags and run.played.all.index(run.attempt) > 0))


def _refused_bad(run: Run) -> bool:
    return any(c.trouble in {"bad", "refused"} for c in run.attempt.calls)


def as_requested(run: Run) -> Iterator[str]:
    """Every entry that a request names is out, or in, afterwards, or is refused by name."""
    result = run.result
    if result is None:
        return
    after = run.backends(run.end)
    partners = {new: old for old, new in run.pairs} | dict(run.pairs)
    refused = {subject.partition("@")[0] for subject in run.refused}
    group = run.group in run.refused
    # Without pairs nobody here knows whose place a refused new one was to take.
    unpaired = {e.server for e in run.launched if e.server not in partners} & refused
    for entry in run.terminated:
        if not any(entry.covers(b) for b in after) or group:
            continue
        said = entry.server in refused or partners.get(entry.server) in refused
        said = said or (entry.server not in partners and unpaired) or result["outcome"] == "raised"
        if not said:
            yield f"named as terminated, still there, and not said: {entry.server}: {result['outcome']}"
    for entry in run.launched:
        if group or entry.server in refused or result["outcome"] == "raised":
            continue
        if partners.get(entry.server) in refused or {e.server for e in run.terminated} & refused:
            continue
        here = [b for b in after if entry.covers(b)]
        if not here:
            yield f"named as launched, not there, and not said: {entry.server}: {result['outcome']}"
        elif any(b.weight != entry.weight for b in here) if entry.weight is not None else _at_nothing(here):
            yield f"named as launched, at another weight, and not said: {entry.server}: {result['outcome']}"
    if result["outcome"] in {"applied", "unchanged"} and run.refused:
        yield f"told {result['outcome']}, with {sorted(run.refused)} refused"
    yield from _all_or_none(run)
    yield from _kept_beside(run)


def _kept_beside(run: Run) -> Iterator[str]:
    """A new server that fails does not stay beside the old one that it was to replace, and that serves."""
    at = run.end
    weighted = {b.server_id for b in run.backends(at) if b.weight > 0}
    before = {b.server_id for b in run.served.history[run.served.instants(run.group, 0, at + 1)[0]].backends}
    sick, serving = run.served.sick(at), {one[0] for one in run.served.serving(at)}
    for old, new in run.pairs:
        known = before | {key[0] for key in put_in_by_others(run)}
        if new not in weighted & sick - known or old not in serving:
            continue
        allow = run.played.excused.allow
        if allow("killed_between", _was_left_by_a_kill(run, new)):
            continue
        if allow("refused_for_good", new in _not_taken_out(run)):
            continue
        if not allow("others_meanwhile", _taken_in_part_by_others(run, old)):
            yield f"failed, and kept beside the server that it was to replace: {new} beside {old}"


def _was_left_by_a_kill(run: Run, server: str) -> bool:
    """Whether a run was killed before it could take a server out: it stays, as it was in with a weight."""
    killed = (attempt for attempt in run.played.all if attempt.killed and attempt is not run.attempt)
    ends = (run.backends(run.served.before(run.group, attempt.last)) for attempt in killed)
    return any(b.server_id == server and b.weight for backends in ends for b in backends)


def _taken_in_part_by_others(run: Run, server: str) -> bool:
    """Whether others took out a part of a server: it cannot come back whole, and the new one is left in."""
    for before, at in run.steps_of_others(1, run.end + 1):
        then, now = ({b.key for b in run.backends(one) if b.server_id == server} for one in (before, at))
        if then - now:
            return True
    return False


def _not_taken_out(run: Run) -> set[str]:
    """Servers that the API has refused to take out, now or before."""
    until = run.played.all.index(run.attempt) + 1
    calls = [call for attempt in run.played.all[:until] for call in attempt.calls]
    refused = (c for c in calls if c.trouble == "refused" and c.action.startswith("Remove"))
    return {key[0] for call in refused for key in call.old}


def _at_nothing(here: list[Any]) -> bool:
    return all(b.weight == 0 for b in here)


def _all_or_none(run: Run) -> Iterator[str]:
    """What a request takes out of service with nothing in its place is taken out wholly, or not at all."""
    held = {s.partition("@")[0] for s, reason in run.refused.items() if reason in LIMITS}
    if not held or run.result is None or run.result["outcome"] == "raised":
        return
    zeroed = {e.server for e in run.launched if e.weight == 0}
    served = {one[0] for one in run.served.serving(run.begin) - run.served.dead(run.begin)}
    before = {b.key: b.weight for b in run.start if b.server_id in served & zeroed}
    done = [b for b in run.backends(run.end) if b.weight == 0 and before.get(b.key)]
    if done and held & zeroed:
        yield f"a request done in part: {sorted({b.server_id for b in done})} at 0, {sorted(held)} refused"


def as_listed(run: Run) -> Iterator[str]:
    """An event or the timer leaves the group as the scaling groups list it, or says why not."""
    result = run.result
    if result is None or result["outcome"] == "raised" or run.group in run.refused:
        return  # what is raised is judged by its reason, and what is refused as a whole by its own
    found = [*_left_over(run, result), *_left_out(run, result)]
    if not found or not run.played.excused.allow("wrong_listing", run.wrong_listing):
        yield from found


def _left_over(run: Run, result: dict[str, Any]) -> Iterator[str]:
    after = {b.server_id for b in run.backends(run.end)}
    refused = {subject.partition("@")[0] for subject in run.refused}
    why = set(run.refused.values()) | {str(result["reason"])}
    known = set(run.listed) | {b.server_id for b in run.start if is_ours(b.description)}
    for server in sorted((run.leaving | run.doomed & known) & after):
        if server in refused or (server in run.doomed and "waiting_for_replacement" in str(result["reason"])):
            continue
        if server in run.doomed and server in run.in_service:
            yield from _replaced(run, server)
        elif not why & (HEALTH | {"over_quota", "source_incomplete", "bad_backend"}):
            yield f"to leave, still there, and not said: {server}: {result['outcome']}"


def _left_out(run: Run, result: dict[str, Any]) -> Iterator[str]:
    after = {b.server_id for b in run.backends(run.end)}
    refused = {subject.partition("@")[0] for subject in run.refused}
    why = set(run.refused.values()) | {str(result["reason"])}
    for server in sorted(run.missing - after - refused):
        if not run.runs(server) or why & {"over_quota", "no_ports"}:
            continue
        if server not in _unhealthy(run) or not why & HEALTH:
            yield f"to come, not there, and not said: {server}: {result['outcome']}"


def _replaced(run: Run, server: str) -> Iterator[str]:
    """A server that is about to be reclaimed goes once another comes that nobody else needs."""
    after = run.served.serving(run.end)
    begin = run.served.serving(run.begin)
    came, left = after - begin, begin - after
    if len(came) <= len(left) or _binding(run):
        return
    sick = set(run.refused.values()) & HEALTH and bool(_unhealthy(run))
    if not run.played.excused.allow("its_own_is_sick", sick):
        yield f"about to be reclaimed, and not replaced by the one that came: {server}"


def named(entry: Entry) -> str:
    """An entry as a refusal names it."""
    return entry.server + (f"@{entry.address}" if entry.address else "")
