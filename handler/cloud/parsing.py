"""Reads answers in all their shapes: today's, and those in older samples of the documents.

A number may be a string, a list of one item may be that item, an answer may be in an envelope named after its
action. Anything else is malformed, and never taken for an empty list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

import msgspec

from handler.core.model.addresses import spelt_alike
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.values import Backend, BackendType, Group, Key, type_of

_TYPES: Final = frozenset({"ecs", "eni", "eci"})

_Row = Mapping[str, Any]


class Malformed(Exception):  # noqa: N818 - an adjective says it
    """An answer that cannot be read; the message names the field."""


@contextmanager
def reading(action: str) -> Iterator[None]:
    """Turn Malformed into CallFailed: such a read may pass, and nothing follows from its answer."""
    try:
        yield
    except Malformed as why:
        raise CallFailed(Answer(Result.UNKNOWN, "MalformedAnswer", str(why), action=action)) from None


def parsed(raw: bytes) -> Any:
    """Return the value of an answer, None if it is not JSON.

    msgspec is faster; json takes what it refuses: a character cut in half, NaN.
    """
    for parse in (msgspec.json.decode, json.loads):
        try:
            return parse(raw)
        except ValueError:
            continue
    return None


def opened(action: str, answer: _Row) -> _Row:
    """Take an answer out of the envelope in older samples of the documents."""
    inner = answer.get(f"{action}Response")
    return inner if isinstance(inner, dict) else answer


def rows(answer: _Row, *path: str) -> list[_Row]:
    """Return the objects in a list, which may be absent or empty. Raises Malformed."""
    found: Any = answer
    for name in path:
        if isinstance(found, list):
            break  # some samples leave the inner name out
        if not isinstance(found, dict):
            raise Malformed(f"{name} is in something other than an object")
        if found and name not in found and name == path[-1] != path[0]:
            break  # and with it the list, if there is one object
        found = found.get(name)
        if found is None or found == "":
            return []
    listed = found if isinstance(found, list) else [] if found == {} else [found]
    if not all(isinstance(row, dict) for row in listed):
        raise Malformed(f"{path[-1]} holds something other than objects")
    return listed


def texts(answer: _Row, outer: str, inner: str) -> list[str]:
    """Return the strings in a list, which has the same shapes. Raises Malformed."""
    found = answer.get(outer)
    if isinstance(found, dict):
        found = found.get(inner)
    listed = found if isinstance(found, list) else [found] if found else []
    if not all(isinstance(item, str) for item in listed):
        raise Malformed(f"{inner} holds something other than strings")
    return listed


def number(row: _Row, name: str, low: int, high: int, default: int | None = None) -> int:
    """Return an integer from ``low`` to ``high``, which may be a string. Raises Malformed."""
    value = row.get(name, default)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not int or not low <= value <= high:  # a bool is not a number
        raise Malformed(f"{name} should be a number from {low} to {high}")
    return value


def text(row: _Row, name: str) -> str:
    """Return a required string. Raises Malformed."""
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
    """Return the addresses that an answer spells differently from us: our spelling to its own.

    No document says that the API takes any spelling but its own.
    """
    listed = (row.get("ServerIp") for row in rows(answer, "BackendServers", "BackendServer"))
    return {ours: its for its in listed if isinstance(its, str) and (ours := spelt_alike(its)) != its}


def group(answer: _Row, vserver_group_id: str) -> Group:
    """Return the group in an answer of DescribeVServerGroupAttribute. Raises Malformed.

    The answer must have the id that was asked for: cut short, it must not pass for an empty group.
    """
    if text(answer, "VServerGroupId") != vserver_group_id:
        raise Malformed("VServerGroupId is another one")
    return Group(vserver_group_id, text(answer, "LoadBalancerId"), backends(answer))


def _backend(row: _Row) -> Backend:
    server_id = text(row, "ServerId")
    type_ = str(row.get("Type") or type_of(server_id)).lower()
    if type_ not in _TYPES:
        raise Malformed("Type should be ecs, eni or eci")
    # Instances may be listed with an address too, but only id and port identify them.
    server_ip = None if type_ == "ecs" or not row.get("ServerIp") else spelt_alike(str(row["ServerIp"]))
    return Backend(
        key=Key(server_id, number(row, "Port", 1, 65535), server_ip),
        weight=number(row, "Weight", 0, 100, default=100),
        type=cast("BackendType", type_),
        description=str(row.get("Description") or ""),
    )
