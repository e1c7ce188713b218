"""What is to go wrong, at which call: validated, counted, and raised around a call."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from localcloud.ecs import actions as ecs_actions
from localcloud.ess import actions as ess_actions
from localcloud.http import ConnectionCut
from localcloud.rpc.credentials import Identity
from localcloud.rpc.errors import TABLE, ApiError
from localcloud.slb import actions as slb_actions
from localcloud.state.fields import FieldError, Fields

T = TypeVar("T")
ACTIONS = frozenset({*slb_actions.ACTIONS, *ess_actions.ACTIONS, *ecs_actions.ACTIONS})
EFFECTS = ("drop_response", "reset", "delay", "garbage", "kill")
GARBAGE = b"<html><body>502 Bad Gateway</body></html>"


class GarbageAnswer(Exception):  # noqa: N818 - what was asked for, no error of the local cloud
    """The call was applied, and its answer is to be a body that is no JSON."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong: at the nth call, at every so many, or at all; `times` at most."""

    action: str
    error: str | None = None
    status: int | None = None
    message: str | None = None
    effect: str | None = None
    nth: int | None = None
    every: int | None = None
    times: int | None = None
    seconds: float = 1.0
    after: bool = False
    match: tuple[tuple[str, str], ...] = ()

    def concerns(self, action: str, params: Mapping[str, str]) -> bool:
        """Whether a call is counted by this fault."""
        return self.action in {"*", action} and all(params.get(k) == v for k, v in self.match)

    def strikes(self, count: int, struck: int) -> bool:
        """Whether it strikes at its count-th call, having struck so often before."""
        if self.nth is not None:
            return self.nth <= count < self.nth + (self.times or 1)
        if self.times is not None and struck >= self.times:
            return False
        return count % (self.every or 1) == 0


class Faults:
    """The faults in force, with their counts. Of several that strike at one call the first does."""

    def __init__(
        self, faults: tuple[Fault, ...] = (), on_kill: Callable[[Identity | None], None] | None = None
    ) -> None:
        self.faults = faults
        self.on_kill = on_kill
        self._counts = [0] * len(faults)
        self._struck = [0] * len(faults)

    def copy(self) -> "Faults":
        """The same faults with counts of their own."""
        new = Faults(self.faults, self.on_kill)
        new._counts, new._struck = list(self._counts), list(self._struck)
        return new

    def strike(self, action: str, params: Mapping[str, str]) -> Fault | None:
        """Count a call; the fault that strikes at it, if any."""
        found: Fault | None = None
        for n, fault in enumerate(self.faults):
            if not fault.concerns(action, params):
                continue
            self._counts[n] += 1
            if found is None and fault.strikes(self._counts[n], self._struck[n]):
                self._struck[n] += 1
                found = fault
        return found

    def around(self, fault: Fault | None, work: Callable[[], T], identity: Identity | None = None) -> T:
        """Do a call's work with what goes wrong: errors instead of it, a lost response after it."""
        if fault is None or fault.effect == "delay":
            return work()
        if fault.error is not None:
            raise ApiError(fault.error, fault.message, fault.status)
        if fault.effect == "reset":
            raise ConnectionCut
        if fault.effect == "kill" and not fault.after:
            self._kill(identity)
        with contextlib.suppress(ApiError):
            work()
        if fault.effect == "kill":
            self._kill(identity)
        raise GarbageAnswer if fault.effect == "garbage" else ConnectionCut

    def _kill(self, identity: Identity | None) -> None:
        if self.on_kill is not None:
            self.on_kill(identity)
        raise ConnectionCut


def parse(value: object) -> tuple[Fault, ...]:
    """The faults of a list as it came; FieldError names what is wrong."""
    return Fields({"faults": value}, "").each("faults", _fault)


def _fault(f: Fields) -> Fault:
    f.known(
        "action", "error", "status", "message", "effect", "nth", "every", "times", "seconds", "after", "match"
    )
    action, error = f.text("action"), f.optional("error")
    if action != "*" and action not in ACTIONS:
        like = get_close_matches(action, ACTIONS, 1)
        meant = f", did you mean {like[0]}?" if like else ""
        raise FieldError(f"{f.at('action')}: {action!r} is no action of the local cloud{meant}")
    effect = f.text("effect", "", ("", *EFFECTS)) or None
    if (error is None) == (effect is None):
        raise FieldError(f"{f.at('error')}: one of error and effect is needed, and not both")
    status = f.number("status", None, 100, 599) if f.has("status") else None
    if error is not None and error not in TABLE and status is None:
        raise FieldError(f"{f.at('error')}: {error!r} is no documented code; give its status as well")
    counts = {k: f.number(k, None, 1, 10**9) if f.has(k) else None for k in ("nth", "every", "times")}
    if counts["nth"] and counts["every"]:
        raise FieldError(f"{f.at('nth')}: nth and every exclude each other")
    seconds, match = f.raw("seconds", 1.0), f.raw("match", {})
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 600:
        raise FieldError(f"{f.at('seconds')}: a number from 0 to 600 is needed")
    if not isinstance(match, Mapping) or not all(isinstance(v, str) for v in match.values()):
        raise FieldError(f"{f.at('match')}: an object of parameters and their values is needed")
    return Fault(
        action, error, status, f.optional("message"), effect, counts["nth"], counts["every"],
        counts["times"], float(seconds), f.flag("after", False), tuple(match.items()),
    )  # fmt: skip


def dump(faults: tuple[Fault, ...]) -> list[dict[str, object]]:
    """The faults as they would be put."""
    rows = []
    for fault in faults:
        row: dict[str, object] = {"action": fault.action}
        for name in ("error", "status", "message", "effect", "nth", "every", "times"):
            if (value := getattr(fault, name)) is not None:
                row[name] = value
        if fault.effect == "delay":
            row["seconds"] = fault.seconds
        if fault.after:
            row["after"] = True
        if fault.match:
            row["match"] = dict(fault.match)
        rows.append(row)
    return rows
