"""An HTTP function's call as the Python runtime of Function Compute 2.0 makes it: WSGI (PEP 3333).

Function Compute, "HTTP handlers" (Python): beside WSGI's own keys, `fc.context` and `fc.request_uri`; the
environment of the process is in it as well.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any


def environ(request: Mapping[str, Any], body: bytes, context: Any) -> dict[str, Any]:
    """The environ of a request: `method`, `path`, `request_uri`, `client_ip` and `headers`."""
    headers = dict(request["headers"])
    content_type = headers.pop("content-type", "application/octet-stream")
    return {
        **os.environ,
        "REQUEST_METHOD": request["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": request["path"],
        "QUERY_STRING": request["request_uri"].partition("?")[2],
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "FCRUNTIME",
        "SERVER_PORT": "9000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "FCRUNTIME/1.0",
        "REMOTE_ADDR": request["client_ip"],
        "HTTP": "on",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        "HTTP_X_FC_FUNCTION_HANDLER": context.function.handler,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "fc.context": context,
        "fc.request_uri": request["request_uri"],
    }


class StartResponse:
    """WSGI's start_response, kept until the body is there."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self._written = BytesIO()

    def __call__(self, status: str, headers: Iterable[tuple[str, str]], exc_info: object = None) -> Any:  # noqa: ARG002
        """Keep status and headers; what WSGI's `write` is given comes before the body."""
        self.status = int(status[:3])
        self.headers = [(name, value) for name, value in headers]
        return self._written.write

    def body(self, output: bytes | Iterable[bytes | str]) -> bytes:
        """The whole body: bytes, or the parts of an iterable."""
        parts = [output] if isinstance(output, bytes) else output
        return self._written.getvalue() + b"".join(
            part.encode() if isinstance(part, str) else part for part in parts
        )
