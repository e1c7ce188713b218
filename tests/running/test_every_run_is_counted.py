"""No run of any test makes more writes than a small multiple of the backends that it names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.level_c import ROOT

A_RUN = """
from handler.core.model.answers import Answer, Result
from handler.core.model.steps import Remove
from handler.core.model.values import Backend, Group, Intent, Key
from handler.running import loop
from handler.running.ports import Means
from tests.support import written
from tests.support.level_a import FakeClock

BACKEND = Backend(Key("i-1", 80), 100)
MOST = written.EACH + written.BESIDE


class Slb:
    def __init__(self, result):
        self.result = result

    def do(self, group, step):
        return Answer(self.result)


def written_again(times, result=Result.PERMANENT):
    def run(target, intent, means):
        slb = means.slb(means.reader())
        for _ in range(times):
            slb.do(Group("rsp-web", "lb-web", {}), Remove((BACKEND,)))
        yield 0.0

    means = Means(lambda _: Slb(result), None, None, FakeClock(), 2000.0, print)
    list(written.counted(run)(None, Intent("web", "deployment"), means))


def test_runs_of_the_session_are_counted():
    assert loop.run.__wrapped__


def test_as_many_as_may_be():
    written_again(MOST)


def test_more_than_may_be():
    written_again(MOST + 1)


def test_busy_does_not_count():
    written_again(3 * MOST, Result.BUSY)


def test_the_next_begins_anew():
    written_again(1)
"""


def test_a_run_that_goes_on_and_on_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "test_inside.py").write_text(A_RUN)
    told = _pytest(tmp_path)
    assert "test_more_than_may_be" in told
    assert "17 writes of a run that names 1 backends" in told
    assert "1 failed, 4 passed" in told


def _pytest(folder: Path) -> str:
    options = ["-p", "tests.support.written", "-p", "no:randomly", "-p", "no:cacheprovider", "--rootdir"]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(folder), str(folder / "test_inside.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr
