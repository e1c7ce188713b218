"""The workers of a function, and invocations of it: reused while they live, one invocation at a time each.

What an invocation ends with is what Function Compute answers ("Error handling"; "Process exited unexpectedly
before completing request"; "Function time out after").
"""

import json
import secrets
import signal
import threading
import time
from dataclasses import dataclass
from typing import Any

from localcloud.fc import framing
from localcloud.fc.calls import Call, Outcome, Place
from localcloud.fc.processes import Launcher, Process
from localcloud.rpc.credentials import Identity, new_identity
from localcloud.template.deployed import Function


class Busy(Exception):  # noqa: N818 - an answer
    """As many instances as the function may have are at work."""


class Closed(Exception):  # noqa: N818 - an answer
    """The function was replaced; its successor has another pool."""


@dataclass(slots=True, eq=False)
class Worker:
    """A process with one function's code in it."""

    id: str
    process: Process
    identity: Identity
    initialized: bool = False
    alive: bool = True
    used: int = 0


class Pool:
    """A function's workers, `function.instances` of them at most; idle ones are used again, last first."""

    def __init__(self, function: Function, place: Place, launcher: Launcher) -> None:
        self.function = function
        self._place = place
        self._launcher = launcher
        self._changed = threading.Condition()
        self._idle: list[Worker] = []
        self._all: dict[str, Worker] = {}
        self._taken = 0
        self._closed = False

    def invoke(self, call: Call, *, wait: bool) -> Outcome:
        """Run the function once. Busy is raised, unless `wait`, when no further instance may be had."""
        worker = self._take(wait)
        try:
            outcome = self._run(worker, call)
        finally:
            self._give_back(worker)
        return outcome

    def kill(self, worker_id: str) -> bool:
        """SIGKILL a worker at once; False if it is not one of these."""
        with self._changed:
            worker = self._all.get(worker_id)
            if worker is None:
                return False
            worker.process.signal(signal.SIGKILL)
            if worker not in self._idle:
                return True
            self._idle.remove(worker)
        self._drop(worker)
        return True

    def close(self) -> None:
        """End the idle workers now, and those at work when they have answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            idle, self._idle = self._idle, []
        for worker in idle:
            self._drop(worker)
        with self._changed:
            last = self._taken == 0
        if last:
            self._launcher.close()

    def terminate(self) -> None:
        """End every worker, at work or not."""
        with self._changed:
            at_work = list(self._all.values())
        for worker in at_work:
            worker.process.signal(signal.SIGKILL)
        self.close()

    def _take(self, wait: bool) -> Worker:
        limit = self.function.instances
        with self._changed:
            while limit is not None and self._taken >= limit and not self._closed:
                if not wait:
                    raise Busy
                self._changed.wait()
            if self._closed:
                raise Closed
            self._taken += 1
            worker = self._idle.pop() if self._idle else None
        if worker is not None:
            if not worker.process.gone:
                return worker
            self._drop(worker)  # it ended between two invocations
        try:
            return self._new()
        except BaseException:
            with self._changed:
                self._taken -= 1
                self._changed.notify()
            raise

    def _new(self) -> Worker:
        instance_id = f"c-{secrets.token_hex(8)}"
        worker = Worker(instance_id, self._launcher.start(instance_id), self._identity(instance_id))
        with self._changed:
            self._all[instance_id] = worker
        return worker

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            keep = worker.alive and not self._closed
            if keep:
                self._idle.append(worker)
        if not keep:
            self._drop(worker)
        with self._changed:
            self._taken -= 1
            self._changed.notify()
            last = self._closed and self._taken == 0
        if last:
            self._launcher.close()

    def _drop(self, worker: Worker) -> None:
        worker.process.close()
        self._place.identities.remove(worker.identity.access_key_id)
        with self._changed:
            self._all.pop(worker.id, None)

    def _identity(self, worker_id: str) -> Identity:
        name = self.function.full_name
        identity = new_identity(name, policy=self.function.policy, worker=worker_id, temporary=True)
        return self._place.identities.add(identity)

    def _run(self, worker: Worker, call: Call) -> Outcome:
        function = self.function
        if worker.used and self._flavour() == "fc2":  # each invocation comes with keys of its own
            self._place.identities.remove(worker.identity.access_key_id)
            worker.identity = self._identity(worker.id)
        worker.used += 1
        if function.initializer and not worker.initialized:
            limit = function.initialization_timeout_s
            outcome = self._ask(worker, call, function.initializer, "initialize", limit)
            if outcome.error is not None:
                worker.alive = False
                return outcome
        worker.initialized = True
        kind = "invoke" if call.http is None else "http"
        return self._ask(worker, call, function.handler, kind, function.timeout_s)

    def _ask(self, worker: Worker, call: Call, handler: str, kind: str, limit_s: int) -> Outcome:
        started = time.monotonic()
        control = worker.process.control
        try:
            control.settimeout(limit_s)
            body = b"" if kind == "initialize" else call.body
            framing.send(control, self._facts(worker, call, handler, kind), body)
            answer = framing.receive(control)
        except TimeoutError:
            return self._time_out(worker, kind, limit_s)
        except OSError:
            answer = None
        if answer is None:
            worker.alive = False
            worker.process.wait_gone(2)
            return _failed(
                "Process exited unexpectedly before completing request "
                f"(duration: {(time.monotonic() - started) * 1000:.0f}ms, maxMemoryUsage: 0.00MB)"
            )
        what = "Initialize" if kind == "initialize" else "Invoke"
        worker.process.wait_printed(f"FC {what} End RequestId: {call.request_id}", 2)
        head, result = answer
        if head.get("error"):
            return Outcome(result, "UnhandledInvocationError")
        headers = tuple((name, value) for name, value in head.get("headers", ()))
        return Outcome(result, None, head.get("status", 200), headers)

    def _time_out(self, worker: Worker, kind: str, limit_s: int) -> Outcome:
        worker.alive = False
        worker.process.signal(signal.SIGTERM)
        worker.process.wait_gone(1)  # it prints its stack and goes; else it is killed
        worker.process.signal(signal.SIGKILL)
        what = "Function initialization" if kind == "initialize" else "Function"
        return _failed(f"{what} time out after {limit_s} seconds (maxMemoryUsage: 0.00MB)")

    def _facts(self, worker: Worker, call: Call, handler: str, kind: str) -> dict[str, Any]:
        identity, function = worker.identity, self.function
        return {
            "kind": kind,
            "call": handler,
            "flavour": self._flavour(),
            "request_id": call.request_id,
            "credentials": [identity.access_key_id, identity.access_key_secret, identity.security_token],
            "function": function.name,
            "handler": function.handler,
            "memory_mb": function.memory_mb,
            "timeout_s": function.timeout_s,
            "service": function.service,
            "log_project": function.log_project,
            "log_store": function.log_store,
            "region_id": self._place.region_id,
            "account_id": self._place.account_id,
            "retry_count": call.retry_count,
            "http": call.http,
        }

    def _flavour(self) -> str:
        """Python 3.12 is a runtime of Function Compute 3.0 alone, and has a context of its own."""
        return "fc3" if self.function.runtime == "python3.12" else "fc2"


def _failed(message: str) -> Outcome:
    return Outcome(json.dumps({"errorMessage": message}).encode(), "UnhandledInvocationError")
