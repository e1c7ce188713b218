"""What a result tells is what the instants show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from localcloud.state.world import Backend
from tests.explore.oracle.facts import Run, was_drained

Place = tuple[Any, ...]


def told(run: Run) -> Iterator[str]:
    """Before, after, added, removed and pairs are what happened."""
    result = run.result
    if result is None or not run.acts or str(result["reason"]).startswith("unexpected"):
        return
    if result["outcome"] in {"raised", "planned"} and not result["after"]:
        return
    if _was_not_shown_it(run, result):
        return
    meddled = any(run.begin < at <= run.end for at in run.played.others if _of(run, at))
    found = list(_compared(run, result))
    if not found or run.played.excused.allow("others_meanwhile", meddled):
        return
    if not run.played.excused.allow("failed_and_unseen", _is_unseen(run)):
        yield from found


def _was_not_shown_it(run: Run, result: dict[str, Any]) -> bool:
    """Whether a run was refused a reading of the first look, and so has no group to tell of."""
    refused = any(c.trouble == "forbidden" for c in run.attempt.calls)
    return refused and result["outcome"] == "refused" and not result["before"] and not run.writes


def _compared(run: Run, result: dict[str, Any]) -> Iterator[str]:
    before, after = run.start, run.backends(run.end)
    if Counter(map(_row, result["before"])) != Counter(map(_backend, before)):
        yield "told another group than there was before"
        return
    if result["outcome"] != "raised" and Counter(map(_row, result["after"])) != Counter(map(_backend, after)):
        yield "told another group than there is after"
        return
    if result["outcome"] == "raised":
        return
    was, now = {b.key for b in before}, {b.key for b in after}
    left = Counter(key[0] for key in was - now) - Counter(row["server_id"] for row in result["removed"])
    came = Counter(key[0] for key in now - was) - Counter(row["server_id"] for row in result["added"])
    if left != Counter(pair["old"] for pair in result["pairs"]):
        yield "told others as removed or replaced than were"
    if came != Counter(pair["new"] for pair in result["pairs"]):
        yield "told others as added or replacing than were"
    if result["outcome"] == "unchanged" and before != after:
        yield "told unchanged, and changed"
    # What was drained and given back is a change: calls were made, and requests went elsewhere meanwhile.
    still = all(run.backends(at) == before for at in run.served.instants(run.group, run.begin, run.end + 1))
    if still and any(c.answer == "ok" for c in run.writes) and result["outcome"] == "applied":
        yield "told applied, and nothing changed"


def reversed_by(run: Run) -> Iterator[str]:
    """The request that undoes a run brings back what left, and what has another weight now."""
    result = run.result
    if result is None or not run.acts or result["outcome"] not in {"applied", "partial", "rolled_back"}:
        return
    pairs = (result["reverse"] or {}).get("pairs", ())
    if any(len({*side}) < len(pairs) for side in zip(*pairs, strict=True)) or any(a == b for a, b in pairs):
        yield "the reverse of a run would be rejected: a server is paired twice, or with itself"
    drained = {b.key for b in run.start if was_drained(b)}
    launched = (result["reverse"] or {}).get("launched", ())
    named = (((row["server_id"], row["port"], row["server_ip"]), row["weight"]) for row in launched)
    if any(key in drained and weight == 0 for key, weight in named):
        yield "the reverse of a run leaves at weight 0 what an earlier run drained"
    after = {b.key: b.weight for b in run.backends(run.end)}
    meddled = any(run.begin < at <= run.end for at in run.played.others if _of(run, at))
    named = {(row["server_id"], row["port"], row["server_ip"], row["weight"]) for row in launched}
    lost = [
        b for b in run.start
        if after.get(b.key) != b.weight and (*b.key, b.weight) not in named and not was_drained(b)
    ]  # fmt: skip
    if not lost or run.played.excused.allow("others_meanwhile", meddled):
        return
    if not run.played.excused.allow("failed_and_unseen", _is_unseen(run)):
        yield f"the reverse of a run forgets: {lost[0].server_id}:{lost[0].port}"


def _is_unseen(run: Run) -> bool:
    """Whether the last write was refused and changed something all the same, and readings lag."""
    last = run.writes[-1] if run.writes else None
    acted = last is not None and last.answer != "ok" and last.last > last.first
    return acted and bool(run.served.world.readings["read_lag"])


def _of(run: Run, at: int) -> bool:
    return run.served.history[at].group_id == run.group


def _row(row: dict[str, Any]) -> Place:
    return row["server_id"], row["port"], row["server_ip"], row["weight"], row["type"], row["description"]


def _backend(b: Backend) -> Place:
    return b.server_id, b.port, b.key[2], b.weight, b.type, b.description
