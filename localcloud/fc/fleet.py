"""The functions of a template, their processes and logs; it is read again when the state changes."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.fc import environment
from localcloud.fc.calls import Call, Outcome, Place
from localcloud.fc.processes import Launcher
from localcloud.fc.signature import Refused
from localcloud.fc.workers import Closed, Pool
from localcloud.template import derived
from localcloud.template import reading as template
from localcloud.template.deployed import Function, Trigger

_LOG_LINES = 100_000


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is deployed, and how. `state` is read for parameters that nobody sets; `warm` forks workers."""

    path: Path
    endpoint: str
    place: Place
    state: Callable[[], Mapping[str, Any]]
    instances: Mapping[str, int]
    params: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None
    warm: bool = False
    echo: bool = False
    python: Sequence[str] = ()


class Fleet:
    """A pool of workers for each function, by service and name."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lock = threading.RLock()
        self._pools: dict[tuple[str, str], Pool] = {}
        self._logs: dict[str, deque[str]] = {}

    def reload(self) -> None:
        """Read the template; a function that changed gets new workers. TemplateError names what is wrong."""
        how = self._deployment
        services = template.load(
            how.path,
            region_id=how.place.region_id,
            account_id=how.place.account_id,
            params=how.params,
            env=how.env,
            derived=derived.parameters_of(how.state()),
            instances=how.instances,
        )
        wanted = {(one.service, one.name): one for service in services for one in service.functions}
        with self._lock:
            kept = {key: pool for key, pool in self._pools.items() if wanted.get(key) == pool.function}
            replaced = [pool for key, pool in self._pools.items() if key not in kept]
            self._pools = {key: kept.get(key) or self._pool(one) for key, one in wanted.items()}
        for pool in replaced:
            pool.close()

    def run(self, function: Function, call: Call, *, wait: bool) -> Outcome:
        """Invoke a function; Busy is raised, unless `wait`, if it has as many instances as it may have."""
        while True:
            with self._lock:
                pool = self._pools.get((function.service, function.name))
            if pool is None:
                raise Refused(404, "FunctionNotFound", f"function '{function.name}' does not exist")
            try:
                return pool.invoke(call, wait=wait)
            except Closed:  # replaced while this waited
                continue

    def kill(self, worker_id: str) -> bool:
        """SIGKILL the worker at once; False if there is none of that id."""
        with self._lock:
            pools = list(self._pools.values())
        return any(pool.kill(worker_id) for pool in pools)

    def close(self) -> None:
        """End every process."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.terminate()

    def function(self, service: str, name: str) -> Function:
        """The function of a service, whose name may carry a qualifier; Refused as the cloud refuses."""
        plain, _, qualifier = service.partition(".")
        with self._lock:
            if not any(key[0] == plain for key in self._pools):
                raise Refused(404, "ServiceNotFound", f"service '{plain}' does not exist")
            pool = self._pools.get((plain, name))
        if qualifier not in {"", "LATEST"}:
            raise Refused(404, "AliasNotFound", f"alias '{qualifier}' of service '{plain}' does not exist")
        if pool is None:
            raise Refused(404, "FunctionNotFound", f"function '{name}' does not exist in service '{plain}'")
        return pool.function

    def newer(self, name: str) -> Function:
        """The function of Function Compute 3.0 of that name."""
        with self._lock:
            pool = self._pools.get(("", name))
        if pool is None:
            raise Refused(404, "FunctionNotFound", f"function '{name}' does not exist")
        return pool.function

    def named(self, name: str) -> Function:
        """The template's function of that name, whatever its service, or that begins at that entry point."""
        every = self.functions()
        found = next((one for one in every if one.name == name), None)
        found = found or next((one for one in every if one.entry == name), None)
        if found is None:
            raise Refused(404, "FunctionNotFound", f"the template has no function '{name}'")
        return found

    def triggered(self, name: str, kind: str) -> list[tuple[Function, Trigger]]:
        """The functions and triggers of a topic's or a timer's name, at least one."""
        found = [
            (function, trigger)
            for function, trigger in self.triggers()
            if trigger.kind == kind and name in {trigger.name, trigger.properties.get("TopicName")}
        ]
        if not found:
            raise Refused(404, "TriggerNotFound", f"the template has no {kind} trigger '{name}'")
        return found

    def triggers(self) -> list[tuple[Function, Trigger]]:
        """Every trigger of every function."""
        return [(function, trigger) for function in self.functions() for trigger in function.triggers]

    def log(self, name: str) -> list[str]:
        """The lines that a function has printed, by its name or its entry point's."""
        every = self.functions()
        if name not in {one.name for one in every}:
            name = next((one.name for one in every if one.entry == name), name)
        with self._lock:
            return list(self._logs.get(name, ()))

    def logs(self) -> dict[str, list[str]]:
        """Every function's lines."""
        with self._lock:
            return {name: list(lines) for name, lines in self._logs.items()}

    def forget_logs(self) -> None:
        """Empty the logs."""
        with self._lock:
            self._logs.clear()

    def print(self, name: str, line: str) -> None:
        """Add a line to a function's log."""
        with self._lock:
            self._logs.setdefault(name, deque(maxlen=_LOG_LINES)).append(line)
        if self._deployment.echo:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - as asked for

    def _log(self, function: Function, line: str) -> None:
        """Keep a line that a function printed; without the right to write to its Logstore it is lost."""
        place = self._deployment.place
        store = f"project/{function.log_project}/logstore/{function.log_store}"
        arn = f"acs:log:{place.region_id}:{place.account_id}:{store}"
        if not function.log_store or function.policy.allows("log:PostLogStoreLogs", arn):
            self.print(function.name, line)

    def functions(self) -> list[Function]:
        """Every function of the template."""
        with self._lock:
            return [pool.function for pool in self._pools.values()]

    def _pool(self, function: Function) -> Pool:
        how = self._deployment
        handlers = [one for one in (function.handler, function.initializer) if one]
        variables = environment.of(
            function,
            region_id=how.place.region_id,
            account_id=how.place.account_id,
            endpoint=how.endpoint,
            ca_bundle=how.ca_bundle,
        )
        launcher = Launcher(
            function.code_root,
            variables,
            lambda line: self._log(function, line),
            handlers if how.warm else (),
            how.python,
        )
        return Pool(function, how.place, launcher)
