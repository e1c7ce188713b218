"""Refusals, in whatever attempt: the reason came from the API or can be counted, and no other is held up."""

from __future__ import annotations

from collections.abc import Iterator

from tests.explore.oracle import ending
from tests.explore.oracle.facts import Run
from tests.explore.worlds import FIRST

#: The floor, by the names that a refusal may give it.
FLOOR = frozenset({"min_backends", "max_unavailable"})
#: Codes that say that the load balancer has no room, and those that blame a backend.
NO_ROOM = "InstanceBackendServerNumberOverLimit"
BLAMES = frozenset({"ObtainIpFail", "InvalidServerId.NotFound", "InvalidBackendServers.ServerIpConflict"})


def are_true(run: Run) -> Iterator[str]:
    """A refusal for the floor tells numbers that break it, and a code is one that the API gave."""
    answers = {call.answer for call in run.attempt.calls}
    for one in (run.result or {}).get("refused", ()):
        subject, reason, numbers = one["subject"], one["reason"], one.get("numbers", {})
        if reason in FLOOR:
            if numbers["in_service"] - numbers["removed"] >= numbers["floor"]:
                yield f"refused for the floor that has room: {subject}: {numbers}"
            elif _spares(run, numbers["removed"]):
                yield f"refused for the floor, and enough serve: {subject}: {numbers}"
        elif reason == "over_quota" and not _lacks_room(run):
            yield f"refused for the quota that has room: {subject}"
        elif "." in reason and reason not in answers:
            yield f"refused with a code that did not come: {subject}: {reason}"
    reason = str((run.result or {}).get("reason") or "")
    if "." in reason and "," not in reason and reason not in answers:
        yield f"ended by a code that did not come: {reason}"


def _spares(run: Run, removed: int) -> bool:
    """Whether so many of those that serve from the beginning to the end could go, by whatever is promised."""
    if run.meddled or run.attempt.others or run.attempt.killed or run.served.doubted(run.group, run.end):
        return False
    if ending._unhealthy(run) or run.played.setup.readings != FIRST or run.played.setup.denied or run.beside:
        return False
    serving = [run.served.serving(at) - run.served.dead(at) for at in (run.begin, run.end)]
    alive = {one for one in serving[0] & serving[1] if one[0] not in run.said_gone}
    drained = any(b.weight == 0 for b in run.start)
    return not drained and len(alive) - removed >= max(run.strictly_least, run.least, run.unforced)


def _lacks_room(run: Run) -> bool:
    """Whether the API said so in this attempt."""
    return any(call.answer == NO_ROOM for call in run.attempt.calls)


def alone(run: Run) -> Iterator[str]:
    """A server that is refused for good is named with the code, and all others go and come all the same."""
    said = run.played.setup.refuse_of
    if len(said) != 1 or not run.acts or run.result is None or _is_unclear(run):
        return
    _, code, server = said[0]
    refused = [call for call in run.writes if call.trouble == "refused"]
    if not refused:
        return
    named = {subject.partition("@")[0] for subject, reason in run.refused.items() if reason == code}
    if run.group in run.refused:
        yield f"a server that is refused holds up all others: {server}: {code}"
        return
    counterparts = {server}
    for call in refused:
        if call.old and call.new:
            pairs = zip(call.old, (key for key, _ in call.new), strict=True)
            counterparts |= {one[0] for pair in pairs if server in {pair[0][0], pair[1][0]} for one in pair}
    if not named or not named <= counterparts:
        yield f"refused by the API, and not named so: {server}: {code}: {sorted(run.refused.items())}"
    found = ending.as_requested(run) if run.is_request else ending.as_listed(run)
    others = [one for one in found if not any(f" {name}:" in one for name in counterparts)]
    # Where no call has both, nobody here knows whose place a new one was to take: that one stays, or is out.
    stays = [one for one in others if "still there" in one or "not replaced" in one]
    out = [one for one in others if "not there" in one]
    yield from (one for one in others if one not in {*stays[:1], *out[:1]})


def _is_unclear(run: Run) -> bool:
    """Whether more than the one server went wrong: then others have causes of their own to stay."""
    attempt, setup = run.attempt, run.played.setup
    more = {call.trouble for call in attempt.calls} - {"", "refused"}
    outcome = str(run.result and run.result["outcome"])
    busy = any(call.passing for call in attempt.writes)
    return (
        bool(more or setup.refuse or setup.denied or busy)
        or attempt.quiet
        or run.meddled
        or bool(attempt.others)
        or setup.readings != FIRST
        or _lacks_room(run)
        or outcome in {"raised", "rolled_back"}
        or bool(ending._unhealthy(run))
    )
