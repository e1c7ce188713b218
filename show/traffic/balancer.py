"""The local cloud's VServer group as a HAProxy backend: weights and members go there, health comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from localcloud.serving import LocalCloud
from localcloud.state.world import Backend, Instant, Key
from show.traffic.haproxy import HAProxy

_CHECK = "check inter 100 fastinter 50 downinter 50 rise 1 fall 2 pool-max-conn -1 pool-purge-delay 5s"


class Balancer:
    """Applies each instant of a group's history as it is made, and tells the cloud what the checks find.

    A new server takes no request before its first check has passed. One that is removed finishes the requests
    that it has, and takes no more.
    """

    def __init__(
        self, cloud: LocalCloud, group_id: str, proxy: HAProxy, address: Callable[[Backend], str]
    ) -> None:
        self._cloud, self._group_id, self._proxy, self._address = cloud, group_id, proxy, address
        self._lock = threading.Lock()
        self._names: dict[Key, str] = {}
        self._weights: dict[Key, int] = {}
        self._leaving: list[str] = []
        self._added = 0
        self.lines: list[dict[str, Any]] = []
        with cloud.gateway.lock:
            self._put(cloud.cloud.world.groups[group_id].backends)
            cloud.cloud.watch(self._instant)

    def tick(self) -> None:
        """Tell the cloud of the servers' health, and delete servers that have nothing left to do."""
        health = self._proxy.health()
        with self._lock:
            names = {key[0]: name for key, name in self._names.items()}
        with self._cloud.gateway.lock:
            world = self._cloud.cloud.world
            for server_id, name in names.items():
                instance = world.instances.get(server_id)
                if instance is not None and name in health and health[name] != instance.health:
                    world.set_instance(replace(instance, health=health[name]))
        with self._lock:
            for name in list(self._leaving):
                if "Server deleted" in self._proxy.run(f"del server {self._proxy.backend}/{name}"):
                    self._leaving.remove(name)

    def _instant(self, instant: Instant) -> None:
        if instant.group_id == self._group_id:
            self.lines.append(_line(instant))
            self._put(instant.backends)

    def _put(self, backends: tuple[Backend, ...]) -> None:
        with self._lock:
            wanted = {backend.key: backend for backend in backends}
            commands: list[str] = []
            for key in [key for key in self._names if key not in wanted]:
                name = self._names.pop(key)
                del self._weights[key]
                self._leaving.append(name)
                commands.append(f"set server {self._proxy.backend}/{name} state maint")
            for key, backend in wanted.items():
                if key not in self._names:
                    commands += self._add(key, backend)
                elif self._weights[key] != backend.weight:
                    at = f"{self._proxy.backend}/{self._names[key]}"
                    commands.append(f"set server {at} weight {backend.weight}")
                self._weights[key] = backend.weight
            for start in range(0, len(commands), 60):  # a batch is below 16 kB
                self._proxy.run(*commands[start : start + 60])

    def _add(self, key: Key, backend: Backend) -> list[str]:
        """A fresh name each time: one that left may still finish its requests under the old one."""
        self._added += 1
        self._names[key] = name = f"{backend.server_id}.{self._added}"
        at = f"{self._proxy.backend}/{name}"
        return [
            f"add server {at} {self._address(backend)} {_CHECK}",
            f"set server {at} weight 0",
            f"set server {at} state ready",
            f"enable health {at}",
            f"set server {at} health down",
            f"set server {at} weight {backend.weight}",
        ]


def _line(instant: Instant) -> dict[str, Any]:
    """The instant as a line of a log, for the picture."""
    instances = instant.instances
    return {
        "event": "cloud.group",
        "time": datetime.now(timezone.utc).isoformat(),
        "backends": [
            {
                "server_id": b.server_id,
                "port": b.port,
                "weight": b.weight,
                "health": instances[b.server_id].health if b.server_id in instances else "abnormal",
            }
            for b in instant.backends
        ],
    }
