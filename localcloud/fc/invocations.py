"""Invokes functions and says the result as Function Compute does: status, headers, type of error.

A function error of an event function is a 200 with X-Fc-Error-Type (InvokeFunction); of an HTTP function, a
502 ("HTTP trigger", error types).
"""

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.fc.asynchronous import AsyncInvocations
from localcloud.fc.calls import Call, Outcome
from localcloud.fc.deliveries import log_tail, matches
from localcloud.fc.fleet import Fleet
from localcloud.fc.signature import Refused
from localcloud.http import Headers, Request, Response
from localcloud.template.deployed import AsyncConfig, Function, Trigger

SYNC_LIMIT, ASYNC_LIMIT = 32 << 20, 128 << 10
"""Bytes of a payload ("Limits")."""

_INVOCATION_ID = re.compile(r"[A-Za-z_][\w-]{0,127}")
_QUEUE = re.compile(r"/queues/([^/]+)(?:/messages)?$")
_PUSHES = 176  # tries in a day (EventBridge, "Retry policies": EXPONENTIAL_DECAY_RETRY)


class Invoker:
    """Synchronous, asynchronous and HTTP invocations of a fleet's functions."""

    def __init__(self, fleet: Fleet, clock: Callable[[], float]) -> None:
        self._fleet = fleet
        self.asynchronous = AsyncInvocations(
            lambda one, call: fleet.run(one, call, wait=True), self._send, clock
        )
        self.queues: dict[str, list[dict[str, Any]]] = {}

    def event(
        self,
        function: Function,
        request_id: str,
        body: bytes,
        *,
        failed_status: int,
        tail: bool = False,
        wait: bool = False,
    ) -> Response:
        """Invoke an event function and wait for it; `tail` adds the end of its log."""
        outcome = self._fleet.run(function, Call(request_id, body), wait=wait)
        response = _response(request_id, outcome, failed_status)
        if tail:
            response.headers["X-Fc-Log-Result"] = log_tail(self._fleet.log(function.name))
        return response

    def http(
        self, request: Request, request_id: str, function: Function, path: str, *, wait: bool
    ) -> Response:
        """Invoke an HTTP function and wait for it."""
        uri = request.path + (f"?{request.query_string}" if request.query_string else "")
        http = {
            "method": request.method,
            "path": path,
            "request_uri": uri,
            "client_ip": "127.0.0.1",
            "headers": {name: value for name, value in request.headers.items() if name != "content-length"},
        }
        outcome = self._fleet.run(function, Call(request_id, request.body, http), wait=wait)
        return _response(request_id, outcome, 502)

    def http_event(self, request_id: str, function: Function, event: bytes, *, wait: bool) -> Response:
        """Invoke a function of Function Compute 3.0 with an HTTP trigger's event, and answer as it says."""
        outcome = self._fleet.run(function, Call(request_id, event), wait=wait)
        if outcome.error is not None:
            return _response(request_id, outcome, 502)
        headers = Headers({"X-Fc-Request-Id": request_id})
        try:
            said = json.loads(outcome.body)
            body = said["body"].encode()
            body = base64.b64decode(body, validate=True) if said.get("isBase64Encoded") else body
            for name, value in said.get("headers", {}).items():
                headers[name] = str(value)
            return Response(int(said["statusCode"]), headers, body)
        except (ValueError, TypeError, KeyError, AttributeError):
            # What comes of an answer that is none is not documented.
            headers["X-Fc-Error-Type"] = "BadResponse"
            return Response(502, headers)

    def event_bridge(
        self, function: Function, trigger: Trigger, event: Mapping[str, Any], *, waits: bool
    ) -> bool:
        """Hand an event to a function if its rule asks for it. `waits`: EventBridge itself tries again."""
        if not matches(trigger.properties["Pattern"], event):
            return False
        body = json.dumps([event] if trigger.properties.get("List") else event).encode()
        bridge = AsyncConfig(_PUSHES, on_failure=trigger.properties.get("DeadLetterQueue")) if waits else None
        return self.asynchronous.put(function, secrets.token_hex(16), body, bridge=bridge)

    def queue(
        self, function: Function, request_id: str, body: bytes, invocation_id: str | None = None
    ) -> Response:
        """Queue an asynchronous invocation; a stateful function refuses an id that has been used."""
        if invocation_id is not None and not _INVOCATION_ID.fullmatch(invocation_id):
            raise Refused(400, "InvalidArgument", f"invocation id '{invocation_id}' is not valid")
        if not self.asynchronous.put(function, request_id, body, invocation_id):
            message = f"invocation id '{invocation_id}' has been used"
            raise Refused(409, "StatefulAsyncInvocationAlreadyExists", message)
        return Response(202, Headers({"X-Fc-Request-Id": request_id}))

    def _send(self, function: Function | None, destination: str, message: dict[str, Any]) -> None:
        """Keep a destination's message by the queue's name, if the function's role may send it there.

        Without a function it is EventBridge that sends.
        """
        if function is not None and not function.policy.allows("mns:SendMessage", destination):
            self._fleet.print(function.name, f"not authorized to do mns:SendMessage on {destination}")
            return
        queue = _QUEUE.search(destination)
        self.queues.setdefault(queue[1] if queue else destination, []).append(message)


def _response(request_id: str, outcome: Outcome, failed_status: int) -> Response:
    headers = Headers({"Content-Type": "application/octet-stream"})
    for key, value in outcome.headers:
        joined = key in headers and key.lower() != "content-type"
        headers[key] = f"{headers[key]}, {value}" if joined else value
    headers["X-Fc-Request-Id"] = request_id
    if outcome.error is None:
        return Response(outcome.status, headers, outcome.body)
    headers["Content-Type"] = "application/json"
    headers["X-Fc-Error-Type"] = outcome.error
    return Response(failed_status, headers, outcome.body)
