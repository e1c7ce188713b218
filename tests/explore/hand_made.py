"""A function made by hand in the place of ours: it does what a test says, to be judged by the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from handler.core.model.steps import Add, Modify, Remove, SetWeight, Step
from handler.core.model.values import Backend, Group, Key, Pair
from handler.running import delivering
from tests.explore.oracle.judging import violations
from tests.explore.playing import Played, play
from tests.explore.worlds import of_text, type_of

#: What the function does in one attempt, by the number of the attempt.
Acts = Callable[["Hands", int], None]


class Hands:
    """What a hand-made function may do: read, write, wait, and complete the hooks that it was given."""

    def __init__(self, means: Any, intents: Any) -> None:
        self.slb, self.ess, self.clock = means.slb(means.reader()), means.ess, means.clock
        self.intents, self.deadline = intents, means.deadline

    def read(self, name: str = "web") -> Group:
        """Read a group."""
        return self.slb.group(f"rsp-{name}")  # type: ignore[no-any-return]

    def wait(self, seconds: float = 5.0) -> None:
        """Wait, and have the load balancer check health."""
        self.clock.sleep(seconds)

    def write(self, step: Step, name: str = "web") -> Any:
        """Write to a group."""
        return self.slb.do(self.read(name), step)

    def complete(self, result: Any) -> None:
        """Complete every hook."""
        for intent in self.intents:
            for hook in intent.hooks:
                self.ess.complete(hook, result)


def backend(said: str) -> Backend:
    """A backend said as ``i-0:80=100``, with ``@address`` and ``#description`` where it has them."""
    said, _, description = said.partition("#")
    place, _, weight = said.partition("=")
    server, _, port = place.partition(":")
    server, _, address = server.partition("@")
    kind: Any = type_of(server)
    return Backend(Key(server, int(port or 80), address or None), int(weight or 100), kind, description)


def add(*said: str) -> Add:
    return Add(tuple(map(backend, said)))


def remove(*said: str) -> Remove:
    return Remove(tuple(map(backend, said)))


def swap(*said: tuple[str, str]) -> Modify:
    return Modify(tuple(Pair(backend(old), backend(new)) for old, new in said))


def weigh(*said: tuple[str, str]) -> SetWeight:
    return SetWeight(tuple(backend(old) for old, _ in said), tuple(backend(new) for _, new in said))


def played(monkeypatch: pytest.MonkeyPatch, text: str, acts: Acts) -> Played:
    """Play a world with the hand-made function."""
    number = 0

    def deliver(intents: Any, targets: Any, means: Any, **told: Any) -> Any:
        nonlocal number
        acts(Hands(means, intents), number)
        number += 1
        return (), ()

    monkeypatch.setattr(delivering, "deliver", deliver)
    return play(of_text(text))


def judged(monkeypatch: pytest.MonkeyPatch, text: str, acts: Acts) -> list[str]:
    """Return what the oracle says of a world with the hand-made function: the rules that it broke."""
    return [one.partition(":")[0].partition(" (")[0] for one in violations(played(monkeypatch, text, acts))]
