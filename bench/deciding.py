"""What deciding costs for each backend, as the group grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from handler.core import progress
from handler.core.deciding import decide
from handler.core.forecast import forecast
from handler.core.values import Backend, Group, Intent, Key, Listeners, Named, Policy, Scope, Verdict
from handler.core.view import View

POLICY = Policy(mark="slb-swap/web")


def measure(short: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table."""
    rounds = 5 if short else 21
    yield "", "backends", "us", "us a backend", "x 20 backends"
    least = 0.0
    for size in (20, 200, 2000):
        view, intent = _asked(size)
        begun = progress.begin(view)
        each = _seconds(lambda v=view, i=intent, b=begun: decide(v, i, POLICY, b), rounds) / size
        least = least or each
        yield "decide", str(size), f"{each * size * 1e6:.0f}", f"{each * 1e6:.1f}", f"{each / least:.2f}"
    least = 0.0
    for size in (20, 200) if short else (20, 200, 400):
        view, intent = _asked(size)
        steps = len(forecast(view, intent, POLICY).steps)
        spent = _seconds(lambda v=view, i=intent: forecast(v, i, POLICY), max(3, rounds // 4))
        each = spent / size
        least = least or each
        said = f"forecast, {steps} steps in waves"
        yield said, str(size), f"{spent * 1e6:.0f}", f"{each * 1e6:.1f}", f"{each / least:.2f}"


def _asked(size: int) -> tuple[View, Intent]:
    """A look at a group of serving servers, each of which is to be replaced."""
    backends = {
        key: Backend(key, 100, "ecs", "slb-swap/web") for key in (Key(f"i-old{n}", 8080) for n in range(size))
    }
    group = Group("rsp-web", "lb-web", backends)
    view = View(
        group,
        now=1000.0,
        deadline=1e9,
        health={key: {"http:80": Verdict.NORMAL} for key in backends},
        listeners=Listeners(checking=frozenset({"http:80"})),
    )
    intent = Intent(
        "web",
        "deployment",
        scope=Scope.EXACTLY,
        terminated=tuple(Named(f"i-old{n}") for n in range(size)),
        launched=tuple(Named(f"i-new{n}") for n in range(size)),
    )
    return view, intent


def _seconds(work: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return median(found)
