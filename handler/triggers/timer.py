"""Reads the timer's event: it reconciles every target, or those that its payload names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from handler.core.model.policy import Target
from handler.core.model.values import Intent
from handler.triggers.choosing import Item, by_name, of_each
from handler.triggers.faults import kind_of, nearest
from handler.triggers.messages import Rejected, Unreadable, digest, shown

_EXPECTED = 'expected {"targets": ["NAME"]}, or an empty payload for all targets'


def read(event: Mapping[str, object], targets: Sequence[Target]) -> list[Item]:
    """Return an intent for each target; unknown names in the payload are rejected one by one.

    Raises Unreadable if the payload is JSON, but not of the form ``{"targets": ["NAME"]}``.
    """
    asked = Intent("", "timer")
    named = _named(event.get("payload"))
    if not named:
        return of_each(targets, asked)
    found: dict[str, Target] = {}
    rejected: list[Item] = []
    for at, name in enumerate(named):
        try:
            target = _target(name, f"payload.targets[{at}]", targets)
            found[target.name] = target
        except Unreadable as error:
            rejected.append(Rejected(str(error), digest(name)))
    return rejected + (of_each(found.values(), asked) if found else [])


def _target(name: object, path: str, targets: Sequence[Target]) -> Target:
    if not isinstance(name, str):
        raise Unreadable(f"{path}: expected a target's name, got {kind_of(name)}")
    return by_name(name, targets, path)


def _named(payload: object) -> list[object]:
    """Return the list in ``{"targets": [...]}``; an empty payload, or text that is not JSON, names none."""
    value = _value(payload)
    if value is None:
        return []
    if not isinstance(value, dict):
        raise Unreadable(f"payload: {_EXPECTED}; got {kind_of(value)}")
    for key in value:
        if key != "targets":
            raise Unreadable(f"payload: unknown field {shown(key)}{nearest(key, ['targets'])}; {_EXPECTED}")
    names = value.get("targets", [])
    if not isinstance(names, list):
        raise Unreadable(f"payload.targets: expected a list of names, got {kind_of(names)}; {_EXPECTED}")
    if "targets" in value and not names:
        raise Unreadable(f"payload.targets: expected at least one name, got none; {_EXPECTED}")
    return names


def _value(payload: object) -> object:
    """Return the JSON value of a payload, None if it is empty or not JSON."""
    if not isinstance(payload, str):
        return payload
    try:
        # No number is used, so one of a thousand digits does no harm.
        return json.loads(payload, parse_int=lambda _: 0)
    except (ValueError, RecursionError):
        return None
