"""What can be decided after a look: do a step, wait, or finish. A step is one write to a VServer group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.values import Backend, Group, Key, Pair, Refusal, grouped

Entry = TypeVar("Entry", Backend, Pair)


class Modify(Struct, frozen=True):
    """ModifyVServerGroupBackendServers: the old backend of each pair goes, the new one comes."""

    pairs: tuple[Pair, ...]


class Add(Struct, frozen=True):
    """AddVServerGroupBackendServers."""

    backends: tuple[Backend, ...]


class Remove(Struct, frozen=True):
    """RemoveVServerGroupBackendServers."""

    backends: tuple[Backend, ...]


class SetWeight(Struct, frozen=True):
    """SetVServerGroupAttribute: the same backends, before and after."""

    before: tuple[Backend, ...]
    after: tuple[Backend, ...]


Step = Modify | Add | Remove | SetWeight


#: How a run ends. If a delivery has several outcomes, the first in this order counts.
Outcome = Literal[
    "raised",
    "rolled_back",
    "partial",
    "refused",
    "rejected",
    "applied",
    "accepted",
    "planned",
    "unchanged",
    "ignored",
]

Why = Literal["replace", "add", "weigh", "surge", "drain", "retire", "take_back", "put_back"]


class Do(Struct, frozen=True):
    """Do one step. ``gives_up`` are refusals that hold from now on, and are the reason for the step."""

    step: Step
    why: Why
    gives_up: tuple[Refusal, ...] = ()


class Wait(Struct, frozen=True):
    """Wait some seconds, then look again. If ``open_ended``, the wait ends by what others do, if at all.

    ``unproven`` are the new units that it waits for.
    """

    seconds: float
    why: str
    open_ended: bool = False
    unproven: tuple[str, ...] = ()


class Finish(Struct, frozen=True):
    """End the run. ``raised`` means that the cause may pass, so the platform has to deliver again."""

    outcome: Outcome
    reason: str | None = None
    refused: tuple[Refusal, ...] = ()
    unmanaged: tuple[str, ...] = ()


Decision = Do | Wait | Finish


def old_side(step: Step) -> tuple[Backend, ...]:
    """Return the backends that a step takes out or rewrites."""
    match step:
        case Modify(pairs):
            return tuple(pair.old for pair in pairs)
        case Add():
            return ()
        case Remove(backends):
            return backends
        case _:
            return step.before


def new_side(step: Step) -> tuple[Backend, ...]:
    """Return the backends that are in the group once a step has been done."""
    match step:
        case Modify(pairs):
            return tuple(pair.new for pair in pairs)
        case Add(backends):
            return backends
        case Remove():
            return ()
        case _:
            return step.after


def after(group: Group, step: Step) -> Group:
    """Return the group after a step: our one model of what a call does."""
    left = dict(group.backends)
    for backend in old_side(step):
        left.pop(backend.key, None)
    left.update((backend.key, backend) for backend in new_side(step))
    return replace(group, backends=left)


def same(one: Group, other: Group) -> bool:
    """Tell whether two groups hold the same backends, in any order."""
    return dict(one.backends) == dict(other.backends)


def units_of(backends: Iterable[Backend]) -> tuple[str, ...]:
    """Return the units of capacity that backends belong to, each once, in order."""
    return tuple(dict.fromkeys(backend.key.unit for backend in backends))


def backends_of(group: Group, server_id: str) -> tuple[Backend, ...]:
    """Return the backends that a server has in a group, at all its addresses."""
    return tuple(b for key, b in group.backends.items() if key.server_id == server_id)


def keys_of(backends: Iterable[Backend]) -> frozenset[Key]:
    """Return the keys of backends."""
    return frozenset(backend.key for backend in backends)


def unit_of(entry: Backend | Pair) -> str:
    """Return the unit of capacity of an entry; of a pair, that of the new backend."""
    return (entry.new if isinstance(entry, Pair) else entry).key.unit


def whole_units(entries: Iterable[Entry], limit: int) -> Iterator[tuple[Entry, ...]]:
    """Yield entries in parts of at most ``limit``; those of a unit stay together if they can."""
    part: list[Entry] = []
    for of_one in grouped(entries, unit_of).values():
        if part and len(part) + len(of_one) > limit:
            yield tuple(part)
            part = []
        part += of_one
        while len(part) > limit:
            yield tuple(part[:limit])
            part = part[limit:]
    if part:
        yield tuple(part)


def in_calls(step: Step, limit: int) -> Iterator[Step]:
    """Yield the calls that a step takes, each with at most ``limit`` backends."""
    match step:
        case Modify(pairs):
            yield from (Modify(part) for part in whole_units(pairs, limit))
        case Add(backends):
            yield from (Add(part) for part in whole_units(backends, limit))
        case Remove(backends):
            yield from (Remove(part) for part in whole_units(backends, limit))
        case _:
            before = {backend.key: backend for backend in step.before}
            for part in whole_units(step.after, limit):
                yield SetWeight(tuple(before[backend.key] for backend in part), part)


def described(step: Step) -> str:
    """Return a step as one readable line: the call, and each backend with its port and weight."""
    old, new = old_side(step), new_side(step)
    if isinstance(step, Modify | SetWeight):
        said = (f"{_told(one)} -> {_told(other)}" for one, other in zip(old, new, strict=True))
    else:
        said = (_told(backend) for backend in (*old, *new))
    return f"{type(step).__name__} {', '.join(said)}"


def _told(backend: Backend) -> str:
    return f"{backend.key.server_id}:{backend.key.port} ({backend.weight})"
