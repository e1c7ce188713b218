"""What the tests of the local Function Compute share: the sample functions, at work."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from localcloud.fc.functions import Functions
from localcloud.http import Headers, Request, Response
from localcloud.rpc.credentials import Registry, new_identity

SAMPLE = Path(__file__).resolve().parents[1] / "localcloud" / "sample_function" / "template.yml"


@contextmanager
def running(**options: Any) -> Iterator[Functions]:
    identities = options.pop("identities", None) or Registry()
    functions = Functions(
        options.pop("template_path", SAMPLE),
        endpoint=options.pop("endpoint", "http://127.0.0.1:9"),
        region_id="cn-hangzhou",
        account_id="1234",
        identities=identities,
        **options,
    )
    functions.start()
    try:
        yield functions
    finally:
        functions.close()


def deliver(functions: Functions, body: bytes | dict[str, Any], name: str = "swap") -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return functions.handle(Request("POST", f"/_local/deliver/{name}", body=raw))


def do(functions: Functions, what: str, name: str = "swap", **more: Any) -> Any:
    response = deliver(functions, {"do": what, **more}, name)
    assert response.status == 200, response.body
    return json.loads(response.body)


def post(
    functions: Functions, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Response:
    return functions.handle(Request("POST", path, "", Headers(headers or {}), body))


def get(functions: Functions, path: str, query: str = "") -> Any:
    return json.loads(functions.handle(Request("GET", path, query)).body)


def drain(functions: Functions) -> None:
    answer = functions.handle(Request("POST", "/_local/async/drain", "timeout=60"))
    assert answer.status == 200, answer.body


def pipes_in(folder: Path) -> dict[str, str]:
    """ServerRef pipes by which a test knows that an invocation has begun, and lets it go on."""
    names = {name: str(folder / name) for name in ("started", "go_on")}
    for name in names.values():
        os.mkfifo(name)
    return names


def await_start(pipes: dict[str, str]) -> None:
    assert Path(pipes["started"]).read_text() == "started"


def let_go_on(pipes: dict[str, str], word: str) -> None:
    Path(pipes["go_on"]).write_text(word)


@contextmanager
def served(**options: Any) -> Iterator[tuple[Functions, str, Any]]:
    """The sample functions behind a socket, and a key that may do everything."""
    identities = Registry()
    owner = identities.add(new_identity("owner"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, path, query, Headers(dict(self.headers.items())), body)
            response = functions.handle(request)
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    with running(endpoint=endpoint, identities=identities, **options) as functions:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield functions, endpoint, owner
        finally:
            server.shutdown()
            server.server_close()
