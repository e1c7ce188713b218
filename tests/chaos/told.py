"""How the local cloud tells of a backend and of a moment."""

from __future__ import annotations

from typing import Any

Instant = dict[str, Any]


def bare(backend: dict[str, Any]) -> dict[str, Any]:
    """Return what somebody wrote of a backend: without its health."""
    names = ("server_id", "port", "weight", "type", "server_ip", "description")
    return {name: backend[name] for name in names}
