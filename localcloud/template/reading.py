"""A template's functions as the local Function Compute runs them, whichever way it is written.

Native resources are read in `localcloud.template.native`; `Transform: Aliyun::Serverless-2018-04-03`
(Funcraft's specification of that date; Resource Orchestration Service, "Transform") is read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localcloud.rpc.ram import RamPolicy, Statement
from localcloud.template import native
from localcloud.template.counting import expanded
from localcloud.template.deployed import AsyncConfig, Function, Service, Trigger
from localcloud.template.parts import number, role_policy, statements
from localcloud.template.ros import Resolver, TemplateError, parameters

__all__ = ["TemplateError", "load"]

_TRANSFORM = "Aliyun::Serverless-2018-04-03"


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
    """The services of a template file; the functions of Function Compute 3.0 are in one without a name.

    `params` sets parameters and `derived` those left without a value; `env` overrides every function's
    environment; `instances` is what the format cannot say, the most instances of a function by its name.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name}: {error}") from error
    if not isinstance(document, dict):
        raise TemplateError(f"{path.name}: no template")
    resources = document.get("Resources") or {}
    values = parameters(document.get("Parameters") or {}, params or {}, derived or {})
    conditions = document.get("Conditions") or {}
    counted = Resolver(resources, values, region_id, account_id, conditions)
    resources = expanded(resources, lambda raw, where: _count(counted, raw, where))
    resolver = Resolver(resources, values, region_id, account_id, conditions)
    if native.is_native(resources):
        return native.services(resolver, path.parent, env or {}, instances or {})
    if document.get("Transform") != _TRANSFORM:
        raise TemplateError(f"functions of ALIYUN::FC3 or ALIYUN::FC, or Transform: {_TRANSFORM}, are needed")
    reader = _Reader(resolver, path.parent, env or {}, instances or {})
    services = tuple(
        reader.service(name, resource)
        for name, resource in resources.items()
        if resource.get("Type") == "Aliyun::Serverless::Service"
    )
    if not any(service.functions for service in services):
        raise TemplateError("Resources: there is no service with a function")
    return services


def _count(resolver: Resolver, raw: Any, where: str) -> int:
    found = resolver.value(raw, where)
    if isinstance(found, bool) or not str(found).isdigit():
        raise TemplateError(f"{where}: a number, 0 or more, is needed, not {found!r}")
    return int(found)


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
        of_role = role_policy(self.resolver, properties.get("Role"), where)
        policy = RamPolicy((*of_role, *self._inline(properties, where)))
        functions = tuple(
            self._function(name, key, child, policy, log)
            for key, child in resource.items()
            if isinstance(child, dict) and child.get("Type") == "Aliyun::Serverless::Function"
        )
        return Service(name, functions)

    def _inline(self, properties: Mapping[str, Any], where: str) -> list[Statement]:
        policies = properties.get("Policies") or []
        documents = policies if isinstance(policies, list) else [policies]
        return [
            one
            for document in documents
            if isinstance(document, dict)
            for one in statements(self.resolver, document, f"{where}.Policies")
        ]

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

    def _number(self, where: str, raw: Mapping[str, Any], key: str, **bounds: int) -> int:
        return number(self.resolver, where, raw, key, **bounds)
