"""What the local cloud and a worker process say to each other: JSON and a body of raw bytes, by length."""

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

_HEAD = struct.Struct("!II")


def send(connection: socket.socket, message: Mapping[str, Any], body: bytes = b"") -> None:
    """Send one message."""
    encoded = json.dumps(message).encode()
    connection.sendall(_HEAD.pack(len(encoded), len(body)) + encoded + body)


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """The next message and its body; None when the other side is gone."""
    head = _exactly(connection, _HEAD.size)
    if head is None:
        return None
    sizes = _HEAD.unpack(head)
    encoded, body = _exactly(connection, sizes[0]), _exactly(connection, sizes[1])
    return None if encoded is None or body is None else (json.loads(encoded), body)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        try:
            chunk = connection.recv(min(size - len(data), 1 << 20))
        except ConnectionError:
            return None
        if not chunk:
            return None
        data += chunk
    return bytes(data)
