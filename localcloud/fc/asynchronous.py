"""Asynchronous invocations: queued, retried, and told to a destination when they are over.

Function Compute, "Asynchronous invocations" and "Error handling": a function error is retried as often as the
function's configuration says. The delays between are not waited for here.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.fc.calls import Call, Outcome
from localcloud.template.deployed import AsyncConfig, Function


@dataclass(slots=True)
class Queued:
    """An asynchronous invocation; `outcome` is None while it is not over.

    `bridge`: EventBridge waits for the function, tries again as this says, and keeps what failed as it is.
    """

    function: Function
    request_id: str
    body: bytes
    queued_at: float
    invocation_id: str | None = None
    attempts: int = 0
    outcome: str | None = None
    bridge: AsyncConfig | None = None

    def report(self) -> dict[str, Any]:
        """What `/_local/async` says of it."""
        return {
            "request_id": self.request_id,
            "function": self.function.name,
            "invocation_id": self.invocation_id,
            "attempts": self.attempts,
            "outcome": self.outcome,
        }


@dataclass(slots=True)
class _Line:
    """One function's queue, and whether a thread is at it."""

    waiting: deque[Queued] = field(default_factory=deque)
    served: bool = False


class AsyncInvocations:
    """The queues of all functions; one invocation of a function at a time, in order."""

    def __init__(
        self,
        run: Callable[[Function, Call], Outcome],
        deliver: Callable[[Function | None, str, dict[str, Any]], None],
        clock: Callable[[], float],
    ) -> None:
        self._run = run
        self._deliver = deliver
        self._clock = clock
        self._changed = threading.Condition()
        self._lines: dict[tuple[str, str], _Line] = {}
        self._all: list[Queued] = []
        self._ids: set[tuple[str, str, str]] = set()

    def put(
        self,
        function: Function,
        request_id: str,
        body: bytes,
        invocation_id: str | None = None,
        bridge: AsyncConfig | None = None,
    ) -> bool:
        """Queue an invocation. False: a stateful function has had this invocation id already."""
        with self._changed:
            if function.asynchronous.stateful and invocation_id is not None:
                key = (function.service, function.name, invocation_id)
                if key in self._ids:
                    return False
                self._ids.add(key)
            queued = Queued(function, request_id, body, self._clock(), invocation_id, bridge=bridge)
            self._all.append(queued)
            line = self._lines.setdefault((function.service, function.name), _Line())
            line.waiting.append(queued)
            if not line.served:
                line.served = True
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()
        return True

    def drain(self, timeout: float) -> bool:
        """Wait until every invocation is over; False if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: all(one.outcome for one in self._all), timeout)

    def reports(self) -> list[dict[str, Any]]:
        """Every invocation so far, in the order they came."""
        with self._changed:
            return [one.report() for one in self._all]

    def _serve(self, line: _Line) -> None:
        while True:
            with self._changed:
                if not line.waiting:
                    line.served = False
                    return
                queued = line.waiting[0]
            try:
                outcome = self._to_the_end(queued)
            except Exception as error:  # the local cloud is closing: nobody is left to tell
                outcome = f"lost: {error}"
            with self._changed:
                line.waiting.popleft()
                queued.outcome = outcome
                self._changed.notify_all()

    def _to_the_end(self, queued: Queued) -> str:
        config = queued.bridge or queued.function.asynchronous
        while True:
            if self._clock() - queued.queued_at > config.max_age_s:
                self._tell(queued, config.on_failure, "EventAgeExceeded", Outcome(b""))
                return "expired"
            call = Call(queued.request_id, queued.body, retry_count=queued.attempts)
            outcome = self._run(queued.function, call)
            queued.attempts += 1
            if outcome.error is None:
                self._tell(queued, config.on_success, "Success", outcome)
                return "succeeded"
            if queued.attempts > config.retries:
                self._tell(queued, config.on_failure, outcome.error, outcome)
                return "failed"

    def _tell(self, queued: Queued, destination: str | None, condition: str, outcome: Outcome) -> None:
        """Send what a destination is sent ("Destinations"); the payloads are text in it."""
        if destination is None:
            return
        function = queued.function
        if queued.bridge is not None:
            self._deliver(None, destination, json.loads(queued.body))
            return
        message = {
            "timestamp": int(self._clock() * 1000),
            "requestContext": {
                "requestId": queued.request_id,
                "functionArn": function.arn("", ""),
                "condition": condition,
                "approximateInvokeCount": queued.attempts,
            },
            "requestPayload": queued.body.decode("utf-8", "replace"),
            "responseContext": {"statusCode": 200, "functionError": outcome.error or ""},
            "responsePayload": outcome.body.decode("utf-8", "replace"),
        }
        self._deliver(function, destination, json.loads(json.dumps(message)))
