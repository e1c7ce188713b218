"""A server on loopback that answers as it is told, and a client that needs no server."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from handler.cloud import endpoints
from handler.cloud.client import Client
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoints
from handler.core.model.answers import Answer, CallFailed, Result

KEYS = Credentials("LTAIkey0", "secret0/+", "token0/+==")


@dataclass
class Seen:
    """A request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def params(self) -> dict[str, str]:
        return {**self.query, **self.form}


@dataclass
class Reply:
    """What to answer: a body, or the end of the connection (``None``), or nothing for a while (``hold``)."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: bool = False

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def error(code: str, message: str = "", status: int = 400) -> Reply:
    return Reply({"Code": code, "Message": message, "RequestId": "req-1"}, status)


class Server:
    """Answers requests with its replies, one after the other; the last one for ever."""

    def __init__(self, context: Any = None) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.server_names: list[str | None] = []
        self.replies: deque[Reply] = deque([Reply()])
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                self.number = outer.connections
                super().setup()

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                outer.seen.append(
                    Seen(
                        self.command,
                        self.path,
                        dict(parse_qsl(parts.query, keep_blank_values=True)),
                        dict(parse_qsl(body.decode("latin-1"))) if b"=" in body else {},
                        {name.lower(): value for name, value in self.headers.items()},
                        body,
                        self.number,
                    )
                )
                reply = outer.replies.popleft() if len(outer.replies) > 1 else outer.replies[0]
                if reply.hold:
                    outer.released.wait(10)
                if reply.body is None or reply.hold:
                    self.close_connection = True
                    return
                raw = reply.raw()
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(raw)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                pass

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.tls = context is not None
        if context is not None:
            context.sni_callback = lambda _, name, __: self.server_names.append(name)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]

    def reply(self, *replies: Reply) -> None:
        self.replies = deque(replies)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(context: Any = None) -> Iterator[Server]:
    server = Server(context)
    thread = threading.Thread(target=lambda: server.http.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def local(url: str) -> Endpoints:
    """Every product, at one URL of this machine."""
    return Endpoints(loopback=endpoints.loopback(url))


def client_of(server: Server, **given: Any) -> Client:
    return Client(KEYS, "cn-hangzhou", local(server.url), **given)


@dataclass
class Scripted:
    """In place of a client: answers calls from a script, by action."""

    answers: dict[str, Callable[[Mapping[str, str]], Any] | dict[str, Any] | CallFailed]
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def call(
        self, request_class: type[Any], params: Mapping[str, str], body: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        action = request_class().get_action_name()
        given = {**params, **(body or {})}
        self.calls.append((action, given))
        answer = self.answers[action]
        if isinstance(answer, CallFailed):
            raise answer
        return answer(given) if callable(answer) else answer

    def actions(self) -> list[str]:
        return [action for action, _ in self.calls]


def failed(result: Result, code: str = "X") -> CallFailed:
    return CallFailed(Answer(result, code, "why"))
