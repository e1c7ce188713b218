"""Lists of backends as requests carry them, and what is wrong with an entry whatever the state is."""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.rpc.errors import ApiError
from localcloud.state.readings import Readings
from localcloud.state.world import Backend, Key

DOCUMENTED_LIMIT = 20  # "Up to 20 backend servers" (ModifyVServerGroupBackendServers and its like)
BAD_PORT = "The specified BackendServers is invalid, as the Port value should be in [1, 65535]."


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a request's list; what is None was not given."""

    server_id: str
    port: int
    weight: int | None = None
    type: str = "ecs"
    server_ip: str | None = None
    description: str | None = None
    key: Key = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "key", (self.server_id, self.port, None if self.type == "ecs" else self.server_ip)
        )


Entries = Sequence[Entry | Backend]


def backend_of(entry: Entry | Backend) -> Backend:
    """The backend that an entry asks for; weight 100 if none is given (same page)."""
    if isinstance(entry, Backend):
        return entry
    weight = 100 if entry.weight is None else entry.weight
    return Backend(entry.server_id, entry.port, weight, entry.type, entry.server_ip, entry.description or "")


def check(entries: Entries, readings: Readings) -> None:
    """Refuse what no state could accept. Reading `max_per_call`: whether 20 or 40 entries are too many."""
    if len(entries) > DOCUMENTED_LIMIT and len(entries) > (limit := int(readings["max_per_call"])):
        message = f"The total number of input real servers exceeds max supported number: {limit}"
        raise ApiError("TooManyBackendServers", message)
    for entry in entries:
        if not entry.server_id:
            raise ApiError("InvalidParameter", "The VmName is emtpy.", 400)
        if not 1 <= entry.port <= 65535:
            raise ApiError("InvalidParameter", BAD_PORT, 400)
        if entry.weight is not None and not 0 <= entry.weight <= 100:
            raise ApiError("InvalidWeight.Malformed")
        if entry.type not in {"ecs", "eni", "eci"}:
            raise ApiError("BackendServer.InvalidType")
        if entry.type != "ecs" and not entry.server_ip:
            raise ApiError("InvalidParameter", status=400)
        if entry.description and len(entry.description) > 80:
            raise ApiError("InvalidParameterLength")


def parse(text: str | None) -> list[Entry]:
    """The entries of a list parameter.

    Callers in production send lower-camel keys, numbers as numbers or strings, keys nobody knows
    (cloud-provider-alibaba-cloud) and single-quoted pseudo JSON (terraform-provider-alicloud): all are taken.
    """
    if not text:
        return []
    value = _decode(text)
    if not isinstance(value, list):
        raise ApiError("BackendServersMalformed")
    return [_entry(item) for item in value]


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise ApiError("BackendServersMalformed") from None


def _entry(item: Any) -> Entry:
    if not isinstance(item, Mapping):
        raise ApiError("BackendServersMalformed")
    fields = {str(name).lower(): value for name, value in item.items()}
    port, weight = _integer(fields.get("port")), fields.get("weight")
    if port is None:
        raise ApiError("InvalidParameter", BAD_PORT, 400)
    given = _integer(weight)
    if given is None and weight not in {None, ""}:
        raise ApiError("InvalidWeight.Malformed")
    return Entry(
        server_id=_text(fields.get("serverid")) or "",
        port=port,
        weight=given,
        type=_text(fields.get("type")) or "ecs",
        server_ip=_text(fields.get("serverip")),
        description=_text(fields.get("description")),
    )


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().lstrip("-").isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ApiError("BackendServersMalformed")
    return value
