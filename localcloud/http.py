"""What goes over the wire, without a socket: a request, a response, and a connection that is cut instead."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Headers(dict[str, str]):
    """Header fields by lower-case name: HTTP names are case-insensitive (RFC 9110, 5.1)."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        super().__init__({name.lower(): value for name, value in (fields or {}).items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header field, whatever the case of its name."""
        return super().get(name.lower(), default)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: `path` and `query_string` are as sent, still percent-encoded."""

    method: str
    path: str
    query_string: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; Content-Length is left to the server."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> "Response":
        """A JSON response."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, Headers({"Content-Type": "application/json;charset=utf-8"}), body)


class ConnectionCut(Exception):  # noqa: N818 - not an error of the local cloud: it is what was asked for
    """The connection is to be cut without an answer, as the faults `reset` and `drop_response` ask."""
