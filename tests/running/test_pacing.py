"""What the targets of one load balancer know together."""

from __future__ import annotations

import pytest

from handler.core.model.answers import Result
from handler.running.pacing import Pacing


def test_a_load_balancer_that_nobody_wrote_to_is_ready() -> None:
    assert 10.0 == Pacing().ready_at("lb-1", 10.0)


def test_a_busy_load_balancer_is_left_alone_by_all_and_others_are_not() -> None:
    pacing = Pacing()
    pacing.wrote("lb-1", Result.BUSY, 10.0, 14.0)
    assert [14.0, 10.0] == [pacing.ready_at(one, 10.0) for one in ("lb-1", "lb-2")]
    assert 15.0 == pacing.ready_at("lb-1", 15.0)


@pytest.mark.parametrize("result", [Result.APPLIED, Result.THROTTLED, Result.BAD_BACKEND])
def test_it_is_ready_again_once_a_write_was_not_busy(result: Result) -> None:
    pacing = Pacing()
    pacing.wrote("lb-1", Result.BUSY, 10.0, 60.0)
    pacing.wrote("lb-1", result, 20.0, 99.0)
    assert 21.0 == pacing.ready_at("lb-1", 21.0)
