"""Merging: the events of a delivery become one intent for each target; requests stay apart, in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from handler.core.model.values import Intent, Scope

_T = TypeVar("_T")


def merge(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """Return the intents to run, in order of first mention.

    The events for one target become one intent: a batch is one list of what goes and what comes. Requests are
    taken literally, one after the other, so they are never merged.
    """
    runs: dict[str | int, Intent] = {}
    for number, intent in enumerate(intents):
        run = intent.target if intent.scope is Scope.RECONCILE else number
        runs[run] = _joined(runs[run], intent) if run in runs else intent
    return tuple(runs.values())


def _joined(one: Intent, other: Intent) -> Intent:
    return replace(
        one,
        event_ids=_each_once(one.event_ids + other.event_ids),
        terminated=_each_once(one.terminated + other.terminated),
        launched=_each_once(one.launched + other.launched),
        hooks=_each_once(one.hooks + other.hooks),
    )


def _each_once(items: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))
