"""Who is put in and who is touched: nobody about to be reclaimed or stopped, and nobody else's backends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from localcloud.state.world import Backend
from tests.explore.oracle.capacity import steps
from tests.explore.oracle.facts import Run

#: Seconds within which a run sees what has become of an instance.
SEEN_S = 30.0


def doomed(run: Run) -> Iterator[str]:
    """Whoever is about to be reclaimed is never put in, and never comes back."""
    for at, before in steps(run):
        came = {b.key: b for b in run.backends(at)}.keys() - {b.key for b in run.backends(before)}
        found = {key[0] for key in came} & (run.truly_doomed | _locked_meanwhile(run, at))
        # What somebody else takes out while the run goes on is put back as it was, or as a request says.
        back = found <= {b.server_id for b in run.start} and bool(run.attempt.others or run.meddled)
        if found and run.played.excused.allow("others_meanwhile", back):
            continue
        if found and not run.played.excused.allow("ecs_not_read", run.ecs_unread):
            yield f"about to be reclaimed, and put in: {sorted(found)}: instant {at}"
            return


def _locked_meanwhile(run: Run, at: int) -> set[str]:
    """Who was about to be reclaimed so long before a write that the run had to see it."""
    sent = next(call.at for call in run.writes if call.first <= at < call.last)
    said = {
        step.words[0]: step.words[1:]
        for _, step, when in run.played.happened
        if step.kind == "is" and when <= sent - SEEN_S
    }
    return {server for server, words in said.items() if "doomed" in words and server[:2] == "i-"}


def stopped(run: Run) -> Iterator[str]:
    """Whoever is stopped, or unknown to ECS, is not even asked to be put in."""
    allow = run.played.excused.allow
    for call in run.writes:
        here = {b.key for b in run.backends(run.served.before(run.group, call.first))}
        news = {key[0] for key, _ in call.new if key not in here and key[0][:2] == "i-"}
        found = {server for server in news if not run.runs(server)}
        if not found or allow("ecs_not_read", run.ecs_unread):
            continue
        if not allow("others_meanwhile", run.attempt.others or run.meddled):
            yield f"not running, and named in a write: {sorted(found)}"
            return


def untouched(run: Run) -> Iterator[str]:
    """What is neither named, nor listed, nor ours stays as it is; all of it, where nothing is to be done."""
    if not run.acts and run.writes:
        yield f"a write to a target in mode {run.target.get('mode')}, or to a dry run"
        return
    leave = {b.key for b in run.leave}
    come = (
        run.come | run.doomed
    )  # that whoever is about to be reclaimed does not come is another rule's matter
    start = {b.key: b for b in run.start}
    for at, before in steps(run):
        then, now = ({b.key: b for b in run.backends(one)} for one in (before, at))
        for key in then.keys() - now.keys():
            if key in start and key not in leave and not _finishes(run, key[0]):
                yield f"taken out, and nobody said so: {key[0]}: instant {at}"
                return
        for key in now.keys() - then.keys():
            if key not in start and key[0] not in come:
                yield f"put in, and nobody said so: {key[0]}: instant {at}"
                return
        for key in now.keys() & then.keys():
            changed = now[key] != then[key] and key not in leave and key[0] not in come
            lower = now[key].weight <= then[key].weight
            if changed and (lower or not _was_drained(run, key, now[key].weight)):
                yield f"changed, and nobody said so: {key[0]} to {now[key].weight}: instant {at}"
                return


def put_in_by_others(run: Run) -> set[tuple[str, int, str | None]]:
    """The backends of the end that somebody else has put in, in this run or before it."""
    found: set[tuple[str, int, str | None]] = set()
    instants = run.served.instants(run.group, 0, run.end + 1)
    for before, at in pairwise(instants):
        then, now = ({b.key for b in run.backends(one)} for one in (before, at))
        found &= now
        found |= now - then if at in run.played.others else set()
    return found


def others_own(run: Run) -> Iterator[str]:
    """What others put in while a run goes on stays as they made it, unless the delivery takes it out.

    A weight of 0, or a weight that a request names, may be changed.
    """
    theirs: dict[tuple[str, int, str | None], Backend] = {}
    weighed = {e.server for e in run.launched if e.weight is not None}
    start, leave = {b.key for b in run.start}, {b.key for b in run.leave}
    now = {b.key: b for b in run.start}
    for at in run.served.instants(run.group, run.begin + 1, run.end + 1):
        before, now = now, {b.key: b for b in run.backends(at)}
        if at in run.played.others:
            came = {key: b for key, b in now.items() if key not in before.keys() | start}
            theirs = {key: now[key] for key in theirs.keys() & now.keys()} | came
            continue
        for key, owned in list(theirs.items()):
            named = any(entry.covers(owned) for entry in run.terminated) or key in leave
            if named or now.get(key) == owned:
                continue
            lag = run.played.setup.readings["read_lag"]
            if run.played.excused.allow("others_meanwhile", lag):  # it could not see them
                del theirs[key]
            elif key not in now:
                yield f"put in by others during the run, and taken out: {key[0]}: instant {at}"
                return
            elif now[key].description != owned.description or (owned.weight and key[0] not in weighed):
                yield f"put in by others during the run, and changed: {key[0]}: instant {at}"
                return


def _finishes(run: Run, server: str) -> bool:
    """Whether a server was put in by us, unfinished, so that it may be taken out again."""
    found = [b for b in run.start if b.server_id == server]
    return any(b.description == run.mark.replace("/", ".") for b in found)


def _was_drained(run: Run, key: tuple[str, int, str | None], weight: int) -> bool:
    """Whether a backend once had this weight, so that to give it back is to put back what a drain took."""
    return any(
        b.key == key and b.weight == weight
        for at in run.served.instants(run.group, 0, run.begin)
        for b in run.backends(at)
    )
