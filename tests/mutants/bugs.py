"""Seeded bugs: mistakes that such functions have been seen to make, each in one or two functions of ours.

A bug replaces the code of functions in place, so that whoever has imported them gets the mistake too.
"""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any


@dataclass(frozen=True)
class Patch:
    """A function (``module:name`` or ``module:Class.name``), and what of its source is replaced by what."""

    where: str
    old: str
    new: str

    @property
    def function(self) -> FunctionType:
        module, _, path = self.where.partition(":")
        found: Any = importlib.import_module(f"handler.{module}")
        for name in path.split("."):
            found = inspect.getattr_static(found, name)
        return inspect.unwrap(getattr(found, "fget", None) or getattr(found, "func", None) or found)

    def code(self) -> CodeType:
        """The function's code with the mistake in it."""
        function = self.function
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(self.old) != 1:
            raise AssertionError(f"{self.where}: {self.old!r} is there {source.count(self.old)} times")
        namespace = dict(function.__globals__)
        source = "from __future__ import annotations\n" + source.replace(self.old, self.new)
        source = source.replace("@property\n", "").replace("@cached_property\n", "")
        exec(compile(source, self.where, "exec"), namespace)
        return namespace[function.__name__].__code__


@dataclass(frozen=True)
class Bug:
    """A mistake by name, and where the prover meets it first: a beginning, readings and faults at most."""

    name: str
    patches: tuple[Patch, ...]
    world: str
    readings: int = 0
    faults: int = 0

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


@contextmanager
def seeded(bug: Bug) -> Iterator[None]:
    """Put a bug in, and take it out again."""
    functions = [patch.function for patch in bug.patches]
    codes = [function.__code__ for function in functions]
    mistaken = [patch.code() for patch in bug.patches]
    try:
        for function, code in zip(functions, mistaken, strict=True):
            function.__code__ = code
        yield
    finally:
        for function, code in zip(functions, codes, strict=True):
            function.__code__ = code


def _bug(name: str, world: str, *patches: tuple[str, str, str], readings: int = 0, faults: int = 0) -> Bug:
    return Bug(name, tuple(Patch(*patch) for patch in patches), world, readings, faults)


NOT_REPLACED = ("        and not status.to_swap\n", "")

