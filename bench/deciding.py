"""What deciding costs for each backend, as the group grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from handler.core.deciding import run_state
from handler.core.deciding.decide import decide
from handler.core.deciding.plan import plan
from handler.core.model.marks import Marks
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.values import Backend, Group, Intent, Key, Listeners, Scope, ServerRef, Verdict

POLICY = Policy(marks=Marks("web"))


def measure(short: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table."""
    rounds = 5 if short else 21
    yield "", "backends", "us", "us a backend", "x 20 backends"
    least = 0.0
    for size in (20, 200, 2000):
        view, intent = _asked(size)
        begun = run_state.begin(view)
        each = _seconds(lambda v=view, i=intent, b=begun: decide(v, i, POLICY, b), rounds) / size
        least = least or each
        yield "decide", str(size), f"{each * size * 1e6:.0f}", f"{each * 1e6:.1f}", f"{each / least:.2f}"
    least = 0.0
    for size in (20, 200) if short else (20, 200, 400):
        view, intent = _asked(size)
        steps = len(plan(view, intent, POLICY).steps)
        spent = _seconds(lambda v=view, i=intent: plan(v, i, POLICY), max(3, rounds // 4))
        each = spent / size
        least = least or each
        said = f"forecast, {steps} steps in waves"
        yield said, str(size), f"{spent * 1e6:.0f}", f"{each * 1e6:.1f}", f"{each / least:.2f}"


def _asked(size: int) -> tuple[Observed, Intent]:
    """A look at a group of serving servers, each of which is to be replaced."""
    backends = {
        key: Backend(key, 100, "ecs", "slb-swap/web") for key in (Key(f"i-old{n}", 8080) for n in range(size))
    }
    group = Group("rsp-web", "lb-web", backends)
    view = Observed(
        group,
        now=1000.0,
        deadline=1e9,
        health={key: {"http:80": Verdict.NORMAL} for key in backends},
        listeners=Listeners(checking=frozenset({"http:80"})),
    )
    intent = Intent(
        "web",
        "deployment",
        scope=Scope.LITERAL,
        terminated=tuple(ServerRef(f"i-old{n}") for n in range(size)),
        launched=tuple(ServerRef(f"i-new{n}") for n in range(size)),
    )
    return view, intent


def _seconds(work: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return median(found)
