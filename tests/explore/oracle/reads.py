"""Reads that fail in the middle of a run: they neither end it half done, nor keep it from taking back."""

from __future__ import annotations

from collections.abc import Iterator

from tests.explore.oracle.facts import Run
from tests.explore.ports import HEALTH_READ, Call
from tests.explore.worlds import HEALTH

MODIFY = "ModifyVServerGroupBackendServers"
#: Seconds after which a new server has failed: its time, and what is left over by rounding.
FAILED_S = HEALTH["timeout_s"] + 0.1


def told_as_raised(run: Run) -> Iterator[str]:
    """A run that has written, and that a read is refused to its end, is to be delivered again."""
    calls = run.attempt.calls
    wrote = next((at for at, c in enumerate(calls) if c.kind == "write" and not c.passing), None)
    if wrote is None or run.result is None or len(run.played.setup.targets) > 1:
        return
    last = {c.action: c for c in calls[wrote:] if c.kind not in {"write", "hook"}}
    refused = [c.action for c in last.values() if c.trouble == "forbidden"]
    if refused and run.result["outcome"] != "raised" and not _is_refused_a_write(run):
        yield f"ended half done by a read that was refused: {refused[0]}: {run.result['outcome']}"


def left_in(run: Run) -> Iterator[str]:
    """A new server that fails is not left in while the old one for it is out and may return."""
    spoilt = run.attempt.killed or run.attempt.others or run.meddled or run.wrong_listing
    last = run.attempt.writes[-1:]  # of whichever target: one load balancer is busy for all
    kept_busy = any(call.answer != "ok" for call in last)
    if spoilt or kept_busy or run.played.setup.has_rules or _is_refused_a_write(run):
        return
    here = {b.key for b in run.backends(run.end)}
    for call in run.writes:
        if call.action != MODIFY or not _was_seen_after(run, call.at + FAILED_S):
            continue
        for old, (new, weight) in zip(call.old, call.new, strict=False):
            if weight and new in here and old not in here and _fails(run, new) and _may_return(run, old[0]):
                yield f"failed, and left in though its old one may return: {new[0]} for {old[0]}"
                return


def _is_refused_a_write(run: Run) -> bool:
    """Whether some write of it did not do what it says, for another cause than a busy load balancer."""
    return any(c.answer != "ok" and not c.passing for c in run.writes)


def _was_seen_after(run: Run, at: float) -> bool:
    """Whether the load balancer has told health from then on; each time, where several targets ask."""
    asked = [c for c in run.attempt.calls if c.action == HEALTH_READ and c.at >= at]
    told: list[Call] = [c for c in asked if c.answer == "ok"]
    return bool(told) and (told == asked or len(run.played.setup.targets) == 1)


def _fails(run: Run, new: tuple[str, int, str | None]) -> bool:
    """Whether a server was not in before, and no check finds it normal: it serves nobody."""
    was_in = any(b.server_id == new[0] for b in run.start)
    serving = {one[0] for one in run.served.serving(run.end)}
    return not was_in and new[0] in run.served.sick(run.end) and new[0] not in serving


def _may_return(run: Run, old: str) -> bool:
    """Whether a server that was taken out served, and nothing speaks against it."""
    if old not in {one[0] for one in run.served.serving(run.begin)}:
        return False
    words = run.attempt.words
    gone = words[0] in {"deleted", "interrupted"} and old in words
    return run.runs(old) and not gone and old not in run.truly_doomed | run.said_gone | run.refused.keys()
