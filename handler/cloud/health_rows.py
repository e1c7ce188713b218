"""From the rows of DescribeHealthStatus, which know listeners but no groups, to a verdict on each backend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from handler.cloud import parsing
from handler.core.model.values import Key, Verdict


class Port(NamedTuple):
    """A listener of a load balancer: TCP and UDP may share a number."""

    port: int
    protocol: str


class HealthRow(NamedTuple):
    """What one listener says of one backend; ``protocol`` and ``server_ip`` may be left out by the API."""

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
            server_ip=row.get("ServerIp") or None,
            status=parsing.text(row, "ServerHealthStatus").lower(),
        )
        for row in parsing.rows(answer, "BackendServers", "BackendServer")
    ]


def verdicts(
    backends: Iterable[Key], rows: Iterable[HealthRow], checking: frozenset[Port]
) -> dict[Key, Verdict]:
    """Return the verdict on each backend, over the listeners that use its group and check health.

    None of them: unchecked. Abnormal for any of them: abnormal. Normal for every one: normal. Else pending,
    which also is what a listener that says nothing yet, or ``unavailable``, makes of it.
    """
    if not checking:
        return dict.fromkeys(backends, Verdict.UNCHECKED)
    said: dict[tuple[str, int], list[HealthRow]] = defaultdict(list)
    for row in rows:
        said[row.server_id, row.port].append(row)
    return {key: _verdict(key, said.get((key.server_id, key.port), ()), checking) for key in backends}


def _verdict(key: Key, rows: Iterable[HealthRow], checking: frozenset[Port]) -> Verdict:
    normal: set[Port] = set()
    for row in rows:
        if key.server_ip is not None and row.server_ip not in {None, key.server_ip}:
            continue
        listeners = {
            at for at in checking if at.port == row.listener_port and row.protocol in {None, at.protocol}
        }
        if listeners and row.status == "abnormal":
            return Verdict.ABNORMAL
        if row.status == "normal":
            normal |= listeners
    return Verdict.NORMAL if normal == checking else Verdict.PENDING
