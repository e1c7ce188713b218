"""HAProxy as the data plane: its process, its runtime API, and what its log says of failures."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections import Counter
from pathlib import Path

from show.traffic.instances import goes_first, tool

#: retries 0, no redispatch: nothing is mended behind the measurement's back. Only failures are logged.
_CONFIG = """
global
  stats socket {folder}/admin.sock mode 600 level admin
  log stdout format raw local0 info
  maxconn 2000
  nbthread 1
defaults
  mode http
  log global
  option httplog
  option dontlog-normal
  retries 0
  no option redispatch
  timeout connect 1s
  timeout client 60s
  timeout server 5s
  timeout queue 1s
frontend web
  bind 127.0.0.1:{port}
  default_backend {backend}
backend {backend}
  balance roundrobin
  option httpchk GET /health
  http-check expect status 200
"""

#: ... backend/server times status bytes - - STATE ... (HAProxy manual, 8.2.3 "HTTP log format").
_LINE = re.compile(r"\S+ [^ /]+/(?P<server>\S+) [-+\d/]+ (?P<status>-?\d+) [-+\d]+ \S+ \S+ (?P<state>\S{4}) ")

#: The first letter says who ended the session, the second in which phase (8.5 "Session state").
_CAUSES = {
    "SC": "no connection to the server",
    "sC": "connecting to the server took too long",
    "SH": "the server closed before it answered",
    "sH": "the server took too long to answer",
    "SD": "the server closed while it answered",
    "SQ": "no server was left to take it",
    "sQ": "waited too long for a server",
    "CD": "the sender went away",
    "CH": "the sender went away",
    "--": "the server answered with an error",
}


def cause(line: str) -> str | None:
    """Why a request failed, in words, by a line of HAProxy's log; None if the line is about none."""
    match = _LINE.search(line)
    if match is None:
        return None
    if match["server"] == "<NOSRV>":
        return "no server was in service"
    return _CAUSES.get(match["state"][:2], f"state {match['state']}")


class HAProxy:
    """A running HAProxy with one backend and no server yet; `close` ends it."""

    def __init__(self, folder: Path, port: int, backend: str) -> None:
        self.port, self.backend = port, backend
        self._log = folder / "haproxy.log"
        self._socket = str(folder / "admin.sock")
        self._lock = threading.Lock()
        config = folder / "haproxy.cfg"
        config.write_text(_CONFIG.format(folder=folder, port=port, backend=backend))
        with self._log.open("wb") as log:  # a file loses no line; a datagram socket does
            self._process = subprocess.Popen(
                [tool("haproxy") or "haproxy", "-db", "-f", str(config)],
                stdout=log,
                stderr=subprocess.DEVNULL,
            )
        goes_first(self._process.pid)
        for _ in range(200):
            if Path(self._socket).exists():
                break
            if self._process.poll() is not None:
                raise RuntimeError("haproxy did not start")
            threading.Event().wait(0.01)

    def run(self, *commands: str) -> str:
        """Run commands of the runtime API in one batch, and return what they answered."""
        answer = b""
        with self._lock, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as admin:
            admin.settimeout(10)
            admin.connect(self._socket)
            admin.sendall((";".join(commands) + "\n").encode())
            while part := admin.recv(1 << 16):
                answer += part
        return answer.decode()

    def health(self) -> dict[str, str]:
        """Of each server normal, abnormal, or unavailable while its first check has not ended."""
        found: dict[str, str] = {}
        for line in self.run("show stat").splitlines():
            cells = line.split(",")
            if len(cells) < 37 or cells[0] != self.backend or cells[1] == "BACKEND":
                continue
            up, check = cells[17].startswith("UP"), cells[36].removeprefix("* ")
            found[cells[1]] = "normal" if up else "unavailable" if check in {"", "INI", "UNK"} else "abnormal"
        return found

    def close(self) -> None:
        """End the process, and read what it logged to the end."""
        self._process.terminate()
        self._process.wait(10)

    def causes(self) -> Counter[str]:
        """How many requests failed so far, by cause."""
        with self._log.open(encoding="utf-8", errors="replace") as lines:
            return Counter(why for line in lines if (why := cause(line)) is not None)
