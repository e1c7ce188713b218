"""The template as the local Function Compute runs it: services, functions, triggers, policies.

It reads the format of template.yml, `Transform: Aliyun::Serverless-2018-04-03` (Funcraft's specification of
that date; Resource Orchestration Service, "Transform").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localcloud.ram import RamPolicy, Statement, statement
from localcloud.ros import Resolver, TemplateError, parameters

__all__ = ["AsyncConfig", "Function", "Service", "TemplateError", "Trigger", "load"]

_TRANSFORM = "Aliyun::Serverless-2018-04-03"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What invokes a function: kind HTTP, Timer or MNSTopic, and its properties."""

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
    """A function; `instances` is the most that may exist at once, None for no limit."""

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


@dataclass(frozen=True, slots=True)
class Service:
    """A service: functions with one role and one place for their logs."""

    name: str
    functions: tuple[Function, ...]


def load(
    path: Path,
    *,
    region_id: str,
    account_id: str,
    params: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    derived: Mapping[str, str] | None = None,
    instances: Mapping[str, int] | None = None,
) -> tuple[Service, ...]:
    """The services of a template file.

    `params` sets parameters and `derived` those left without a value; `env` overrides every function's
    environment; `instances` is what the format cannot say, the most instances of a function by its name.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name}: {error}") from error
    if not isinstance(document, dict) or document.get("Transform") != _TRANSFORM:
        raise TemplateError(f"Transform: {_TRANSFORM} is needed")
    resources = document.get("Resources") or {}
    values = parameters(document.get("Parameters") or {}, params or {}, derived or {})
    resolver = Resolver(resources, values, region_id, account_id)
    reader = _Reader(resolver, path.parent, env or {}, instances or {})
    services = tuple(
        reader.service(name, resource)
        for name, resource in resources.items()
        if resource.get("Type") == "Aliyun::Serverless::Service"
    )
    if not any(service.functions for service in services):
        raise TemplateError("Resources: there is no service with a function")
    return services


@dataclass(frozen=True, slots=True)
class _Reader:
    resolver: Resolver
    root: Path
    env: Mapping[str, str]
    instances: Mapping[str, int]

    def service(self, name: str, resource: Mapping[str, Any]) -> Service:
        where = f"Resources.{name}.Properties"
        properties = resource.get("Properties") or {}
        log = self.resolver.value(properties.get("LogConfig") or {}, f"{where}.LogConfig")
        policy = RamPolicy((*self._role(properties, where), *self._inline(properties, where)))
        functions = tuple(
            self._function(name, key, child, policy, log)
            for key, child in resource.items()
            if isinstance(child, dict) and child.get("Type") == "Aliyun::Serverless::Function"
        )
        return Service(name, functions)

    def _role(self, properties: Mapping[str, Any], where: str) -> list[Statement]:
        """The statements of the role that the service's Role gets the Arn of."""
        role = properties.get("Role")
        if role is None:
            return []
        name = (role.get("Fn::GetAtt") or [None])[0] if isinstance(role, dict) else None
        found = self.resolver.resources.get(str(name))
        if found is None or found.get("Type") != "ALIYUN::RAM::Role":
            raise TemplateError(
                f"{where}.Role: an ALIYUN::RAM::Role of this template is needed, by Fn::GetAtt"
            )
        at = f"Resources.{name}.Properties.Policies"
        policies = (found.get("Properties") or {}).get("Policies") or []
        return [
            one
            for index, policy in enumerate(policies)
            for one in self._statements(policy.get("PolicyDocument") or {}, f"{at}[{index}].PolicyDocument")
        ]

    def _inline(self, properties: Mapping[str, Any], where: str) -> list[Statement]:
        policies = properties.get("Policies") or []
        documents = policies if isinstance(policies, list) else [policies]
        return [
            one
            for document in documents
            if isinstance(document, dict)
            for one in self._statements(document, f"{where}.Policies")
        ]

    def _statements(self, document: Mapping[str, Any], where: str) -> list[Statement]:
        found = []
        for index, raw in enumerate(document.get("Statement") or []):
            at = f"{where}.Statement[{index}]"
            try:
                found.append(statement(self.resolver.value(raw, at)))
            except ValueError as error:
                raise TemplateError(f"{at}.{error}") from error
        return found

    def _function(
        self, service: str, name: str, resource: Mapping[str, Any], policy: RamPolicy, log: Mapping[str, Any]
    ) -> Function:
        where = f"Resources.{service}.{name}.Properties"
        raw = resource.get("Properties") or {}
        for key in ("Handler", "Runtime", "CodeUri"):
            if not raw.get(key):
                raise TemplateError(f"{where}.{key}: it is required")
        text = self.resolver.text
        environment = raw.get("EnvironmentVariables") or {}
        triggers = tuple(
            self._trigger(service, name, key, one) for key, one in (resource.get("Events") or {}).items()
        )
        if len(triggers) > 1 and any(trigger.kind == "HTTP" for trigger in triggers):
            raise TemplateError(
                f"Resources.{service}.{name}.Events: an HTTP trigger stands beside no other (FC 2.0)"
            )
        return Function(
            service=service,
            name=name,
            handler=text(raw["Handler"], f"{where}.Handler"),
            initializer=text(raw["Initializer"], f"{where}.Initializer") if raw.get("Initializer") else None,
            runtime=text(raw["Runtime"], f"{where}.Runtime"),
            code_root=(self.root / text(raw["CodeUri"], f"{where}.CodeUri")).resolve(),
            timeout_s=self._number(where, raw, "Timeout", default=3, high=86_400),
            initialization_timeout_s=self._number(where, raw, "InitializationTimeout", default=3, high=300),
            memory_mb=self._number(where, raw, "MemorySize", default=128, high=32_768, low=128),
            environment={
                **{
                    key: text(value, f"{where}.EnvironmentVariables.{key}")
                    for key, value in environment.items()
                },
                **self.env,
            },
            triggers=triggers,
            asynchronous=self._async(raw.get("AsyncConfiguration") or {}, f"{where}.AsyncConfiguration"),
            policy=policy,
            log_project=str(log.get("Project", "")),
            log_store=str(log.get("Logstore", "")),
            instances=self.instances.get(name),
        )

    def _trigger(self, service: str, function: str, name: str, raw: Mapping[str, Any]) -> Trigger:
        where = f"Resources.{service}.{function}.Events.{name}"
        if raw.get("Type") not in {"HTTP", "Timer", "MNSTopic"}:
            raise TemplateError(f"{where}.Type: HTTP, Timer or MNSTopic, not {raw.get('Type')!r}")
        return Trigger(
            name, raw["Type"], self.resolver.value(raw.get("Properties") or {}, f"{where}.Properties")
        )

    def _async(self, raw: Mapping[str, Any], where: str) -> AsyncConfig:
        destination = self.resolver.value(raw.get("Destination") or {}, f"{where}.Destination")
        return AsyncConfig(
            retries=self._number(where, raw, "MaxAsyncRetryAttempts", default=3, high=8, low=0),
            max_age_s=self._number(where, raw, "MaxAsyncEventAgeInSeconds", default=86_400, high=604_800),
            stateful=self.resolver.value(raw.get("StatefulInvocation", False), where) is True,
            on_success=destination.get("OnSuccess"),
            on_failure=destination.get("OnFailure"),
        )

    def _number(
        self, where: str, raw: Mapping[str, Any], key: str, *, default: int, high: int, low: int = 1
    ) -> int:
        value = self.resolver.value(raw.get(key, default), f"{where}.{key}")
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise TemplateError(
                f"{where}.{key}: a whole number from {low} to {high} is needed, not {value!r}"
            )
        return value
