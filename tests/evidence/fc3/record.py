"""Record what the official client of Function Compute 3.0 sends, for tests/cloud/test_fc3.py to compare with.

In an environment of its own, since that client is 36 MB: pip install alibabacloud_fc20230330==4.8.3, then
python tests/evidence/fc3/record.py > tests/evidence/fc3/signed.json
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

KEYS = {"access_key_id": "LTAI5tRecordedKey", "access_key_secret": "recordedSecret/+=", "security_token": ""}
STS = {**KEYS, "access_key_id": "STS.NRecorded", "security_token": "CAISrecorded/+token=="}
CASES: list[dict[str, Any]] = [
    {"function": "swap", "body": b'{"a": 1}', "keys": KEYS},
    {"function": "swap", "body": b'{"a": 1}', "keys": STS},
    {"function": "slb-swap-web_1", "body": b"\x00\xff binary \r\n", "keys": STS},
    {"function": "swap", "body": "Größe 負載".encode(), "keys": STS, "type": "Async"},
    {"function": "swap", "body": b"x" * 1000, "keys": STS, "type": "Async", "task": "webhook-0123abcd"},
    {"function": "swap", "body": b"{}", "keys": STS, "type": "Sync", "qualifier": "LATEST"},
    {"function": "swap", "body": b"{}", "keys": KEYS, "qualifier": "pro d/ü+~*"},
    {"function": "a b/ü~*'()!$&+,;=:@%", "body": b"{}", "keys": STS, "type": "Sync"},
    {"function": "交换", "body": b"{}", "keys": KEYS, "type": "Async", "task": "_id"},
]


class Recorder(BaseHTTPRequestHandler):
    """Keeps the last request."""

    seen: dict[str, Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        Recorder.seen = {
            "path": urlsplit(self.path).path,
            "query": dict(parse_qsl(urlsplit(self.path).query)),
            "headers": {
                name.lower(): value.encode("latin-1").decode() for name, value in self.headers.items()
            },
            "body": base64.b64encode(body).decode(),
        }
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"127.0.0.1:{server.server_port}"
    recorded = []
    for case in CASES:
        keys = {name: value for name, value in case["keys"].items() if value}
        client = Client(Config(**keys, region_id="cn-hangzhou", endpoint=endpoint, protocol="HTTP"))
        headers = models.InvokeFunctionHeaders(
            x_fc_invocation_type=case.get("type"), x_fc_async_task_id=case.get("task")
        )
        request = models.InvokeFunctionRequest(body=case["body"], qualifier=case.get("qualifier"))
        client.invoke_function_with_options(case["function"], request, headers, RuntimeOptions())
        given = {name: case.get(name) for name in ("function", "qualifier", "type", "task")}
        recorded.append({"given": {**given, "keys": case["keys"]}, "sent": Recorder.seen})
    version = importlib.metadata.version("alibabacloud_fc20230330")
    json.dump({"client": f"alibabacloud_fc20230330 {version}", "requests": recorded}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
