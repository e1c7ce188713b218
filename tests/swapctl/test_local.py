"""``slb-swap local`` leaves nothing behind that a script would take for a running cloud."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from show.signing import SECRET
from tests.support.level_c import ROOT
from tests.swapctl.conftest import Command


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A local cloud that has written its variables."""
    file = tmp_path / "local.env"
    command = [sys.executable, "-m", "swapctl", "local", "--env", str(file)]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not file.exists() and started.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    yield started, file
    started.kill()
    started.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_its_variables_go_with_it(started: tuple[subprocess.Popen[bytes], Path], number: int) -> None:
    local, file = started
    if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("run by nohup")
    assert "SWAP_ENDPOINT" in file.read_text()
    os.kill(local.pid, number)
    assert (0, False) == (local.wait(timeout=30), file.exists())


def test_the_variables_of_another_one_stay(started: tuple[subprocess.Popen[bytes], Path]) -> None:
    local, file = started
    file.write_text("export SWAP_ENDPOINT=http://127.0.0.1:1\n")
    local.terminate()
    assert (0, True) == (local.wait(timeout=30), file.exists())


def _greeting(*options: str, **env: str) -> str:
    """Return what a local cloud prints until it says how to end it."""
    command = [sys.executable, "-m", "swapctl", "local", *options]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        said = ""
        for line in started.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        started.terminate()
    return said


def test_what_is_to_be_copied_is_whole_where_its_variables_are_set_already() -> None:
    said = _greeting(SWAP_WEBHOOK_SECRETS=SECRET)
    assert f"export SWAP_WEBHOOK_SECRETS={SECRET}\n" in said
    assert "***" not in said
    assert "state     events/state.json" in said


def test_a_group_of_so_many_is_not_called_that_of_events() -> None:
    said = _greeting("--servers", "5")
    assert "state     5 servers, settings [" in said
    assert "events/state.json" not in said


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_group_has_a_server_at_least(command: Command, number: str) -> None:
    ended = command("local", "--servers", number)
    assert (64, True) == (ended.code, f"--servers: expected 1 or more, got {number}" in ended.err)
