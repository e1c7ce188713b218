"""The HTTP server: loopback, keep-alive, TLS if asked for, and connections that are really cut."""

import contextlib
import re
import socket
import ssl
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, cast
from urllib.parse import urlsplit

from werkzeug.serving import DechunkedInput

from localcloud.http import ConnectionCut, Headers, Request, Response

App = Callable[[Request], Response]


class _Handler(BaseHTTPRequestHandler):
    """One connection. Buffered writes and no Nagle: an answer is one packet, and another may follow."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "LocalCloud/1", ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "Server"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
            super().handle()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.strip().isdecimal():
            self.send_error(400, f"Content-Length: {length!r} is no number")
            return
        request = self._request()
        try:
            response = self.server.app(request)
        except ConnectionCut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        except Exception:
            traceback.print_exc(file=sys.stderr)
            response = Response.of_json({"error": "the local cloud failed; its stderr says why"}, 500)
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _request(self) -> Request:
        headers = Headers()
        for name, value in self.headers.items():
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = DechunkedInput(cast(IO[bytes], self.rfile)).readall()
        else:
            body = self.rfile.read(int(headers.get("content-length") or 0))
        target = self.path
        if re.match(
            r"https?://", target
        ):  # absolute form, as clients behind a proxy send it (RFC 9112, 3.2.2)
            url = urlsplit(target)
            headers["host"] = url.netloc
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        path, _, query = target.partition("?")
        return Request(self.command, path, query, headers, body)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Serves an application on a loopback port; `port` 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, app: App, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.app = app
        if tls is not None:
            # The handshake is left to the connection's thread: a client that never speaks holds up nobody.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def handle_error(self, *_: Any) -> None:
        """Say what was unexpected; a client that went away is not."""
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc(file=sys.stderr)
