"""Reads ECS events of single instances: state changes, interruption, system events.

An event names an instance but no scaling group, so every target gets it. Those without the instance drop it.
"""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.model.policy import Target
from handler.core.model.values import Cause, Intent, ServerRef
from handler.triggers.choosing import Item, elsewhere, of_each
from handler.triggers.fields import instance
from handler.triggers.messages import STATE_FIELDS, Ignored, Message, Unreadable, shown, text

_STILL_THERE = frozenset({"created", "pending", "starting", "running"})
_STOPPED = frozenset({"stopping", "stopped"})
_SYSTEM_EVENTS = ("instance:system", "instance:instancefailure")


def is_instance_event(message: Message) -> bool:
    """Tell whether a message is an ECS event; without an envelope, only a state change is recognized."""
    if message.kind is None:
        return any(part.keys() >= STATE_FIELDS for part in message.parts)
    return message.source == "acs.ecs" or message.kind.lower().startswith("ecs:")


def read(message: Message, targets: Sequence[Target], region: str) -> list[Item]:
    """Return an intent for each target, or why there is none.

    Raises Unreadable if the event names no instance or no known state.
    """
    foreign = elsewhere(message.region, region, message.event_ids)
    if foreign:
        return [foreign]
    kind = (message.kind or "instance:statechange").lower()
    kind = kind[len("ecs:") :] if kind.startswith("ecs:") else kind
    if kind == "instance:statechange":
        return _state_change(message, targets)
    if kind == "instance:preemptibleinstanceinterruption":
        return _for_each(message, targets, Cause.INTERRUPTED)
    if kind.startswith(_SYSTEM_EVENTS):
        detail = f"a system event of {_of(message)}: its load balancer's checks decide"
        return [Ignored("ecs_system_event_reported", detail, message.event_ids)]
    return [Ignored("ecs_event_not_used", "not an event that adds or removes an instance", message.event_ids)]


def _state_change(message: Message, targets: Sequence[Target]) -> list[Item]:
    resource = next((part["resourceType"] for part in message.parts if "resourceType" in part), None)
    if resource not in (None, "ALIYUN::ECS::Instance"):  # compared, not looked up: it may be a list
        return [Ignored("not_an_instance", "resourceType is not ALIYUN::ECS::Instance", message.event_ids)]
    found = next((part["state"] for part in message.parts if "state" in part), None)
    state = (text(found) or "").lower()
    if state == "deleted":
        return _for_each(message, targets, Cause.DELETED)
    if state in _STOPPED:
        detail = f"{_of(message)} is {state}; its load balancer's checks take it out and put it back"
        return [Ignored("ecs_stopped_reported", detail, message.event_ids)]
    if state in _STILL_THERE:
        detail = f"{_of(message)} is {state}; its scaling group says when it serves"
        return [Ignored(f"ecs_state_{state}", detail, message.event_ids)]
    raise Unreadable(
        "state: expected Created, Pending, Starting, Running, Stopping, Stopped or Deleted, "
        "in the message or its content"
    )


def _of(message: Message) -> str:
    """Return the instance of an event that only gets a note, or that it names none."""
    try:
        return shown(instance(message))
    except Unreadable:
        return "no instance"


def _for_each(message: Message, targets: Sequence[Target], cause: Cause) -> list[Item]:
    named = (ServerRef(instance(message), cause=cause),)
    return of_each(targets, Intent("", "autoscaling", message.event_ids, terminated=named))
