"""Native resources of a template: ALIYUN::FC3::* and, for Function Compute 2.0, ALIYUN::FC::* (ROS).

The package of a function is the template's folder, wherever the template has it uploaded.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.rpc.ram import RamPolicy
from localcloud.template.deployed import AsyncConfig, Function, Service, Trigger
from localcloud.template.parts import number, role_policy
from localcloud.template.ros import Resolver, TemplateError

_FUNCTIONS = ("ALIYUN::FC3::Function", "ALIYUN::FC::Function")
_KINDS = {"http": "HTTP", "timer": "Timer", "mns_topic": "MNSTopic", "eventbridge": "EventBridge"}


def is_native(resources: Mapping[str, Any]) -> bool:
    """Whether a template has functions as native resources."""
    return any(resource.get("Type") in _FUNCTIONS for resource in resources.values())


def services(
    resolver: Resolver, root: Path, env: Mapping[str, str], instances: Mapping[str, int]
) -> tuple[Service, ...]:
    """The functions of a template by their service; TemplateError names the key that is wrong."""
    reader = _Reader(resolver, root, env, instances)
    functions = [reader.function(name, resource) for name, resource in reader.resources(*_FUNCTIONS)]
    if not functions:
        raise TemplateError("Resources: there is no function whose condition holds")
    return tuple(
        Service(name, tuple(one for one in functions if one.service == name))
        for name in dict.fromkeys(one.service for one in functions)
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    resolver: Resolver
    root: Path
    env: Mapping[str, str]
    instances: Mapping[str, int]

    def resources(self, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The resources of some types whose condition holds, by name."""
        for name, resource in self.resolver.resources.items():
            condition = resource.get("Condition")
            if resource.get("Type") in types and (
                condition is None or self.resolver.holds(condition, f"Resources.{name}.Condition")
            ):
                yield name, resource.get("Properties") or {}

    def function(self, resource: str, raw: Mapping[str, Any]) -> Function:
        where = f"Resources.{resource}.Properties"
        for key in ("FunctionName", "Handler", "Runtime", "Code"):
            if not raw.get(key):
                raise TemplateError(f"{where}.{key}: it is required")
        text = self.resolver.text
        name = text(raw["FunctionName"], f"{where}.FunctionName")
        newer = self.resolver.resources[resource]["Type"] == _FUNCTIONS[0]
        service = "" if newer else text(raw.get("ServiceName"), f"{where}.ServiceName")
        of_role, of_role_at = (raw, where) if newer else self._service(service, where)
        log = self.resolver.value(of_role.get("LogConfig") or {}, f"{of_role_at}.LogConfig")
        triggers = tuple(self._triggers(service, name))
        if service and len(triggers) > 1 and any(trigger.kind == "HTTP" for trigger in triggers):
            raise TemplateError(f"{where}: an HTTP trigger stands beside no other (Function Compute 2.0)")
        starts = self._initializer(raw, where, newer=newer)
        at = f"{where}.EnvironmentVariables"
        environment = {
            key: text(value, f"{at}.{key}") for key, value in (raw.get("EnvironmentVariables") or {}).items()
        }
        return Function(
            service=service,
            name=name,
            handler=text(raw["Handler"], f"{where}.Handler"),
            initializer=starts[0],
            runtime=text(raw["Runtime"], f"{where}.Runtime"),
            code_root=self.root.resolve(),
            timeout_s=number(self.resolver, where, raw, "Timeout", default=3, high=86_400),
            initialization_timeout_s=starts[1],
            memory_mb=number(self.resolver, where, raw, "MemorySize", default=128, high=32_768, low=128),
            environment={**environment, **self.env},
            triggers=triggers,
            asynchronous=self._asynchronous(name, raw, where, newer=newer),
            policy=RamPolicy(tuple(role_policy(self.resolver, of_role.get("Role"), of_role_at))),
            log_project=str(log.get("Project", "")),
            log_store=str(log.get("Logstore", "")),
            instances=self.instances.get(name, self._reserved(name) if newer else None),
        )

    def _service(self, service: str, where: str) -> tuple[Mapping[str, Any], str]:
        """The properties of a service, which has the role and the log of its functions."""
        for resource, raw in self.resources("ALIYUN::FC::Service"):
            at = f"Resources.{resource}.Properties"
            if self.resolver.text(raw.get("ServiceName"), f"{at}.ServiceName") == service:
                return raw, at
        raise TemplateError(f"{where}.ServiceName: the template has no service {service}")

    def _initializer(self, raw: Mapping[str, Any], where: str, *, newer: bool) -> tuple[str | None, int]:
        """The initializer's handler, and the seconds that it may take."""
        found, handler, limit = raw, "Initializer", "InitializationTimeout"
        if newer:
            found = (raw.get("InstanceLifecycleConfig") or {}).get("Initializer") or {}
            where, handler, limit = f"{where}.InstanceLifecycleConfig.Initializer", "Handler", "Timeout"
        seconds = number(self.resolver, where, found, limit, default=3, high=300)
        named = found.get(handler)
        return (self.resolver.text(named, f"{where}.{handler}") if named else None), seconds

    def _about(self, kind: str, function: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The resources of a type that are about a function, with the key of their properties."""
        for resource, raw in self.resources(kind):
            where = f"Resources.{resource}.Properties"
            if self.resolver.text(raw.get("FunctionName"), f"{where}.FunctionName") == function:
                yield where, raw

    def _asynchronous(self, function: str, raw: Mapping[str, Any], where: str, *, newer: bool) -> AsyncConfig:
        stateful, destination = "StatefulInvocation", "Destination"
        if newer:
            found = next(self._about("ALIYUN::FC3::AsyncInvokeConfig", function), (where, {}))
            where, raw, stateful, destination = *found, "AsyncTask", "DestinationConfig"
        else:
            where, raw = f"{where}.AsyncConfiguration", raw.get("AsyncConfiguration") or {}
        sent = self.resolver.value(raw.get(destination) or {}, f"{where}.{destination}")
        ends = {key: (one or {}).get("Destination") if newer else one for key, one in sent.items()}
        return AsyncConfig(
            retries=number(self.resolver, where, raw, "MaxAsyncRetryAttempts", default=3, high=8, low=0),
            max_age_s=number(
                self.resolver, where, raw, "MaxAsyncEventAgeInSeconds", default=86_400, high=604_800
            ),
            stateful=self.resolver.value(raw.get(stateful, False), f"{where}.{stateful}") is True,
            on_success=ends.get("OnSuccess"),
            on_failure=ends.get("OnFailure"),
        )

    def _reserved(self, function: str) -> int | None:
        for where, raw in self._about("ALIYUN::FC3::ConcurrencyConfig", function):
            return number(self.resolver, where, raw, "ReservedConcurrency", default=1, high=100_000)
        return None

    def _triggers(self, service: str, function: str) -> Iterator[Trigger]:
        for where, raw in self._about("ALIYUN::FC::Trigger" if service else "ALIYUN::FC3::Trigger", function):
            if service and self.resolver.text(raw.get("ServiceName"), f"{where}.ServiceName") != service:
                continue
            kind = _KINDS.get(self.resolver.text(raw.get("TriggerType"), f"{where}.TriggerType"))
            if kind is None:
                raise TemplateError(f"{where}.TriggerType: one of {', '.join(_KINDS)} is needed")
            config = self.resolver.value(raw.get("TriggerConfig") or {}, f"{where}.TriggerConfig")
            source = self.resolver.text(raw.get("SourceArn", ""), f"{where}.SourceArn")
            name = self.resolver.text(raw.get("TriggerName"), f"{where}.TriggerName")
            yield Trigger(name, kind, _properties(kind, config, source, where))
        if service:
            yield from self._rules(service, function)

    def _rules(self, service: str, function: str) -> Iterator[Trigger]:
        """The rules of EventBridge that invoke a function of Function Compute 2.0."""
        for resource, raw in self.resources("ALIYUN::EventBridge::Rule"):
            where = f"Resources.{resource}.Properties"
            pattern = self.resolver.value(raw.get("FilterPattern") or {}, f"{where}.FilterPattern")
            for target in self.resolver.value(raw.get("Targets") or [], f"{where}.Targets"):
                given = {one.get("ResourceKey"): one.get("Value") for one in target.get("ParamList") or []}
                if (given.get("serviceName"), given.get("functionName")) == (service, function):
                    name = self.resolver.text(raw.get("RuleName"), f"{where}.RuleName")
                    dead = (target.get("DeadLetterQueue") or {}).get("Arn")
                    yield Trigger(name, "EventBridge", {"Pattern": pattern, "DeadLetterQueue": dead})


def _properties(kind: str, config: Mapping[str, Any], source: str, where: str) -> dict[str, Any]:
    """A trigger's properties, named as the transform names them."""
    if kind == "HTTP":
        return {"AuthType": str(config.get("authType", "")), "Methods": list(config.get("methods") or [])}
    if kind == "Timer":
        return {"CronExpression": config.get("cronExpression"), "Payload": config.get("payload", "")}
    if kind == "MNSTopic":
        topic = source.rpartition("/")[2]
        return {"TopicName": topic, "NotifyContentFormat": config.get("notifyContentFormat", "STREAM")}
    pattern = config.get("eventRuleFilterPattern", "{}")
    try:
        pattern = json.loads(pattern) if isinstance(pattern, str) else pattern
    except ValueError as error:
        raise TemplateError(f"{where}.TriggerConfig.eventRuleFilterPattern: {error}") from error
    run = config.get("runOptions") or {}
    return {
        "Pattern": pattern,
        "AsyncInvocationType": str(config.get("asyncInvocationType", False)).lower() == "true",
        "List": run.get("mode") == "event-streaming",
        "DeadLetterQueue": (run.get("deadLetterQueue") or {}).get("Arn"),
    }
