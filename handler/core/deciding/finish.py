"""How a run ends: its outcome and reason, by what is left undone."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from handler.core.deciding import rollback
from handler.core.deciding.situation import Situation
from handler.core.deciding.status import ChangeStatus
from handler.core.model.answers import Answer
from handler.core.model.observed import Source
from handler.core.model.steps import Decision, Finish, Outcome, Wait
from handler.core.model.values import Refusal, Scope, server_of

#: Reasons that are only notes if no request names the server: nobody has to act on them.
QUIET = frozenset({"waiting_for_replacement", "being_reclaimed", "not_running", "unknown_server"})
#: Times ``health.interval_s`` between looks while a run waits for a replacement that others bring.
FLOOR_LOOKS = 5


def ended(situation: Situation) -> Decision:
    """Return how a run with nothing left to do ends, or a wait if a lifecycle hook depends on it.

    | situation                                                         | outcome                     |
    |-------------------------------------------------------------------|-----------------------------|
    | a scale-in hook names a server that stays until it is replaced    | wait                        |
    | too little time for what is left                                  | raised `deadline`, or why   |
    | a listing lacks servers                                           | raised `source_incomplete`  |
    | a launched server is pending                                      | raised `not_in_service_yet` |
    | a deleted server is still known                                   | raised `not_deleted_yet`    |
    | an old server is out, and there is no room for its replacement    | raised `over_quota`         |
    | new servers failed and stay                                       | raised `not_healthy`        |
    | new servers failed and are out                                    | rolled_back                 |
    | an entry is refused                                               | partial, refused            |
    | a server that a request takes out is still in the group           | raised `not_removed`        |
    | else                                                              | applied, unchanged          |
    """
    lacks_time = not situation.has_stopped and _lacks_time(situation)
    # If time is short, that alone holds up what has not begun.
    refused = _refused(situation) if lacks_time else (*_refused(situation), *_held_back(situation))
    if _keeps_waiting(situation, refused):
        why = "health" if situation.pending else "floor"
        return Wait(FLOOR_LOOKS * situation.policy.health_interval_s, why, open_ended=True)
    finish = _finish("unchanged", _notes(situation, refused), situation, refused)
    trouble = situation.state.retry.trouble or "deadline"
    why_raised = trouble if lacks_time else _why_raised(situation)
    if why_raised:
        return replace(finish, outcome="raised", reason=why_raised)
    if situation.has_rolled_back:
        return replace(finish, outcome="rolled_back", reason="not_healthy")
    counted = [refusal for refusal in refused if not _is_quiet(refusal, situation)]
    if counted:
        return replace(finish, outcome=_undone(situation), reason=counted[0].reason)
    if _is_still_there(situation):
        return replace(finish, outcome="raised", reason="not_removed")
    return replace(finish, outcome="applied") if situation.state.done else finish


def raised(situation: Situation, why: str) -> Finish:
    """Return the end of a run that has to be delivered again."""
    return _finish("raised", why, situation, _refused(situation))


def on_refusal(situation: Situation, answer: Answer) -> Finish:
    """Return the end of a run whose call will be refused again."""
    reason = answer.code or answer.result.value
    refused = (*_refused(situation), Refusal(situation.observed.group.id, reason))
    return _finish(_undone(situation), reason, situation, refused)


def _finish(outcome: Outcome, reason: str | None, situation: Situation, refused: Iterable[Refusal]) -> Finish:
    return Finish(outcome, reason, tuple(refused), situation.goal.desired.unmanaged)


def _undone(situation: Situation) -> Outcome:
    return "partial" if situation.state.done else "refused"


def _refused(situation: Situation) -> tuple[Refusal, ...]:
    return (*situation.goal.refused, *situation.state.refused.values())


def _is_quiet(refusal: Refusal, situation: Situation) -> bool:
    """Tell whether nobody has to act on a refusal: it tells an instance's state, and no request names it."""
    return refusal.reason in QUIET and not situation.goal.desired.literal


