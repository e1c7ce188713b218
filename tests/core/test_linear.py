"""A decision costs in proportion to the backends, and a plan takes in proportion as many of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from handler.core.deciding import plan as planning
from handler.core.deciding.decide import decide
from handler.core.deciding.run_state import begin
from handler.core.model.observed import Observed
from handler.core.model.policy import Policy
from handler.core.model.values import Intent
from tests.support.builders import event, policy, request, view


def many(first: int, count: int) -> str:
    return " ".join(f"i-{n}" for n in range(first, first + count))


def calls_made(work: Callable[[], object]) -> int:
    """How many functions were called, the interpreter's own included: a scan in a scan would show."""
    made = 0

    def count(frame: object, what: str, arg: object) -> None:
        nonlocal made
        made += what in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made


Build = Callable[[int], tuple[Observed, Intent, Policy]]
BUILDS: dict[str, Build] = {
    "pairs": lambda n: (view(many(0, n), checked=True), request(many(0, n), many(1000, n)), policy()),
    "surge": lambda n: (view(many(0, n)), request(many(0, n), many(1000, n), strategy="surge"), policy()),
    "gone": lambda n: (view(many(0, n)), request(many(0, n), many(1000, n), gone=True), policy()),
    "removals": lambda n: (
        view(many(0, n)),
        request(many(0, n // 2)),
        policy(max_removed="100%", max_unavailable="25%", drain_s=5),
    ),
    "forced": lambda n: (
        view(many(0, n)),
        request(many(0, n), force="max_removed max_unavailable"),
        policy(min_backends=n // 2),
    ),
    "retired": lambda n: (
        view(many(0, n) + " " + many(1000, n)),
        request(many(0, n), many(1000, n)),
        policy(max_unavailable="50%"),
    ),
    "stale": lambda n: (view(many(0, n), many(n // 2, n)), event(), policy(exclusive=True, ports=(8080,))),
}
every_build = pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)


@every_build
def test_a_decision_is_linear_in_the_backends(build: Build) -> None:
    def cost(count: int) -> int:
        looked, intent, how = build(count)
        return calls_made(lambda: decide(looked, intent, how, begin(looked)))

    small, large = cost(50), cost(200)
    assert large < 4.4 * small, (small, large)


@every_build
def test_a_plan_takes_few_decisions_for_each_backend(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counted(*given: Any) -> Any:
        made.append(1)
        return decide(*given)

    monkeypatch.setattr(planning, "decide", counted)
    planning.plan(*build(100))
    assert len(made) <= 3 * 100 + 10
