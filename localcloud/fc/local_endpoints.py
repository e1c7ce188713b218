"""What `/_local` offers of functions: deliver, publish, let a timer fire, and look at what came of it."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from localcloud.fc import deliveries
from localcloud.fc.fleet import Fleet
from localcloud.fc.invocations import Invoker
from localcloud.http import Request, Response

_PATH = re.compile(r"/_local/(deliver|events|topics|timers|logs|queues|async)(?:/([^/]+))?/?")
#: What runs something, and so takes a POST: a GET only looks.
_ACTS = frozenset({"deliver", "events", "topics", "timers"})
_ATTRIBUTE = "x-mns-attribute-"


class Triggers(Protocol):
    """What invokes functions from outside."""

    def trigger(
        self, request: Request, request_id: str, name: str, path: str, *, wait: bool = False
    ) -> Response:
        """Call a function's HTTP trigger."""
        ...

    def bridge(self, event: Mapping[str, Any]) -> int:
        """Publish an event to EventBridge."""
        ...


class LocalEndpoints:
    """The endpoints; nothing of the cloud is like them."""

    def __init__(
        self,
        fleet: Fleet,
        invoker: Invoker,
        account_id: str,
        clock: Callable[[], float],
        triggers: Triggers,
    ) -> None:
        self._fleet, self._invoker, self._triggers = fleet, invoker, triggers
        self._account_id, self._clock = account_id, clock

    def owns(self, path: str) -> bool:
        """Whether a path is one of these."""
        return _PATH.fullmatch(path) is not None

    def handle(self, request: Request, request_id: str) -> Response:
        """Answer a request to a path that `owns` says is one of these."""
        match = _PATH.fullmatch(request.path)
        what, name = (match[1], unquote(match[2] or "")) if match else ("", "")
        acts = what in _ACTS or (what == "async" and name == "drain")
        if acts and request.method != "POST":
            return Response.of_json({"error": f"{request.path}: only POST"}, 405)
        if what == "deliver":
            return self._deliver(request, request_id, name)
        if what == "events":
            return self._emit(request)
        if what == "topics":
            return self._publish(request, request_id, name)
        if what == "timers":
            return self._tick(request, request_id, name)
        if what == "async" and name == "drain":
            timeout = float(parse_qs(request.query_string).get("timeout", ["600"])[0])
            drained = self._invoker.asynchronous.drain(timeout)
            return Response.of_json({"drained": drained}, 200 if drained else 504)
        return Response.of_json(self._report(request, what))

    def _deliver(self, request: Request, request_id: str, name: str) -> Response:
        """Hand the body to a function, byte for byte, and wait, also for other invocations to be over."""
        function = self._fleet.named(name)
        if function.trigger("HTTP") is None:
            return self._invoker.event(function, request_id, request.body, failed_status=502, wait=True)
        path = f"/2016-08-15/proxy/{function.full_name}/" if function.service else f"/{function.name}/"
        posted = Request("POST", path, request.query_string, request.headers, request.body)
        return self._triggers.trigger(posted, request_id, function.name, "/", wait=True)

    def _emit(self, request: Request) -> Response:
        """Publish the body, a CloudEvent, to the default event bus."""
        try:
            event = json.loads(request.body)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            return Response.of_json({"error": "the body is not a JSON object"}, 400)
        return Response.of_json({"sent": self._triggers.bridge(event)}, 202)

    def _publish(self, request: Request, request_id: str, name: str) -> Response:
        """Publish the body to a topic; headers `X-Mns-Attribute-*` are the message's attributes."""
        attributes = {
            key.removeprefix(_ATTRIBUTE): value
            for key, value in request.headers.items()
            if key.startswith(_ATTRIBUTE)
        }
        answers = []
        for function, trigger in self._fleet.triggered(name, "MNSTopic"):
            event = deliveries.topic_message(
                request.body, trigger.properties, self._account_id, self._clock(), attributes
            )
            answers.append(self._invoker.queue(function, request_id, event))
        return answers[0]

    def _tick(self, request: Request, request_id: str, name: str) -> Response:
        """Let a timer fire, in each function that has it; a body takes the place of its payload."""
        answers = []
        for function, trigger in self._fleet.triggered(name, "Timer"):
            payload = request.body.decode("utf-8", "replace") or str(trigger.properties.get("Payload", ""))
            event = deliveries.timer_event(trigger.name, payload, self._clock())
            answers.append(self._invoker.queue(function, request_id, event))
        return answers[0]

    def _report(self, request: Request, what: str) -> Any:
        if what == "queues":
            return copy.deepcopy(self._invoker.queues)
        if what == "async":
            reports = self._invoker.asynchronous.reports()
            return {
                "pending": [one for one in reports if one["outcome"] is None],
                "finished": [one for one in reports if one["outcome"] is not None],
            }
        if request.method == "DELETE":
            self._fleet.forget_logs()
        name = parse_qs(request.query_string).get("function", [""])[0]
        return self._fleet.log(name) if name else self._fleet.logs()
