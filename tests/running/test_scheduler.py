"""Tasks side by side, woken by a clock that is turned."""

from __future__ import annotations

from handler.running.scheduler import Scheduler, Task
from tests.support.level_a import FakeClock
from tests.support.tasks import alone


class Runner:
    """Tasks that write down when they are woken."""

    def __init__(self) -> None:
        self.clock = FakeClock(0.0)
        self.said: list[tuple[float, str]] = []
        self.beats = 0
        self.scheduler = Scheduler(self.clock, self._beat)

    def _beat(self) -> None:
        self.beats += 1

    def task(self, name: str, *seconds: float) -> Task[None]:
        self.said.append((self.clock.now(), name))
        for wait in seconds:
            yield self.clock.now() + wait
            self.said.append((self.clock.now(), name))


def test_while_a_task_waits_the_others_go_on() -> None:
    runner = Runner()
    runner.scheduler.add(runner.task("slow", 10, 10))
    runner.scheduler.add(runner.task("quick", 1, 1))
    runner.scheduler.run()
    assert [
        (0, "slow"), (0, "quick"), (1, "quick"), (2, "quick"), (10, "slow"), (20, "slow"),
    ] == runner.said  # fmt: skip


def test_tasks_of_the_same_time_are_woken_in_their_order() -> None:
    runner = Runner()
    for name in "abc":
        runner.scheduler.add(runner.task(name, 5))
    runner.scheduler.run()
    assert ["a", "b", "c"] * 2 == [name for _, name in runner.said]


def test_a_time_that_is_over_is_not_waited_for() -> None:
    runner = Runner()
    runner.scheduler.add(runner.task("late", -5, 0))
    runner.scheduler.run()
    assert 0.0 == runner.clock.now()


def test_something_is_done_each_turn_also_if_a_task_is_always_due() -> None:
    runner = Runner()

    def busy() -> Task[None]:
        for _ in range(5):
            runner.clock.sleep(3)
            yield runner.clock.now()

    runner.scheduler.add(busy())
    runner.scheduler.run()
    assert 6 == runner.beats


def test_a_task_may_add_others() -> None:
    runner = Runner()

    def first() -> Task[None]:
        yield 2.0
        runner.scheduler.add(runner.task("second", 1))

    runner.scheduler.add(first())
    runner.scheduler.run()
    assert [(2, "second"), (3, "second")] == runner.said


def test_a_task_alone_returns_its_result() -> None:
    clock = FakeClock(0.0)

    def task() -> Task[str]:
        yield 4.0
        return f"done at {clock.now():g}"

    assert "done at 4" == alone(task(), clock, lambda: None)


def test_without_tasks_nothing_is_waited_for() -> None:
    runner = Runner()
    runner.scheduler.run()
    assert 0 == runner.beats


def test_a_long_wait_is_slept_in_naps_so_that_no_heartbeat_is_late() -> None:
    runner = Runner()
    runner.scheduler.add(runner.task("drains", 30))
    runner.scheduler.run()
    assert (30.0, 8) == (runner.clock.now(), runner.beats)  # before two turns, and after six naps
