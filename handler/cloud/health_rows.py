"""Turns the rows of DescribeHealthStatus, which know listeners but no groups, into verdicts on backends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from handler.cloud import parsing
from handler.core.model.addresses import spelt_alike
from handler.core.model.values import Key, Verdict


class Port(NamedTuple):
    """A listener of a load balancer. TCP and UDP may share a port number."""

    port: int
    protocol: str

    @property
    def name(self) -> str:
        """Return the core's name for it: ``https:443``."""
        return f"{self.protocol}:{self.port}"


class HealthRow(NamedTuple):
    """What one listener says of one backend; the API may leave ``protocol`` and ``server_ip`` out."""

    listener_port: int
    protocol: str | None
    server_id: str
    port: int
    server_ip: str | None
    status: str  #: normal, abnormal or unavailable


def read(answer: Mapping[str, Any]) -> list[HealthRow]:
    """Return the rows of an answer. Raises parsing.Malformed."""
    return [
        HealthRow(
            listener_port=parsing.number(row, "ListenerPort", 1, 65535),
            protocol=str(row["Protocol"]).lower() if row.get("Protocol") else None,
            server_id=parsing.text(row, "ServerId"),
            port=parsing.number(row, "Port", 1, 65535),
            server_ip=spelt_alike(str(row["ServerIp"])) if row.get("ServerIp") else None,
            status=parsing.text(row, "ServerHealthStatus").lower(),
        )
        for row in parsing.rows(answer, "BackendServers", "BackendServer")
    ]


def verdicts(
    backends: Iterable[Key],
    rows: Iterable[HealthRow],
    checking: frozenset[Port],
    partly: frozenset[Port] = frozenset(),
) -> dict[Key, dict[str, Verdict]]:
    """Return what each listener that checks says of each backend, by the listener's name.

    If a listener says nothing of a backend yet, or ``unavailable``, the verdict is pending. Those that check
    ``partly`` also have rows that stay ``unavailable``.
    """
    said: dict[tuple[str, int], list[HealthRow]] = defaultdict(list)
    for row in rows:
        said[row.server_id, row.port].append(row)
    names = {at: at.name for at in checking}
    ignored = {at.name for at in partly}
    return {
        key: _of_backend(key, said.get((key.server_id, key.port), ()), names, ignored) for key in backends
    }


def _of_backend(
    key: Key, rows: Iterable[HealthRow], checking: Mapping[Port, str], partly: Collection[str]
) -> dict[str, Verdict]:
    said: dict[str, set[str]] = {name: set() for name in checking.values()}
    for row in rows:
        if key.server_ip is not None and row.server_ip not in {None, key.server_ip}:
            continue
        for at, name in checking.items():
            if at.port == row.listener_port and row.protocol in {None, at.protocol}:
                said[name].add(row.status)
    for name in said.keys() & partly:
        said[name].discard("unavailable")
    return {name: _together(statuses) for name, statuses in said.items()}


def _together(statuses: set[str]) -> Verdict:
    """Return what the rows of a listener say together: its own, and those of its rules and other groups.

    Nothing tells which row is whose: all must be normal for a server to be proven, and none for it to be out
    of service.
    """
    if "normal" in statuses:
        return Verdict.NORMAL if statuses == {"normal"} else Verdict.MIXED
    return Verdict.ABNORMAL if "abnormal" in statuses else Verdict.PENDING