BUGS = (
    _bug(
        "the old one is removed after a failed Add",
        "ruc/1-t,1-t/nn",
        (
            "core.deciding.add_remove:retire",
            "not status.to_swap",
            "(not status.to_swap or situation.state.retry.trouble)",
        ),
        ("core.deciding.status:ChangeStatus.is_replaced", "return ", "return True or "),
        faults=1,
    ),
    _bug(
        "remove before add",
        "ruc/1-t,1-t/nn",
        ("core.deciding.add_remove:retire", *NOT_REPLACED),
        ("core.deciding.status:ChangeStatus.is_replaced", "return ", "return True or "),
        (
            "core.deciding.decide:_next",
            "rollback.undo(situation)\n",
            "add_remove.retire(situation) or rollback.undo(situation)\n",
        ),
    ),
    _bug(
        "only the first record",
        "gwc/1-t,1-t/nn",
        ("core.planning.desired:_requested", "launched=intent.launched", "launched=intent.launched[:1]"),
    ),
    _bug(
        "a diff that ignores ports",
        "rwc/11t/n",
        (
            "core.planning.placement:Places.of",
            "ports = dict.fromkeys(backend.key.port for backend in others) or self.usual_ports",
            "ports = list(dict.fromkeys(backend.key.port for backend in others) or self.usual_ports)[:1]",
        ),
    ),
    _bug(
        "trust in the answer of a write",
        "rwc/0-t/n",
        ("core.deciding.decide:_look", "if situation.observed.fresh:", "if True:"),
        ("running.loop:_after", " and same(answer.group, expected)", ""),
        readings=2,
        faults=1,
    ),
    _bug(
        "no look after a lost response",
        "rwc/1-t/n",
        (
            "running.loop:run",
            "observed, state = observer.again(observed, state, waited_for=why)",
            "observed = replace(observed, now=clock.now(), fresh=True)\n"
            "                state = replace(state, written=replace(state.written, doubt=0))",
        ),
        faults=1,
    ),
    _bug(
        "InvalidParameter whatever its status",
        "rwc/1-t/n",
        (
            "cloud.errors:classify",
            "wanted, text =",
            "if code == 'InvalidParameter':\n        return Result.PERMANENT\n    wanted, text =",
        ),
        faults=1,
    ),
    _bug(
        "weight 0 carried on",
        "rwc/0-t/n",
        (
            "core.planning.placement:Places._weight",
            "return weight or self.usual_weight",
            "return weights[0] if weights else self.usual_weight",
        ),
    ),
    _bug(
        "one pair's failure loses its batch",
        "gwc/1-t,1-t/nn",
        (
            "core.deciding.run_state:RunState._suspected",
            "isolation, alone = self.isolation.suspected(units, now, patience)",
            "isolation, alone = replace(self.isolation, suspects=()), units",
        ),
        faults=1,
    ),
    _bug(
        "the mark taken for a licence to remove",
        "twc/1-o,1-s/",
        (
            "core.planning.desired:_Reconciling._unnamed",
            "if server is not None or",
            "if (server is not None and not self._manages(backends)) or",
        ),
    ),
    _bug(
        "hook completed before the drain",
        "ewc/1-h/",
        (
            "core.deciding.hooks:_is_out",
            "return not holds(ending, hook)",
            "return True",
        ),
    ),
    _bug(
        "ABANDON on quota",
        "ewq/1-s/e",
        ("core.deciding.hooks:_failed", "in ITS_OWN_FAULT", "in {*ITS_OWN_FAULT, 'over_quota'}"),
    ),
    _bug(
        "gone counted as in service",
        "gwc/1-t/",
        ("core.planning.capacity:in_service", "if unit not in gone and _serves", "if _serves"),
    ),
    _bug(
        "unproven counted as in service",
        "rwc/1-t,1-t/nn",
        (
            "core.planning.capacity:_serves",
            "return bool(weighted) and all(observed.is_proven(backend.key, gating) for backend in weighted)",
            "return bool(weighted)",
        ),
        (
            "core.deciding.decide:_await_health",
            "if not left:",
            "if True:",
        ),
        readings=1,
    ),
    _bug(
        "no retry of busy",
        "rwc/1-t/n",
        (
            "core.deciding.run_state:RunState.after_write",
            "case Result.BUSY | Result.THROTTLED | Result.UNKNOWN:\n",
            "case Result.BUSY | Result.THROTTLED:\n            return replace(noted, fatal=answer)\n"
            "        case Result.UNKNOWN:\n",
        ),
        faults=1,
    ),
    _bug(
        "floor off by one",
        "rwc/1-t/n",
        ("core.planning.capacity:floor", "return max(lowest,", "return -1 + max(lowest,"),
    ),
    _bug(
        "rollback that forgets weights",
        "rwc/1-t,1-t/nn",
        (
            "core.deciding.rollback:_lost",
            "tuple(map(put_back, out))",
            "tuple(Backend(b.key, 1, b.type, b.description) for b in out)",
        ),
        faults=1,
    ),
    _bug(
        "short listing believed",
        "twc/1-s/u",
        (
            "core.model.observed:believed",
            "if not all(listing.complete for listing in listings):",
            "if False:",
        ),
        faults=1,
    ),
    _bug(
        "batch limit ignored",
        "gwc/1-t,1-t,1-t/nnn",
        ("core.deciding.situation:Situation.batch", "self.policy.max_per_call), ())", "20), ())"),
    ),
    _bug(
        "stale removal without asking by id",
        "twc/1-s,1-s/",
        ("core.planning.desired:doubtful", "    literal = ", "    return ()\n    literal = "),
        faults=1,
    ),
    _bug(
        "forgetting read lag",
        "rwc/1-t,1-t/nn",
        ("core.deciding.writes:Written.read", "if self.lag else ()", "if False else ()"),
        readings=1,
    ),
    _bug(
        "retired before the new one is normal",
        "ruc/1-t,1-t/nn",
        ("core.deciding.status:ChangeStatus.is_replaced", "(self.proven or not self.change.into)", "True"),
        readings=2,
    ),
    _bug(
        "requests that name who is still in service are obeyed",
        "rwc/1-k/n",
        ("core.planning.desired:_requested", "if observed.is_listed_in_service(ref.server_id)", "if False"),
    ),
    _bug(
        "removal without a floor",
        "rwc/1-t/",
        ("core.deciding.add_remove:_take_out", "or room > 0:", "or True:"),
        ("core.planning.guards:_under_floor", "if len(costly) <= allowed:", "if True:"),
    ),
    _bug(
        "unmanaged removed",
        "twc/1-o,1-s/",
        ("core.planning.desired:_Reconciling._unnamed", 'return "unmanaged"', 'return "stale"'),
    ),
    _bug(
        "a surge that was cut off is forgotten",
        "tuc/1-h/u",
        ("core.planning.desired:_Reconciling._waits", "return any(", "return False and any("),
        faults=1,
    ),
    _bug(
        "a second old one goes for the same new one",
        "ruc/1-f,1-f,1-t,1-t/",
        (
            "core.planning.matching:Matching.matches",
            "new in self.unproven, ",
            "",
        ),
        faults=1,
    ),
)
