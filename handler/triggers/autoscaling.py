"""Reads Auto Scaling's messages: scaling activities in each spelling, and lifecycle hooks.

The same activity is ``ess:ScalingActivity:ScaleOutSuccess`` in EventBridge, ``AUTOSCALING:SCALE_OUT_SUCCESS``
in a notification, and ``ess:CloudMonitor:AUTOSCALING[SCALEOUTSUCCESS]`` from CloudMonitor.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from handler.core.model.policy import Target
from handler.core.model.values import Cause, Hook, Intent, ServerRef
from handler.triggers.choosing import Item, elsewhere, of_each
from handler.triggers.fields import sane_id, scaling_group, scaling_instances
from handler.triggers.messages import SCALING_FIELDS, Ignored, Message, Unreadable, shown, text

Side = Literal["launched", "terminated"]
Transition = Literal["scale_out", "scale_in"]


#: The last word of a type, without its punctuation, and the side of its instances: None if it is not known.
_ACTIVITIES: dict[str, Side | None] = {
    "SCALEOUTSUCCESS": "launched",
    "SCALEOUTPARTIALSUCCESS": "launched",
    "SCALEOUTWARN": "launched",
    "SCALEOUTERROR": "terminated",  # instances that failed to launch are taken away again
    "SCALEINSUCCESS": "terminated",
    "SCALEINPARTIALSUCCESS": "terminated",
    "SCALEINWARN": "terminated",
    "SCALEINERROR": None,  # its instances may still serve
}
_LEFT_ALONE: dict[str, str] = {
    "SCALEOUTSTART": "activity_started",
    "SCALEINSTART": "activity_started",
    "SCALEREJECT": "activity_rejected",
    "SCHEDULETASKEXPIRING": "scheduled_task_expiring",
    "SCALINGGROUPDIAGNOSE": "scaling_group_diagnosed",
}
_RECORDS: dict[str, str] = {"ACTIONTRAIL": "audit_record", "CONFIG": "configuration_record"}
_TRANSITIONS: dict[str, Transition] = {"SCALEOUT": "scale_out", "SCALEIN": "scale_in"}
_HOOKED: dict[Transition, Side] = {"scale_out": "launched", "scale_in": "terminated"}
_TESTS = frozenset({"TEST", "TESTNOTIFICATION", "LIFECYCLEHOOKTEST", "TESTLIFECYCLEHOOK"})
_LETTERS = re.compile("[^A-Za-z]+")
_BETWEEN_WORDS = re.compile(r"[:\[\]]+")


def is_autoscaling(message: Message) -> bool:
    """Tell whether a message is from Auto Scaling."""
    if message.kind is None:
        return any(not SCALING_FIELDS.isdisjoint(part) for part in message.parts)
    return message.source == "acs.ess" or message.kind.lower().startswith(("ess:", "autoscaling"))


def read(message: Message, targets: Sequence[Target], region: str) -> list[Item]:
    """Return an intent for each target of the message's scaling group, or why there is none.

    Raises Unreadable if the message has no scaling group, or an invalid id.
    """
    words = _words(message.kind)
    last, family = words[-1], words[-2]
    if family in _RECORDS:
        return [
            Ignored(_RECORDS[family], "a record of operations, not a scaling activity", message.event_ids)
        ]
    if last in _LEFT_ALONE:
        return [Ignored(_LEFT_ALONE[last], "nothing has come or gone yet", message.event_ids)]
    if _is_test(message):
        return [Ignored("lifecycle_test", "a test message of a lifecycle hook", message.event_ids)]
    foreign = elsewhere(message.region, region, message.event_ids)
    if foreign:
        return [foreign]
    group = scaling_group(message)
    fed = [target for target in targets if group in target.scaling_group_ids]
    if not fed:
        detail = f"no target has the scaling group {shown(group)}"
        return [Ignored("not_our_scaling_group", detail, message.event_ids)]
    transition = _transition(message, family, last)
    side, cause = _ACTIVITIES.get(last), Cause.FINISHED
    hooks: tuple[Hook, ...] = ()
    if transition is not None:
        side, cause = _HOOKED[transition], Cause.HOOK
        hooks = _hooks(message, group, transition)
    instances = () if side is None else scaling_instances(message)
    named = tuple(ServerRef(one, cause=cause) for one in instances)
    asked = Intent(
        "",
        "autoscaling",
        message.event_ids,
        terminated=named if side == "terminated" else (),
        launched=named if side == "launched" else (),
        hooks=hooks,
    )
    return of_each(fed, asked)


def _is_test(message: Message) -> bool:
    """Tell whether a message only tests a lifecycle hook, by its type or its transition, in any spelling."""
    kind = _LETTERS.sub("", message.kind or "").upper()
    if "LIFECYCLE" in kind and ("TESTLIFECYCLE" in kind or kind.endswith("TEST")):
        return True
    transitions = (text(part.get("lifecycleTransition")) or "" for part in message.readable)
    return any(_LETTERS.sub("", one).upper() in _TESTS for one in transitions)


def _words(kind: str | None) -> list[str]:
    words = [word.replace("_", "") for word in _BETWEEN_WORDS.split((kind or "").upper()) if word]
    return ["", "", *words]


def _transition(message: Message, family: str, last: str) -> Transition | None:
    """Return a lifecycle hook's transition, None without a hook. Raises Unreadable if fields disagree."""
    by_type = _TRANSITIONS.get(last) if family == "LIFECYCLEHOOK" else None
    for part in message.parts:
        if part.get("lifecycleTransition") is None:
            continue
        spelt = text(part["lifecycleTransition"]) or ""
        by_field = _TRANSITIONS.get(spelt.upper().replace("_", ""))
        if by_field is None:
            raise Unreadable("lifecycleTransition: expected SCALE_OUT or SCALE_IN")
        if by_type not in {None, by_field} or last in _ACTIVITIES:
            raise Unreadable("lifecycleTransition: contradicts the event's type")
        return by_field
    return by_type


def _hooks(message: Message, group: str, transition: Transition) -> tuple[Hook, ...]:
    """Return the hook that waits; none if the message does not name it."""
    for part in message.parts:
        if part.get("lifecycleHookId") is None:
            continue
        activity, token = part.get("scalingActivityId"), part.get("lifecycleActionToken")
        return (
            Hook(
                sane_id(part["lifecycleHookId"], "lifecycleHookId"),
                None if token is None else sane_id(token, "lifecycleActionToken"),
                None if activity is None else sane_id(activity, "scalingActivityId"),
                group,
                transition,
                scaling_instances(message),
            ),
        )
    return ()
