"""What a template deploys: functions, what invokes them, and how their asynchronous invocations are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.rpc.ram import RamPolicy


@dataclass(frozen=True, slots=True)
class Trigger:
    """What invokes a function: kind HTTP, Timer, MNSTopic or EventBridge, and its properties."""

    name: str
    kind: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AsyncConfig:
    """How asynchronous invocations are retried, and where their results go (PutFunctionAsyncInvokeConfig)."""

    retries: int = 3
    max_age_s: int = 86_400
    stateful: bool = False
    on_success: str | None = None
    on_failure: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function; `instances` is the most that may exist at once, None for no limit.

    `service` is empty on Function Compute 3.0, which has none.
    """

    service: str
    name: str
    handler: str
    initializer: str | None
    runtime: str
    code_root: Path
    timeout_s: int
    initialization_timeout_s: int
    memory_mb: int
    environment: Mapping[str, str]
    triggers: tuple[Trigger, ...]
    asynchronous: AsyncConfig
    policy: RamPolicy
    log_project: str
    log_store: str
    instances: int | None = None

    def trigger(self, kind: str) -> Trigger | None:
        """The function's first trigger of a kind."""
        return next((trigger for trigger in self.triggers if trigger.kind == kind), None)

    @property
    def full_name(self) -> str:
        """Its name, after its service's where it has one."""
        return f"{self.service}/{self.name}" if self.service else self.name

    @property
    def entry(self) -> str:
        """The last part of its handler, which is the same whatever the template calls the function."""
        return self.handler.rpartition(".")[2]

    def arn(self, region_id: str, account_id: str, qualifier: str = "LATEST") -> str:
        """Its ARN; without region and account where these are empty."""
        scope = f"acs:fc:{region_id}:{account_id}:"
        if self.service:
            return f"{scope}services/{self.service}.{qualifier}/functions/{self.name}"
        return f"{scope}functions/{self.name}"


@dataclass(frozen=True, slots=True)
class Service:
    """A service: functions with one role and one place for their logs. It has no name on 3.0."""

    name: str
    functions: tuple[Function, ...]
