"""The function's own client over the local cloud: parameters and answers in the forms of the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handler.cloud import parsing
from handler.cloud.client import Client
from localcloud.rpc.forms import answer_body


class WireClient(Client):
    """Makes its calls through ``calls``, without a socket and without a signature."""

    def __init__(self, calls: Any) -> None:
        self._calls, self._body_is_read, self.calls = calls, True, 0

    def _once(self, request_class: type[Any], params: Mapping[str, str], body: Any) -> dict[str, Any]:
        action = request_class.__name__.removesuffix("Request")
        cloud = self._calls.cloud

        def work() -> bytes:
            seen = dict(params)
            if body and cloud.world.readings["body_params"] == "accepted":
                seen.update(body)
            answer = {"RequestId": "request", **cloud.apply(action, seen)}
            old = cloud.world.readings["response_form"] == "enveloped"
            return answer_body("JSON", action, answer, old=old)

        self.calls += 1
        self._calls.form = "body" if body else "query"
        return dict(parsing.opened(action, json.loads(self._calls.make(action, work))))
