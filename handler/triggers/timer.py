"""Reads the timer's event: every target is reconciled, or those that its payload names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handler.core.model.policy import Target
from handler.core.model.values import Intent, Scope
from handler.triggers.choosing import Item, by_name, switched_on
from handler.triggers.envelopes import loads
from handler.triggers.messages import Rejected, Unreadable, digest, text


def read(event: Mapping[str, object], targets: Sequence[Target]) -> list[Item]:
    """Return an intent for each target; a name in the payload that is not known is rejected by itself."""
    named = _named(event.get("payload"))
    if not named:
        wanted, items = switched_on(targets, ())
    else:
        found: dict[str, Target] = {}
        items = []
        for name in named:
            try:
                target = by_name(text(name) or "", targets)
                found[target.name] = target
            except Unreadable as error:
                items.append(Rejected(str(error), digest(name)))
        wanted, off = switched_on(found.values(), ()) if found else ([], [])
        items += off
    return items + [Intent(target.name, "timer", (), Scope.RECONCILE) for target in wanted]


def _named(payload: object) -> list[object]:
    """Return the list in ``{"targets": [...]}``; anything else, or nothing, names none, which means all."""
    try:
        value = loads(payload) if isinstance(payload, str) else payload
    except Unreadable:
        return []
    names = value.get("targets") if isinstance(value, dict) else None
    return names if isinstance(names, list) else []
