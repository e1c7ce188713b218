"""The shapes that answers come in: today's, and those of the older documents' samples.

Numbers may be strings, a list of one may be the one, an answer may stand in an envelope named after its
action. What is none of these is malformed, and never taken for an empty list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from handler.core.model.addresses import spelt_alike
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.values import Backend, BackendType, Group, Key, type_of

_TYPES: Final = frozenset({"ecs", "eni", "eci"})

_Row = Mapping[str, Any]


class Malformed(Exception):  # noqa: N818 - an adjective says it
    """An answer that cannot be read; the message names the field."""


def unreadable(action: str, why: Malformed) -> CallFailed:
    """Return what a read with a malformed answer raises: it may pass, and nothing follows from it."""
    return CallFailed(Answer(Result.UNKNOWN, "MalformedAnswer", f"{action}: {why}"))


def parsed(raw: bytes) -> Any:
    """Return what an answer says, None if it is no JSON.

    What msgspec, which is the faster, does not take is left to json: a character that was cut in half, NaN.
    """
    for parse in (msgspec.json.decode, json.loads):
        try:
            return parse(raw)
        except ValueError:
            continue
    return None


def opened(action: str, answer: _Row) -> _Row:
    """Take an answer out of the envelope that the documents' older samples show."""
    inner = answer.get(f"{action}Response")
    return inner if isinstance(inner, dict) else answer


def rows(answer: _Row, *path: str) -> list[_Row]:
    """Return the objects in a list; absent or empty is none. Raises Malformed."""
    found: Any = answer
    for name in path:
        if isinstance(found, list):
            break  # the inner name is left out in some samples
        if not isinstance(found, dict):
            raise Malformed(f"{name} stands in something else than an object")
        if found and name not in found and name == path[-1] != path[0]:
            break  # and with it the list around a single object
        found = found.get(name)
        if found is None or found == "":
            return []
    listed = found if isinstance(found, list) else [] if found == {} else [found]
    if not all(isinstance(row, dict) for row in listed):
        raise Malformed(f"{path[-1]} holds something else than objects")
    return listed


def texts(answer: _Row, outer: str, inner: str) -> list[str]:
    """Return the strings in a list, in the same shapes. Raises Malformed."""
    found = answer.get(outer)
    if isinstance(found, dict):
        found = found.get(inner)
    listed = found if isinstance(found, list) else [found] if found else []
    if not all(isinstance(item, str) for item in listed):
        raise Malformed(f"{inner} holds something else than strings")
    return listed


def number(row: _Row, name: str, low: int, high: int, default: int | None = None) -> int:
    """Return an integer, or a string of one, from ``low`` to ``high``. Raises Malformed."""
    value = row.get(name, default)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not int or not low <= value <= high:  # True is no number
        raise Malformed(f"{name} should be a number from {low} to {high}")
    return value


def text(row: _Row, name: str) -> str:
    """Return a string that must be there. Raises Malformed."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} should be a string")
    return value


def backends(answer: _Row) -> dict[Key, Backend]:
    """Return the backends that an answer lists, in its order. Raises Malformed."""
    found: dict[Key, Backend] = {}
    for row in rows(answer, "BackendServers", "BackendServer"):
        backend = _backend(row)
        if backend.key in found:
            raise Malformed("BackendServer holds one twice")
        found[backend.key] = backend
    return found


def spellings(answer: _Row) -> dict[str, str]:
    """Return the addresses that an answer spells otherwise than we do: ours, and its own.

    No document says that the API takes another spelling than its own for the same address.
    """
    listed = (row.get("ServerIp") for row in rows(answer, "BackendServers", "BackendServer"))
    return {ours: its for its in listed if isinstance(its, str) and (ours := spelt_alike(its)) != its}


def group(answer: _Row, vserver_group_id: str) -> Group:
    """Return the group that DescribeVServerGroupAttribute answers with. Raises Malformed.

    Its id must be there and be the one asked for: an answer cut short must not pass for an empty group.
    """
    if text(answer, "VServerGroupId") != vserver_group_id:
        raise Malformed("VServerGroupId is another one")
    return Group(vserver_group_id, text(answer, "LoadBalancerId"), backends(answer))


def _backend(row: _Row) -> Backend:
    server_id = text(row, "ServerId")
    type_ = str(row.get("Type") or type_of(server_id)).lower()
    if type_ not in _TYPES:
        raise Malformed("Type should be ecs, eni or eci")
    # Instances may be listed with an address too; what tells them apart is their id and port alone.
    server_ip = None if type_ == "ecs" or not row.get("ServerIp") else spelt_alike(str(row["ServerIp"]))
    return Backend(
        key=Key(server_id, number(row, "Port", 1, 65535), server_ip),
        weight=number(row, "Weight", 0, 100, default=100),
        type=cast("BackendType", type_),
        description=str(row.get("Description") or ""),
    )
