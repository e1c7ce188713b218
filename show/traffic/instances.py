"""Instances: real HTTP servers, each with an address of its own on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PORT = 8080

_CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log /dev/null crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen {address}:{port};
    location = /health {{ return {health}; }}
    location / {{ return {status} "{name}\\n"; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Build:
    """How a new instance behaves: seconds until it answers, and whether it ever becomes healthy."""

    boot_s: float = 0.0
    bad: bool = False


class Fleet:
    """One nginx for each instance that runs; `keep` starts and ends them as instances come and go."""

    def __init__(self, folder: Path, build_of: Callable[[str], Build]) -> None:
        self._folder, self._build_of = folder, build_of
        self._network = 1 + os.getpid() % 199
        self._lock = threading.Lock()
        self._addresses: dict[str, str] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._wanted: set[str] = set()

    def address(self, instance_id: str) -> str:
        """The address of an instance, whether it runs or not: 127.N.x.y."""
        with self._lock:
            if instance_id not in self._addresses:
                number = len(self._addresses) + 1
                self._addresses[instance_id] = f"127.{self._network}.{number // 250}.{number % 250 + 1}"
            return self._addresses[instance_id]

    def keep(self, running: Iterable[str]) -> None:
        """Let exactly these run: the others die at once, as an instance does that is reclaimed."""
        wanted = set(running)
        with self._lock:
            gone, new, self._wanted = self._wanted - wanted, wanted - self._wanted, wanted
        for instance_id in gone:
            if (process := self._processes.pop(instance_id, None)) is not None:
                process.kill()
                process.wait()
        for instance_id in new:
            boot_s = self._build_of(instance_id).boot_s
            if boot_s:
                timer = threading.Timer(boot_s, self._start, (instance_id,))
                timer.daemon = True
                timer.start()
            else:
                self._start(instance_id)

    def close(self) -> None:
        """End them all."""
        self.keep(())

    def _start(self, instance_id: str) -> None:
        bad, address = self._build_of(instance_id).bad, self.address(instance_id)
        folder = self._folder / instance_id
        folder.mkdir(exist_ok=True)
        config = folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                folder=folder, address=address, port=PORT, name=instance_id,
                health=503 if bad else 200, status=500 if bad else 200,
            )
        )  # fmt: skip
        with self._lock:
            if instance_id not in self._wanted:
                return
            process = subprocess.Popen(
                [tool("nginx") or "nginx", "-p", str(folder), "-c", str(config)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._processes[instance_id] = process
        goes_first(process.pid)


def tool(name: str) -> str | None:
    """Where a program is; Debian keeps servers where only root looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def goes_first(pid: int) -> None:
    """Let a process that carries requests go before those that replace servers, where that is allowed."""
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, -10)
