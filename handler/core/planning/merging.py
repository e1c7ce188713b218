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
    runs: list[Intent] = []
    at: dict[str, int] = {}
    for intent in intents:
        if intent.scope is Scope.RECONCILE and intent.target in at:
            runs[at[intent.target]] = _joined(runs[at[intent.target]], intent)
            continue
        if intent.scope is Scope.RECONCILE:
            at[intent.target] = len(runs)
        runs.append(intent)
    return tuple(runs)


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
