"""Turns the rows of DescribeHealthStatus, which know listeners but no groups, into verdicts on backends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
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
    backends: Iterable[Key], rows: Iterable[HealthRow], checking: frozenset[Port]
) -> dict[Key, dict[str, Verdict]]:
    """Return what each listener that checks says of each backend, by the listener's name.

    If a listener says nothing of a backend yet, or ``unavailable``, the verdict is pending.
    """
    said: dict[tuple[str, int], list[HealthRow]] = defaultdict(list)
    for row in rows:
        said[row.server_id, row.port].append(row)
    names = {at: at.name for at in checking}
    return {key: _of_backend(key, said.get((key.server_id, key.port), ()), names) for key in backends}


def _of_backend(key: Key, rows: Iterable[HealthRow], checking: Mapping[Port, str]) -> dict[str, Verdict]:
    found = dict.fromkeys(checking.values(), Verdict.PENDING)
    for row in rows:
        if key.server_ip is not None and row.server_ip not in {None, key.server_ip}:
            continue
        for at, name in checking.items():
            if at.port != row.listener_port or row.protocol not in {None, at.protocol}:
                continue
            # A listener may have a row of its own and one for each rule: a single abnormal row decides.
            if row.status == "abnormal":
                found[name] = Verdict.ABNORMAL
            elif row.status == "normal" and found[name] is Verdict.PENDING:
                found[name] = Verdict.NORMAL
    return found
