"""Draining: what serves is at weight 0 for as long as its target says before it is taken out."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud.state.world import Backend
from tests.explore.oracle.capacity import steps
from tests.explore.oracle.facts import Run, was_drained


def drained(run: Run) -> Iterator[str]:
    """No backend that serves is taken out by a write before it has drained, on every port."""
    drain_s = float(run.target.get("drain_s", 0))
    if not drain_s or run.served.drains(run.group):
        return
    lowered: dict[object, float] = {}
    times = {at: call.at for call in run.writes for at in range(call.first, call.last)}
    for at, before in steps(run):
        then, now = ({b.key: b for b in run.backends(one)} for one in (before, at))
        for key, backend in then.items():
            if key in now and now[key].weight == 0 < backend.weight:
                lowered[key] = times[at]
            elif key in now and now[key].weight:
                lowered.pop(key, None)
            elif key not in now and not _waited(run, before, backend, lowered.get(key), times[at], drain_s):
                yield f"taken out without its drain: {key[0]}:{key[1]}: instant {at}"
                return


def _waited(
    run: Run, before: int, backend: Backend, lowered: float | None, now: float, drain_s: float
) -> bool:
    if lowered is not None:
        return now - lowered >= drain_s - 0.001
    if (
        backend.weight == 0
        or backend.server_id in run.said_gone
        or run.served.is_down(before, backend.server_id)
    ):
        return True
    if backend.key not in {b.key for b in run.start if b.weight or was_drained(b)}:
        return True  # what this run has put in, or given its weight, may be taken back at once
    return not run.served.uses(before, backend)
