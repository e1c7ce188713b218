"""How long a write keeps a load balancer busy is learned within a delivery, and waited for."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from handler.core.model.answers import Result
from handler.running.loop import Run
from handler.running.pacing import Pacing
from localcloud.cloud import Cloud
from tests.support.builders import cloud, event, group_of, request, shown, shown_group, target
from tests.support.level_a import Calls, FakeClock, run

LB = "lb-web"
CALL_S = 0.03
MODIFY = "ModifyVServerGroupBackendServers"


class Balancer:
    """A load balancer that is busy for some time after each write, and a writer that is paced."""

    def __init__(self) -> None:
        self.pacing, self.now, self.free_at = Pacing(), 1000.0, 0.0
        self.accepted: list[float] = []
        self.refused: list[float] = []  #: seconds after the accepted write before

    def write(self, busy_s: float) -> None:
        """Write until it is accepted."""
        while True:
            self.now = self.pacing.ready_at(LB, self.now)
            busy = self.now < self.free_at
            result = Result.BUSY if busy else Result.APPLIED
            if busy:
                self.refused.append(self.now - self.accepted[-1])
            self.pacing.wrote(LB, result, self.now, self.now, self.now + 0.5)
            if not busy:
                self.accepted.append(self.now)
                self.free_at = self.now + busy_s
                return


def test_a_load_balancer_that_is_never_busy_is_never_waited_for() -> None:
    at = Balancer()
    for _ in range(10):
        at.write(0.0)
    assert at.now == 1000.0


def test_what_is_refused_is_tried_again_twice_as_late() -> None:
    at = Balancer()
    at.write(1.0)
    at.write(1.0)
    assert [0.0, 0.06, 0.12, 0.24, 0.48, 0.96] == [round(one, 3) for one in at.refused]


def test_tries_are_never_further_apart_than_any_others() -> None:
    at = Balancer()
    at.write(100.0)
    at.write(100.0)
    assert max(after - before for before, after in pairwise(at.refused)) <= 10.0


@pytest.mark.parametrize("busy_s", [0.02, 0.1, 0.3, 0.5, 1.7, 6.0])
def test_the_time_is_narrowed_down_and_then_waited_for(busy_s: float) -> None:
    at = Balancer()
    for _ in range(6):
        at.write(busy_s)
    refused = len(at.refused)
    for _ in range(20):
        at.write(busy_s)
    assert refused == len(at.refused)
    waited = at.accepted[-1] - at.accepted[-2]
    assert busy_s <= waited <= max(0.06, 1.3 * busy_s)


def test_nothing_is_sent_while_it_is_known_to_be_busy() -> None:
    drawn = random.Random(1)
    for _ in range(300):
        at, known = Balancer(), 0.0
        for _ in range(12):
            before = len(at.refused)
            at.write(drawn.choice([0.0, 0.1, 0.3, 0.31, 2.0]))
            for elapsed in at.refused[before:]:
                assert elapsed > known or not known
                known = elapsed
            known = 0.0


def test_a_write_that_keeps_it_busy_for_longer_teaches_nothing_about_the_next() -> None:
    at = Balancer()
    for _ in range(6):
        at.write(0.3)
    at.write(30.0)
    at.write(0.3)
    before = at.now
    at.write(0.3)
    assert at.now - before < 0.4


def test_a_load_balancer_that_others_keep_busy_is_left_to_the_run() -> None:
    pacing = Pacing()
    pacing.wrote(LB, Result.BUSY, 1000.0, 1000.1, 1000.6)
    assert (1000.6, False) == (pacing.ready_at(LB, 1000.2), pacing.is_learning(LB))
    assert 1000.2 == pacing.ready_at("lb-other", 1000.2)


def test_what_is_neither_accepted_nor_busy_teaches_nothing() -> None:
    pacing = Pacing()
    pacing.wrote(LB, Result.BAD_BACKEND, 1000.0, 1000.1, 1000.6)
    assert (1000.2, False) == (pacing.ready_at(LB, 1000.2), pacing.is_learning(LB))


def servers(first: int, count: int) -> str:
    return " ".join(f"i-{n}" for n in range(first, first + count))


class Timed:
    """A run of which each call takes its time; the load balancer is busy by the clock."""

    def __init__(self, over: Cloud, busy_ms: int) -> None:
        state = over.state()
        state["readings"] = {**state.get("readings", {}), "busy_ms": busy_ms}
        self.cloud, self.clock = Cloud(state), FakeClock()
        self.at: list[tuple[float, str]] = []

    def run(self, *given: object, **also: object) -> tuple[Run, Calls]:
        return run(self.cloud, *given, clock=self.clock, before=self._takes_time, **also)  # type: ignore[arg-type]

    def _takes_time(self, action: str) -> None:
        self.at.append((self.clock.at, action))
        self.clock.sleep(CALL_S)

    @property
    def wall(self) -> float:
        return self.clock.at - 1000.0


def test_200_gone_ones_take_little_more_than_the_load_balancer_needs() -> None:
    timed = Timed(cloud(servers(0, 200), servers(300, 200), quota=400), busy_ms=300)
    done, calls = timed.run(target(), event(servers(0, 200), servers(300, 200)))
    assert "applied" == shown(done.finish)
    assert 10 <= len(calls.writes) <= 16
    floor = 9 * 0.3 + 10 * CALL_S
    reads = timed.at[[action for _, action in timed.at].index(MODIFY)][0] - 1000.0
    assert timed.wall - reads <= 1.3 * floor


def test_it_is_looked_at_while_the_load_balancer_is_busy_anyway() -> None:
    """A wave that takes capacity away needs a look, which takes no time of its own."""
    timed = Timed(cloud(servers(0, 9), fresh=servers(20, 9)), busy_ms=300)
    at = target(scaling=False, max_unavailable=3)
    done, calls = timed.run(at, request(servers(0, 9), servers(20, 9)))
    assert "applied" == shown(done.finish)
    sent = [when for when, action in timed.at if action == MODIFY]
    accepted = sent[1:] if len(sent) > 3 else sent
    assert len(calls.writes) <= 3 + 5
    assert all(after - before <= 0.45 for before, after in pairwise(accepted))


def test_a_load_balancer_that_stays_busy_is_raised() -> None:
    timed = Timed(cloud(servers(0, 30), fresh=servers(50, 30)), busy_ms=10**9)
    wanted = request(servers(0, 30), servers(50, 30), gone=True)
    done, calls = timed.run(target(scaling=False), wanted, timeout_s=120)
    assert "raised busy" == shown(done.finish)
    assert len(calls.writes) <= 24
    assert 30 == len(shown_group(group_of(timed.cloud)).split())


def test_what_is_busy_is_not_counted_as_a_try_of_the_run() -> None:
    timed = Timed(cloud(servers(0, 40), fresh=servers(50, 40), quota=400), busy_ms=5000)
    done, _ = timed.run(target(scaling=False), request(servers(0, 40), servers(50, 40), gone=True))
    assert ("applied", 0) == (shown(done.finish), done.state.retry.attempts)


def test_what_is_refused_as_late_as_another_was_accepted_is_not_sent_again_at_once() -> None:
    for start in (1000.0, 1038.1, 1_700_000_000.3):
        pacing, late = Pacing(), 0.06
        pacing.wrote(LB, Result.APPLIED, start, start, start)
        pacing.wrote(LB, Result.BUSY, start, start, start)
        pacing.wrote(LB, Result.APPLIED, start + late, start + late, start)
        # As late as the write before was accepted, but for the rounding of the clock.
        sent = start + 2 * late - 1e-7
        pacing.wrote(LB, Result.BUSY, sent, sent, sent)
        assert pacing.ready_at(LB, sent) - sent > 0.01
