"""Starts the processes that functions run in: fresh interpreters, or forks of a warm one (a zygote)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parent.parent.parent)
_BOOT = (
    f"import sys; sys.path[0:1] = [{_ROOT!r}, sys.argv[1]]; from localcloud.fc import worker; "
    "del sys.path[0]; worker.main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == 'zygote')"
)
_LINE_LIMIT = 32 * 1024  # Function Compute, "Limits": a longer line of a log is cut


class Process:
    """A running worker: the socket to it, and a thread that reads what it prints."""

    def __init__(
        self,
        pid: int,
        control: socket.socket,
        output: int,
        on_line: Callable[[str], None],
        popen: "subprocess.Popen[bytes] | None" = None,
    ) -> None:
        self.control = control
        self._pid = pid
        self._popen = popen
        self._ended = threading.Condition()
        self._last_end = ""
        self._gone = False
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()

    def signal(self, number: int) -> None:
        """Send a signal; a process that has ended is no error."""
        with self._ended:
            if not self._gone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, number)

    def wait_printed(self, line: str, timeout: float) -> None:
        """Wait until what was printed has been read, up to a line that the runtime prints at an end."""
        with self._ended:
            self._ended.wait_for(lambda: self._gone or self._last_end == line, timeout)

    def wait_gone(self, timeout: float) -> None:
        """Wait until the process has ended and all it printed has been read."""
        with self._ended:
            self._ended.wait_for(lambda: self._gone, timeout)

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        with self._ended:
            return self._gone

    def close(self) -> None:
        """End the process, at once, and wait for it."""
        self.signal(signal.SIGKILL)
        self.control.close()
        self._reader.join(timeout=5)

    def _read(self, output: int) -> None:
        with open(output, "rb") as lines:
            for raw in lines:
                line = raw[:_LINE_LIMIT].decode("utf-8", "replace").rstrip("\n")
                self._on_line(line)
                if line.startswith(("FC Invoke End RequestId: ", "FC Initialize End RequestId: ")):
                    with self._ended:
                        self._last_end = line.partition(",")[0]
                        self._ended.notify_all()
        with self._ended:
            self._gone = True
            self._ended.notify_all()
        if self._popen is not None:
            self._popen.wait()


class Launcher:
    """Starts workers of one function. `preload`: fork them from a zygote that has these handlers imported.

    `python`: another interpreter than this one, with its options.
    """

    def __init__(
        self,
        code_root: Path,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        preload: Sequence[str] = (),
        python: Sequence[str] = (),
    ) -> None:
        self._code_root = code_root
        self._environment = dict(environment)
        self._on_line = on_line
        self._preload = preload
        self._python = tuple(python) or (sys.executable,)
        self._lock = threading.Lock()
        self._lifeline, self._hold = os.pipe()
        self._zygote: Process | None = None
        self._closed = False

    def start(self, instance_id: str) -> Process:
        """A new worker."""
        if not self._preload:
            return self._spawn("worker", {**self._environment, "FC_INSTANCE_ID": instance_id})
        with self._lock:
            if self._zygote is None:
                self._zygote = self._spawn_zygote()
            try:
                return self._fork(self._zygote, instance_id)
            except OSError:  # the zygote is gone: a new one, once
                self._zygote.close()
                self._zygote = self._spawn_zygote()
                return self._fork(self._zygote, instance_id)

    def close(self) -> None:
        """End the zygote; workers end with the lifeline."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        os.close(self._hold)
        os.close(self._lifeline)
        if self._zygote is not None:
            self._zygote.close()

    def _spawn_zygote(self) -> Process:
        preload = {"LOCALCLOUD_PRELOAD": json.dumps(list(self._preload))}
        return self._spawn("zygote", {**self._environment, **preload})

    def _spawn(self, role: str, environment: Mapping[str, str]) -> Process:
        ours, theirs = socket.socketpair()
        output, printed = os.pipe()
        try:
            popen = subprocess.Popen(
                [
                    *self._python,
                    *("-c", _BOOT, str(self._code_root), str(theirs.fileno()), str(self._lifeline), role),
                ],
                cwd=self._code_root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=(theirs.fileno(), self._lifeline),
                start_new_session=True,  # an interrupt at the keyboard is for the local cloud
            )
        finally:
            theirs.close()
            os.close(printed)
        return Process(popen.pid, ours, output, self._on_line, popen)

    def _fork(self, zygote: Process, instance_id: str) -> Process:
        ours, theirs = socket.socketpair()
        output, printed = os.pipe()
        try:
            socket.send_fds(zygote.control, [instance_id.encode()], [theirs.fileno(), printed])
            answer = zygote.control.recv(8)
            if len(answer) < 8:
                raise ConnectionError("the zygote is gone")
        except OSError:
            ours.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            os.close(printed)
        return Process(int.from_bytes(answer, "big"), ours, output, self._on_line)
