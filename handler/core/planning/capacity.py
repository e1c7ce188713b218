"""Who is in service: the number that no step may take below the floor."""

from __future__ import annotations

from collections.abc import Iterable

from handler.core.model.observed import Observed
from handler.core.model.steps import keys_of
from handler.core.model.values import Backend, Key, Policy, Verdict
from handler.core.planning.changes import Change

PROVEN = frozenset({Verdict.NORMAL, Verdict.UNCHECKED})


def is_proven(view: Observed, backend: Backend) -> bool:
    """Tell whether a backend may be relied on: normal wherever it is checked, or nowhere checked."""
    return view.verdict(backend.key) in PROVEN


def unproven(view: Observed) -> frozenset[str]:
    """Return the servers of the group that may not be relied on, or not on every port."""
    return frozenset(b.key.server_id for b in view.group.backends.values() if not is_proven(view, b))


def in_service(view: Observed, changes: Iterable[Change]) -> frozenset[str]:
    """Return the servers with a weight above 0 that are not known to be abnormal.

    A new one counts once all its backends are proven; one that is gone never counts, whatever the last
    verdict says.
    """
    made = tuple(changes)
    return _counted(view, made, coming=frozenset().union(*(keys_of(change.into) for change in made)))


def baseline(first: Observed, changes: Iterable[Change]) -> int:
    """Return how many servers in service a run began with: what its floor is measured by.

    New ones that were in already count unless they are abnormal, or a run that goes on after another was cut
    off would begin from fewer; so does an old one at weight 0 whose new one is still to come, which that run
    may have drained. An old and a new one that serve side by side count as one: the other is only there until
    the change is finished.
    """
    made = tuple(changes)
    serving = _counted(first, made, coming=frozenset())
    drained = sum(_is_drained(c) and serving.isdisjoint({c.old, c.new}) for c in made)
    return len(serving) + drained - sum(c.old != c.new and {c.old, c.new} <= serving for c in made)


def _is_drained(change: Change) -> bool:
    return bool(change.into and change.out) and not (change.gone or any(b.weight for b in change.out))


def _counted(view: Observed, changes: tuple[Change, ...], coming: frozenset[Key]) -> frozenset[str]:
    gone = {change.old for change in changes if change.gone}
    return frozenset(
        server_id
        for server_id, backends in view.group.servers().items()
        if server_id not in gone and _serves(view, backends, coming)
    )


def _serves(view: Observed, backends: tuple[Backend, ...], coming: frozenset[Key]) -> bool:
    weighted = [backend for backend in backends if backend.weight > 0]
    known = [backend for backend in weighted if backend.key not in coming]
    if known:
        return any(view.verdict(backend.key) is not Verdict.ABNORMAL for backend in known)
    return bool(weighted) and all(is_proven(view, backend) for backend in weighted)


def leaves_service(view: Observed, backends: Iterable[Backend], out: Iterable[Backend]) -> bool:
    """Tell whether a server in service is so no longer once some of its backends are out."""
    taken = keys_of(out)
    return not any(
        backend.weight > 0 and view.verdict(backend.key) is not Verdict.ABNORMAL
        for backend in backends
        if backend.key not in taken
    )


def share(limit: int | str, of: int) -> int:
    """Return a limit as a number: a share (``"25%"``) rounds down, but a share above 0 not below 1."""
    if isinstance(limit, int):
        return limit
    percent = int(limit.rstrip("%"))
    return max(1, of * percent // 100) if percent else 0


def floor(policy: Policy, baseline: int, force: frozenset[str] = frozenset()) -> int:
    """Return how many servers must stay in service, of ``baseline`` that were when the run began.

    ``force`` lifts what it names: ``min_backends``, ``max_unavailable``.
    """
    lowest = 0 if "min_backends" in force else policy.min_backends
    if "max_unavailable" in force:
        return lowest
    return max(lowest, baseline - share(policy.max_unavailable, baseline))
