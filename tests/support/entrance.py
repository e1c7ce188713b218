"""The entry points in this process, on a local cloud over HTTP."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

from handler import main
from handler.webhook import webhook
from localcloud.serving import LocalCloud
from tests.support.deliveries import http_event
from tests.support.level_c import ROOT, Http

STATE = json.loads((ROOT / "events" / "state.json").read_text())
TARGETS = json.loads((ROOT / "events" / "targets.json").read_text())


class Entrance:
    """Calls the entry points as Function Compute would; ``cloud`` is what they act on."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.local, self.cloud = cloud, Http(cloud.endpoint)
        key = cloud.admin
        credentials = SimpleNamespace(
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
            security_token=key.security_token or "",
        )
        self.context = SimpleNamespace(
            request_id="request-1",
            region="cn-hangzhou",
            account_id="1234567890123456",
            credentials=credentials,
            function=SimpleNamespace(name="swap", timeout="600"),
        )

    def swap(self, event: Any) -> Any:
        return main.swap(event if isinstance(event, bytes) else json.dumps(event).encode(), self.context)

    def webhook(
        self, body: bytes, headers: dict[str, str], method: str = "POST", *, wsgi: bool = False
    ) -> tuple[int, dict[str, str], Any]:
        """Call ``webhook`` as Function Compute 3.0 does, or 2.0 (``wsgi``)."""
        if not wsgi:
            event = http_event(body, {"content-type": "application/json", **headers}, method)
            answer = webhook(json.dumps(event).encode(), self.context)
            assert answer["isBase64Encoded"] is False
            return answer["statusCode"], answer["headers"], json.loads(answer["body"])
        environ = {
            "fc.context": self.context,
            "REQUEST_METHOD": method,
            "PATH_INFO": "/",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        }
        answered: list[Any] = []
        parts = webhook(environ, lambda status, sent: answered.extend((status, dict(sent))))
        return int(answered[0][:3]), answered[1], json.loads(b"".join(parts))
