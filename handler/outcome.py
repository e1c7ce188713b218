"""What an invocation returns, logs and answers: the same keys for every trigger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from handler.core.model.policy import Target
from handler.core.model.steps import Outcome
from handler.core.model.values import Backend, Intent, Refusal
from handler.core.planning import diff
from handler.core.planning.diff import Diff
from handler.running.delivering import Done
from handler.running.hooks import Completed
from handler.running.loop import Run
from handler.triggers.reading import Ignored, Rejected

Result = dict[str, Any]

#: The outcome of several targets or records is the first of these that any of them has.
PRECEDENCE: tuple[Outcome, ...] = get_args(Outcome)

#: The HTTP status of each outcome; a rejected request brings its own.
STATUS: Mapping[str, int] = {
    "raised": 503,
    "rolled_back": 502,
    "partial": 207,
    "refused": 409,
    "rejected": 400,
    "applied": 200,
    "accepted": 202,
    "planned": 200,
    "unchanged": 200,
    "ignored": 200,
}

RETRY_AFTER_S = 30


class NotYet(Exception):  # noqa: N818 - not our error: the platform has to deliver again
    """Something that may pass kept an invocation from finishing; the text gives the reasons, by target."""


def of_done(done: Done) -> Result:
    """Return the result of one target. It reports what was read at the end."""
    if done.run is not None:
        result = of_run(done.run)
    else:  # it may have done something, and has to run again
        result = _blank(done.target, done.intent, "raised", reason=f"unexpected: {done.broken}")
    return {**result, "api_calls": done.api_calls, "duration_ms": round(done.seconds * 1000)}


def of_run(run: Run) -> Result:
    """Return the result of a run, without its costs."""
    before, after = run.state.start, run.observed.group
    if run.finish.outcome == "planned" and run.planned is not None:
        after = run.planned.group
    found = diff.diff(before, after, run.goal.proposed)
    return _blank(run.target, run.intent, run.finish.outcome, reason=run.finish.reason) | {
        "plan_id": run.planned.plan_id if run.planned else None,
        "pairs": [
            {
                "old": pair.old.key.server_id,
                "new": pair.new.key.server_id,
                "port": pair.new.key.port,
                "weight": pair.new.weight,
            }
            for pair in found.pairs
        ],
        "added": [_backend(backend) for backend in found.added],
        "removed": [_backend(backend) for backend in found.removed],
        "refused": [_refusal(refusal) for refusal in run.finish.refused],
        "unmanaged": list(run.finish.unmanaged),
        "before": [_backend(backend) for backend in before.backends.values()],
        "after": [_backend(backend) for backend in after.backends.values()],
        "attempts": run.attempts,
        "reverse": None if run.finish.outcome == "planned" else _reverse(run, found),
    }


def of_another(target: Target, intent: Intent) -> Result:
    """Return the result of a target that this function may not write to, or not yet.

    It has to be delivered again, except for the timer, which comes again anyway: there a share that changes
    is refused, so that an alarm tells of a change that was not finished.
    """
    reason = "other_share" if target.writer == "another" else "share_changes"
    passed_over: Outcome = "ignored" if target.writer == "another" else "refused"
    outcome = passed_over if intent.trigger == "timer" else "raised"
    return _blank(target, intent, outcome, reason=reason)


def _blank(target: Target, intent: Intent, outcome: Outcome, *, reason: str | None) -> Result:
    """Return a result with every key, of a run of which nothing else is known."""
    return {
        "target": target.name,
        "vserver_group_id": target.vserver_group_id,
        "trigger": intent.trigger,
        "event_ids": list(intent.event_ids),
        "outcome": outcome,
        "reason": reason,
        "plan_id": None,
        **{key: [] for key in ("pairs", "added", "removed", "refused", "unmanaged", "before", "after")},
        "api_calls": 0,
        "attempts": 0,
        "duration_ms": 0,
        "reverse": None,
    }


def with_hooks(results: Sequence[Result], hooks: Iterable[Completed]) -> list[Result]:
    """Return the results, with the hooks that could not be completed.

    If that may pass, the results are raised, since nobody else would try again; if not, the hook is refused.
    """
    failed = [hook for hook in hooks if hook.failed]
    if any(hook.may_pass for hook in failed):
        waiting = {"outcome": "raised", "reason": "hook_not_completed"}
        return [one if one["outcome"] == "planned" else {**one, **waiting} for one in results]
    refused = [{"subject": h.hook.id, "reason": "hook_not_completed", "override": None} for h in failed]
    return [_refusing(one, refused) if refused else one for one in results]


def _refusing(result: Result, refused: Sequence[Result]) -> Result:
    if result["outcome"] not in {"applied", "unchanged", "partial"}:
        return result
    outcome = "refused" if result["outcome"] == "unchanged" else "partial"
    said = {"outcome": outcome, "reason": result["reason"] or "hook_not_completed"}
    return {**result, **said, "refused": [*result["refused"], *refused]}


def _backend(backend: Backend) -> Result:
    return {
        "server_id": backend.key.server_id,
        "port": backend.key.port,
        "weight": backend.weight,
        "type": backend.type,
        "server_ip": backend.key.server_ip,
        "description": backend.description,
    }


def _named(backend: Backend) -> Result:
    said: Result = {"server_id": backend.key.server_id, "port": backend.key.port}
    return {**said, "server_ip": backend.key.server_ip} if backend.key.server_ip else said


def _refusal(refusal: Refusal) -> Result:
    said: Result = {
        "subject": refusal.subject,
        "reason": refusal.reason,
        "override": refusal.override,
    }
    return {**said, "numbers": dict(refusal.numbers)} if refusal.numbers else said


def _reverse(run: Run, found: Diff) -> Result | None:
    """Return the request that undoes a run, or None if there is nothing to undo.

    It runs under the same rules, and overrides only what is sure to stand in its way: a scaling group that
    has the new servers in service, and the limits on taking out what this run has added.
    """
    found = diff.put_in_by(run.state.has_put_in, diff.undrained(found, run.target.policy.marks))
    came = [*(pair.new for pair in found.pairs), *found.added]
    left = [*(pair.old for pair in found.pairs), *found.removed, *found.reweighed]
    if not came and not left:
        return None
    force = ["still_in_service"] if came and run.target.scaling_group_ids else []
    if diff.removes_capacity(found):
        force += ["max_removed", "max_unavailable", "min_backends"]
    elif diff.removes_servers(found):
        force += ["max_removed"]
    return {
        "target": run.target.name,
        "terminated": [_named(backend) for backend in came],
        "launched": [_backend(backend) for backend in left],
        "pairs": _pairs_of_servers(found),
        "force": force,
    }


def _pairs_of_servers(found: Diff) -> list[list[str]]:
    """Return pairs as a request can name them: two servers, each once on its side."""
    came: set[str] = set()
    left: set[str] = set()
    pairs = []
    for pair in found.pairs:
        new, old = pair.new.key.server_id, pair.old.key.server_id
        if new != old and new not in came and old not in left:
            came.add(new)
            left.add(old)
            pairs.append([new, old])
    return pairs


def summed_up(
    targets: Sequence[Result], rejected: Sequence[Rejected], ignored: Sequence[Ignored], request_id: str
) -> Result:
    """Return the result of an invocation from those of its targets and records."""
    found = [str(target["outcome"]) for target in targets]
    found += ["rejected"] * len(rejected) + ["ignored"] * (len(ignored) or not (targets or rejected))
    outcome = aggregate(found)
    first = next((t["reason"] for t in targets if t["outcome"] == outcome and t["reason"]), None)
    reasons = [one.reason for one in rejected] + [one.reason for one in ignored]
    return {
        "outcome": outcome,
        "reason": first or next(iter(reasons), None),
        "request_id": request_id,
        "targets": list(targets),
        "rejected": [{"reason": one.reason, "digest": one.digest} for one in rejected],
    }


def aggregate(outcomes: Sequence[str]) -> str:
    """Return the outcome of several: the first by precedence; applied together with refused is partial."""
    mixed = "applied" in outcomes and not {"refused", "rejected"}.isdisjoint(outcomes)
    present = {*outcomes, "partial"} if mixed else set(outcomes)
    return next(outcome for outcome in PRECEDENCE if outcome in present)


def as_http(result: Result, rejected: Sequence[Rejected] = ()) -> Result:
    """Return a result as the HTTP response of Function Compute's event functions."""
    status = STATUS[str(result["outcome"])]
    if result["outcome"] == "rejected" and rejected:
        status = rejected[0].status
    headers = {"Content-Type": "application/json"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 405:
        headers["Allow"] = "POST"
    return {
        "statusCode": status,
        "headers": headers,
        "isBase64Encoded": False,
        "body": json.dumps(result, ensure_ascii=False),
    }
