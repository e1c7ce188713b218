"""The oracle: everything that is not right in a world that was played."""

from __future__ import annotations

from collections.abc import Iterator

from tests.explore.oracle import (
    admission,
    capacity,
    carried,
    draining,
    ending,
    endless,
    hooks,
    reads,
    refusals,
    told,
)
from tests.explore.oracle.excuses import Excuses
from tests.explore.oracle.facts import Run, runs_of
from tests.explore.oracle.served import Served
from tests.explore.playing import Played

_EACH_RUN = (
    capacity.floor,
    capacity.retired,
    capacity.wanted,
    admission.doomed,
    admission.stopped,
    admission.untouched,
    admission.others_own,
    endless.counted,
    endless.sent_again,
    draining.drained,
    reads.left_in,
    reads.told_as_raised,
    refusals.are_true,
    refusals.alone,
    told.told,
    told.reversed_by,
)


def violations(played: Played) -> list[str]:
    """Return everything that is not right, each in a line that begins with the rule."""
    played.excused = Excuses()
    return list(_violations(played))


def _violations(played: Played) -> Iterator[str]:
    served = Served(played)
    of_target: dict[str, list[Run]] = {}
    last: list[Run] = []
    for attempt in played.all:
        said = f"(attempt {attempt.number}: {' '.join(attempt.words)})"
        for found in endless.ends(attempt):
            yield f"{found} {said}"
        runs = list(runs_of(played, served, attempt))
        for run in runs:
            of_target.setdefault(str(run.target["name"]), []).append(run)
            for check in _EACH_RUN:
                for found in check(run):
                    yield f"{found} {said}"
        for found in hooks.completed(played, served, attempt, runs):
            yield f"{found} {said}"
        if attempt is played.final:
            last = runs
    if any(attempt.endless or attempt.broken for attempt in played.all) or played.again is None:
        return
    for run in last:
        yield from ending.ended(run)
        yield from endless.repeats(played, run)
    yield from hooks.forgotten(played, last)
    for target in played.setup.targets:
        runs = [run for run in of_target.get(str(target["name"]), []) if run.attempt is not played.again]
        yield from carried.carried(played, served, target, runs)
