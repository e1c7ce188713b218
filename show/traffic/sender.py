"""The sender: h2load as an open loop, so that requests come whether or not answers do."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from show.traffic.instances import goes_first

CONNECTIONS = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """A request: when it was sent, in seconds since the epoch, its status, and how long it took, in ms."""

    at: float
    status: int
    ms: float

    @property
    def failed(self) -> bool:
        """Whether it got anything but a 2xx answer."""
        return not 200 <= self.status < 300


class Sender:
    """Sends `rate` requests a second to a URL until `stop`, or for `limit_s`."""

    def __init__(self, url: str, rate: int, log: Path, limit_s: int = 3600) -> None:
        self._log = log
        per_connection = max(1, round(rate / CONNECTIONS))
        self._process = subprocess.Popen(
            ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"--rps={per_connection}", f"-D{limit_s}",
             f"--log-file={log}", url],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        goes_first(self._process.pid)

    def sent(self) -> int:
        """How many requests have been answered or have failed so far."""
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    def stop(self) -> list[Sample]:
        """End it; what became of each request, in the order in which they ended."""
        self._process.terminate()
        self._process.wait(30)
        lines = self._log.read_text().splitlines()
        cells = [line.split("\t") for line in lines]
        return [Sample(int(a) / 1e6, int(b), int(c) / 1e3) for a, b, c in cells]


def wait_for(sender: Sender, requests: int, timeout_s: float) -> None:
    """Wait until so many requests were sent."""
    end = time.monotonic() + timeout_s
    while sender.sent() < requests and time.monotonic() < end:
        time.sleep(0.2)
