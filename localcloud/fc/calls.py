"""An invocation of a function: where it runs, what it is given, and what it ended with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.rpc.credentials import Registry


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation ended with. `error`: FC's type of error; then `body` is FC's payload."""

    body: bytes
    error: str | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation: an event's bytes, or an HTTP request (`http`) and its body."""

    request_id: str
    body: bytes
    http: Mapping[str, Any] | None = None
    retry_count: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where functions run: what their contexts say of it, and who gives them keys."""

    region_id: str
    account_id: str
    identities: Registry
