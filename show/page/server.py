"""The page's server: static files, server-sent events, and what the page asks for. Loopback only."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from show.page.desk import Desk, Refused

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LIMIT = 64 << 10
"""Bytes of a body."""

EVERY_S, ALIVE_S = 0.1, 15.0
"""How often the page is told of changes at most, and that the server is still there."""


class PageServer(ThreadingHTTPServer):
    """Serves the page of a desk on a loopback port; `port` 0 takes a free one."""

    daemon_threads = True

    def __init__(self, desk: Desk, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.desk = desk
        self.closing = threading.Event()
        names = ("127.0.0.1", "localhost")
        self.hosts = {f"{name}:{self.port}" for name in names}
        self.origins = {f"http://{host}" for host in self.hosts}

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def close(self) -> None:
        """Stop answering."""
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "slb-swap-page", ""
    server: PageServer

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def do_GET(self) -> None:
        if not self._may_come():
            return
        path = unquote(urlsplit(self.path).path)
        if path == "/events":
            self._stream()
        elif path == "/api/fixed":
            self._json(200, self.server.desk.fixed())
        elif path.startswith("/api/runs/") and path.endswith("/picture.svg"):
            self._picture(path.split("/")[3])
        else:
            self._static("index.html" if path == "/" else path.removeprefix("/static/"))

    def do_POST(self) -> None:
        if not self._may_come(writing=True):
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > LIMIT:
            self.close_connection = True
            self._json(413, {"error": f"at most {LIMIT} bytes"})
            return
        try:
            body = dict(json.loads(self.rfile.read(length) or b"{}"))
            self._json(200, self._done(urlsplit(self.path).path, body))
        except (Refused, ValueError, KeyError, TypeError) as error:
            self._json(400, {"error": str(error)})

    def _done(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        desk = self.server.desk
        match path.removeprefix("/api/"):
            case "deliver":
                return desk.deliver(str(body["name"]), plan=bool(body.get("plan")))
            case "request":
                return desk.request(dict(body["request"]), plan=bool(body.get("plan")))
            case "undo":
                return desk.undo(str(body["run"]), str(body["target"]))
            case "happen":
                return desk.happen(str(body["what"]), dict(body.get("order") or {}))
            case "put":
                return desk.put(str(body["what"]), body["value"])
            case "reset":
                return desk.reset()
        raise Refused(f"nothing is done at {path}")

    def _may_come(self, *, writing: bool = False) -> bool:
        """Only this page may ask: no other origin, no other name that leads here (DNS rebinding)."""
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site")
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip()
        refused = (
            self.headers.get("Host") not in self.server.hosts
            or (origin is not None and origin not in self.server.origins)
            or site not in {None, "same-origin", "none"}
            or (writing and kind != "application/json")
        )
        if refused:
            self.close_connection = True
            self._json(403, {"error": "this page answers to itself alone"})
        return not refused

    def _stream(self) -> None:
        self._head(200, {"Content-Type": "text/event-stream"}, length=None)
        seen: Any = None
        silent = 0.0
        while not self.server.closing.is_set():
            mark = self.server.desk.mark()
            if mark != seen:
                seen, silent = mark, 0.0
                self.wfile.write(b"data: " + json.dumps(self.server.desk.shown()).encode() + b"\n\n")
                self.wfile.flush()
            elif silent >= ALIVE_S:
                silent = 0.0
                self.wfile.write(b": still here\n\n")
                self.wfile.flush()
            self.server.closing.wait(EVERY_S)
            silent += EVERY_S

    def _picture(self, run_id: str) -> None:
        try:
            from show.picture import picture  # noqa: PLC0415 - matplotlib may be missing

            svg = picture(self.server.desk.lines(run_id))
        except ImportError:
            self._json(501, {"error": "matplotlib draws it: make test-page installs it"})
        except ValueError as error:
            self._json(404, {"error": str(error)})
        else:
            self._send(200, svg.encode(), {"Content-Type": _TYPES[".svg"]})

    def _static(self, name: str) -> None:
        file = STATIC / name
        if file.parent != STATIC or file.suffix not in _TYPES or not file.is_file():
            self._json(404, {"error": "there is no such page"})
            return
        self._send(200, file.read_bytes(), {"Content-Type": _TYPES[file.suffix]})

    def _json(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._head(status, headers, len(body))
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str], length: int | None) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **headers}.items():
            self.send_header(name, value)
        if length is None:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
