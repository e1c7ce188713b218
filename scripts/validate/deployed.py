"""The functions that a template deploys, in the same words whatever the template's format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scripts.validate.reading import Resource, Variant

Generation = Literal["3.0", "2.0"]
Role = Literal["swap", "webhook", "topic"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What invokes a function: `kind` as Function Compute 3.0 calls it, and its configuration."""

    where: str
    kind: str
    config: Mapping[str, Any]
    after: frozenset[str] = frozenset()
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function; numbers are None where the template says nothing, times are in seconds."""

    where: str
    name: str
    handler: str
    initializer: str | None
    runtime: str
    timeout: Any
    memory: Any
    concurrency: Any
    environment: Mapping[str, Any]
    retries: Any = None
    event_age: Any = None
    stateful: Any = None
    on_failure: str | None = None
    reserved: Any = None
    limits: frozenset[str] = frozenset()
    triggers: tuple[Trigger, ...] = ()
    role: str | None = None
    network: Mapping[str, Any] | None = None

    @property
    def part(self) -> str:
        """Its part, `swap` or `webhook`, by its handler."""
        return self.handler.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What one template deploys."""

    generation: Generation
    functions: tuple[Function, ...]
    variant: Variant = field(default_factory=lambda: Variant({}))

    def part(self, name: str) -> Function | None:
        """The function that has this part; of several writers, the first."""
        return next((one for one in self.functions if one.part == name), None)

    @property
    def writers(self) -> list[Function]:
        """The functions that write."""
        return [one for one in self.functions if one.part == "swap"]


def of(variant: Variant) -> Deployment:
    """What a ROS template deploys, on whichever generation."""
    if variant.of("FC3::Function"):
        return Deployment("3.0", tuple(_fc3(variant)), variant)
    return Deployment("2.0", tuple(_fc2(variant)), variant)


def _fc3(variant: Variant) -> Iterator[Function]:
    for resource in variant.of("FC3::Function"):
        said = resource.properties
        name = said.get("FunctionName", "")
        mine = [one for one in variant.resources.values() if one.properties.get("FunctionName") == name]
        limits = [one for one in mine if one.kind.endswith(("::ConcurrencyConfig", "::AsyncInvokeConfig"))]
        config: Mapping[str, Any] = {}
        for limit in limits:
            config = {**config, **limit.properties}
        initializer = (said.get("InstanceLifecycleConfig") or {}).get("Initializer") or {}
        failure = ((config.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        yield Function(
            where=f"Resources.{resource.name}",
            name=name,
            handler=said.get("Handler", ""),
            initializer=initializer.get("Handler"),
            runtime=said.get("Runtime", ""),
            timeout=said.get("Timeout"),
            memory=said.get("MemorySize"),
            concurrency=said.get("InstanceConcurrency"),
            environment=said.get("EnvironmentVariables") or {},
            retries=config.get("MaxAsyncRetryAttempts"),
            event_age=config.get("MaxAsyncEventAgeInSeconds"),
            stateful=config.get("AsyncTask"),
            on_failure=failure,
            reserved=config.get("ReservedConcurrency"),
            limits=frozenset(one.name for one in limits),
            triggers=tuple(_trigger(one) for one in mine if one.kind == "ALIYUN::FC3::Trigger"),
            role=said.get("Role"),
            network=said.get("VpcConfig"),
        )


def _fc2(variant: Variant) -> Iterator[Function]:
    services = {one.properties.get("ServiceName"): one for one in variant.of("FC::Service")}
    for resource in variant.of("FC::Function"):
        said = resource.properties
        service, name = said.get("ServiceName", ""), said.get("FunctionName", "")
        owner = services.get(service)
        config = said.get("AsyncConfiguration") or {}
        triggers = [
            _trigger(one)
            for one in variant.of("FC::Trigger")
            if (one.properties.get("ServiceName"), one.properties.get("FunctionName")) == (service, name)
        ]
        arn = f'services/{service}.LATEST/functions/{name}"'
        rules = [one for one in variant.of("EventBridge::Rule") if arn in json.dumps(one.properties)]
        yield Function(
            where=f"Resources.{resource.name}",
            name=f"{service}/{name}",
            handler=said.get("Handler", ""),
            initializer=said.get("Initializer"),
            runtime=said.get("Runtime", ""),
            timeout=said.get("Timeout"),
            memory=said.get("MemorySize"),
            concurrency=said.get("InstanceConcurrency"),
            environment=said.get("EnvironmentVariables") or {},
            retries=config.get("MaxAsyncRetryAttempts"),
            event_age=config.get("MaxAsyncEventAgeInSeconds"),
            stateful=config.get("StatefulInvocation"),
            on_failure=(config.get("Destination") or {}).get("OnFailure"),
            triggers=(*triggers, *(_of_rule(one) for one in rules)),
            role=owner.properties.get("Role") if owner else None,
            network=owner.properties.get("VpcConfig") if owner else None,
        )


def _trigger(resource: Resource) -> Trigger:
    said = resource.properties
    return Trigger(
        f"Resources.{resource.name}",
        said.get("TriggerType", ""),
        said.get("TriggerConfig") or {},
        resource.after,
        resource.condition,
    )


def _of_rule(resource: Resource) -> Trigger:
    """An EventBridge rule, in the words of an EventBridge trigger."""
    said = resource.properties
    target = (said.get("Targets") or [{}])[0]
    options = {
        "errorsTolerance": target.get("ErrorsTolerance"),
        "retryStrategy": {"PushRetryStrategy": target.get("PushRetryStrategy")},
        "deadLetterQueue": target.get("DeadLetterQueue"),
    }
    config = {
        "triggerEnable": said.get("Status", "ENABLE") == "ENABLE",
        "eventRuleFilterPattern": json.dumps(said.get("FilterPattern")),
        "runOptions": {name: option for name, option in options.items() if option is not None},
    }
    return Trigger(f"Resources.{resource.name}", "eventbridge", config, resource.after, resource.condition)
