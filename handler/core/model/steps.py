"""A step is one write to a VServer group: what it does to the group, and what would undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from handler.core.model.values import Backend, Group, Key, Pair


@dataclass(frozen=True, slots=True)
class Modify:
    """ModifyVServerGroupBackendServers: every pair's old backend out, its new one in; as many new as old."""

    pairs: tuple[Pair, ...]

    def reverse(self) -> Modify:
        """Return the step that puts the old ones back."""
        return Modify(tuple(Pair(old=pair.new, new=pair.old) for pair in self.pairs))


@dataclass(frozen=True, slots=True)
class Add:
    """AddVServerGroupBackendServers."""

    backends: tuple[Backend, ...]

    def reverse(self) -> Remove:
        """Return the step that takes them out again."""
        return Remove(self.backends)


@dataclass(frozen=True, slots=True)
class Remove:
    """RemoveVServerGroupBackendServers."""

    backends: tuple[Backend, ...]

    def reverse(self) -> Add:
        """Return the step that puts them back as they were."""
        return Add(self.backends)


@dataclass(frozen=True, slots=True)
class SetWeight:
    """SetVServerGroupAttribute: the same backends, before and after."""

    before: tuple[Backend, ...]
    after: tuple[Backend, ...]

    def reverse(self) -> SetWeight:
        """Return the step that sets the weights back."""
        return SetWeight(before=self.after, after=self.before)


Step = Modify | Add | Remove | SetWeight


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
    """Return the group that a step leaves behind: our one model of what a call does."""
    left = dict(group.backends)
    for backend in old_side(step):
        left.pop(backend.key, None)
    left.update((backend.key, backend) for backend in new_side(step))
    return replace(group, backends=left)


def same(one: Group, other: Group) -> bool:
    """Tell whether two groups hold the same backends, whatever their order."""
    return dict(one.backends) == dict(other.backends)


def servers_of(backends: Iterable[Backend]) -> tuple[str, ...]:
    """Return the ids of the servers that backends stand for, each once, in order."""
    return tuple(dict.fromkeys(backend.key.server_id for backend in backends))


def backends_of(group: Group, server_id: str) -> tuple[Backend, ...]:
    """Return the backends that a server has in a group."""
    return tuple(b for key, b in group.backends.items() if key.server_id == server_id)


def keys_of(backends: Iterable[Backend]) -> frozenset[Key]:
    """Return the keys of backends."""
    return frozenset(backend.key for backend in backends)


def described(step: Step) -> str:
    """Return a step as a line for people: the call, and each backend with its port and weight."""
    old, new = old_side(step), new_side(step)
    if isinstance(step, Modify | SetWeight):
        said = (f"{_told(one)} -> {_told(other)}" for one, other in zip(old, new, strict=True))
    else:
        said = (_told(backend) for backend in (*old, *new))
    return f"{type(step).__name__} {', '.join(said)}"


def _told(backend: Backend) -> str:
    return f"{backend.key.server_id}:{backend.key.port} ({backend.weight})"