def _notes(situation: Situation, refused: Iterable[Refusal]) -> str | None:
    quiet = (refusal.reason for refusal in refused if _is_quiet(refusal, situation))
    return ", ".join(dict.fromkeys((*situation.goal.notes, *quiet))) or None


def _why_raised(situation: Situation) -> str:
    """Return why the delivery has to come again; empty if it need not."""
    desired = situation.goal.desired
    if _is_incomplete(situation):
        return "source_incomplete"
    if desired.not_in_service_yet:
        return "not_in_service_yet"
    if desired.not_deleted_yet:
        return "not_deleted_yet"
    if any(_is_owed(status, situation) for status in situation.changes):
        return "over_quota"
    if situation.pending or (situation.has_rolled_back and not rollback.is_taken_back(situation)):
        return "not_healthy"
    return ""


def _is_owed(status: ChangeStatus, situation: Situation) -> bool:
    """Tell whether this run took an old backend out but found no room for its replacement."""
    is_half_done = bool(status.missing) and not status.out_now and not status.given_up
    return is_half_done and any(backend.key in situation.state.taken for backend in status.change.out)


def _lacks_time(situation: Situation) -> bool:
    """Tell whether something was not begun only because there is no time to finish it."""
    if not situation.has_time and any(s.to_swap and not s.given_up for s in situation.changes):
        return True
    return not situation.has_time_to_drain and any(
        situation.to_lower(status)
        for status in situation.changes
        if status.out_now and not status.given_up and (not status.change.into or status.is_replaced)
    )


def _is_incomplete(situation: Situation) -> bool:
    """Tell whether a listing has fewer servers than counted, or none though one was launched."""
    if situation.intent.scope is not Scope.RECONCILE:
        return False
    source = situation.observed.source
    return source is Source.SHORT or (source is Source.EMPTY and bool(situation.intent.launched))


def _held_back(situation: Situation) -> tuple[Refusal, ...]:
    """Return refusals for what the floor, the quota or a rollback kept from being finished."""
    held = []
    for status in situation.changes:
        if status.given_up or status.is_pending or status.change.old in situation.state.refused:
            continue
        if status.to_swap:
            reason = "after_rollback" if situation.has_stopped else "over_quota"
            held.append(Refusal(status.change.new or "", reason))
        elif status.missing:
            held.append(Refusal(status.change.new or "", "over_quota"))
        elif status.out_now and (
            situation.has_rolled_back or status.change.together in situation.failed_together
        ):
            held.append(Refusal(status.change.old or "", "after_rollback"))
        elif status.out_now or status.wrong_weight:
            held.append(_kept(status, situation))
    return tuple(held)


def _kept(status: ChangeStatus, situation: Situation) -> Refusal:
    """Return the refusal of what is still to go: for the floor only if nothing can be spared."""
    subject = (status.change.old if status.out_now else status.change.new) or ""
    is_replaced = bool(status.out_now) and status.brings_weight
    if (situation.room if is_replaced else situation.room_for_removals) > 0:
        return Refusal(subject, "after_rollback" if situation.has_stopped else "not_removed")
    in_service = len(situation.look.in_service)
    return situation.goal.capacity.refusal(subject, in_service, is_replaced=is_replaced)


def _keeps_waiting(situation: Situation, refused: Iterable[Refusal]) -> bool:
    """Tell whether a scale-in hook names a server that stays until something replaces it."""
    limits = {"min_backends", "max_unavailable"}
    held = {server_of(refusal.subject) for refusal in refused if refusal.reason in limits}
    held |= {server_of(status.change.old or "") for status in situation.pending if status.out_now}
    return any(
        not held.isdisjoint(hook.instance_ids)
        for hook in situation.intent.hooks
        if hook.transition == "scale_in"
    )


def _is_still_there(situation: Situation) -> bool:
    """Tell whether the group still has what a request takes out, though nothing refuses it."""
    if situation.intent.scope is not Scope.LITERAL:
        return False
    launched = {ref.server_id for ref in situation.intent.launched}
    named = [ref for ref in situation.intent.terminated if ref.server_id not in launched]
    here = situation.observed.group.servers
    return any(ref.names(backend.key) for ref in named for backend in here.get(ref.server_id, ()))
