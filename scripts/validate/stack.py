"""The rest of a stack: log, alarms, lifecycle hooks, names, parameters, outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scripts.validate.deployed import Deployment
from scripts.validate.faults import Fault
from scripts.validate.reading import Resource

_OUTPUTS: Final = {
    *("WebhookUrl", "SwapFunction", "WebhookFunction"),
    *("FailedQueue", "LogProject", "LogLink", "EventBusArn"),
}
#: What each alarm on the log looks for.
_ALARMS: Final[Mapping[str, str]] = {
    "failures": "swap.failed",
    "refusals": "'refused', 'rolled_back', 'partial'",
    "silence": 'timer and ("swap.completed" or "swap.unfinished")',
}
#: Properties that name something in the account or the region.
_NAMES: Final = frozenset(
    {"FunctionName", "ServiceName", "QueueName", "TopicName", "RoleName", "PolicyName", "RuleName"}
)


def faults(document: Mapping[str, Any], deployment: Deployment) -> Iterator[Fault]:
    """Yield what is wrong with the rest of a stack."""
    yield from _parameters(document.get("Parameters") or {})
    yield from _names(document)
    yield from _log(deployment)
    yield from _alarms(document, deployment)
    for hook in deployment.variant.of("ESS::LifecycleHook"):
        yield from _hook(hook, deployment)
    for name in sorted(_OUTPUTS - set(deployment.variant.outputs)):
        yield Fault("output-missing", f"Outputs.{name}", "operators and the guide need it")


def _parameters(declared: Mapping[str, Any]) -> Iterator[Fault]:
    if declared.get("WebhookSecrets", {}).get("NoEcho") is not True:
        yield Fault("secret-shown", "Parameters.WebhookSecrets", "NoEcho: true")
    if "Default" in declared.get("CodeObject", {}):
        yield Fault("same-code-object", "Parameters.CodeObject", "with a default no update is picked up")
    if "Default" in declared.get("OneWriter", {}):
        yield Fault("limit-not-asked", "Parameters.OneWriter", "who deploys has to say whether it is set")


def _names(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Two stacks live in one region: what has a name has the stack's in it."""
    for name, resource in (document.get("Resources") or {}).items():
        if resource.get("Type", "").endswith("::Function") and "ServiceName" in resource["Properties"]:
            continue  # its service has it
        for key, value in (resource.get("Properties") or {}).items():
            written = json.dumps(value)
            named = key in _NAMES or (key == "Name" and resource["Type"] == "ALIYUN::SLS::Project")
            if named and "Fn::GetAtt" not in written and "${Name}" not in written:
                yield Fault("fixed-name", f"Resources.{name}.{key}", "${Name} is a part of it")


def _log(deployment: Deployment) -> Iterator[Fault]:
    variant = deployment.variant
    for kind in ("SLS::Project", "SLS::Logstore", "SLS::Index"):
        found = variant.of(kind)
        if not found:
            yield Fault("no-index" if kind.endswith("Index") else "no-log", "the template", f"no {kind}")
        for one in found:
            if one.deletion != "Retain":
                yield Fault("log-not-kept", f"Resources.{one.name}", "DeletionPolicy: Retain")
    for index in variant.of("SLS::Index"):
        keys = {key.get("Name") for key in index.properties.get("KeyIndices") or []}
        if (index.properties.get("FullTextIndex") or {}).get("Enable") is not True or "message" not in keys:
            yield Fault("no-index", f"Resources.{index.name}", "full text, and the field message")
    owners = [*variant.of("FC3::Function"), *variant.of("FC::Service")]
    for owner in owners:
        if not (owner.properties.get("LogConfig") or {}).get("Logstore"):
            yield Fault("no-log", f"Resources.{owner.name}", "LogConfig")


def _alarms(document: Mapping[str, Any], deployment: Deployment) -> Iterator[Fault]:
    alerts = deployment.variant.of("SLS::Alert")
    queries = {one.name: _queries(one) for one in alerts}
    for alarm, part in _ALARMS.items():
        mine = [name for name, query in queries.items() if part in query]
        if not mine:
            yield Fault("alarm-missing", "the template", f"no alarm of {alarm}")
    for one in alerts:
        config = one.properties["Detail"]["Configuration"]
        if one.properties["Detail"].get("State") != "Enabled":
            yield Fault("alarm-off", f"Resources.{one.name}", "State: Enabled")
        if "swap.unfinished" in queries[one.name] and config.get("NoDataFire") is not True:
            yield Fault("alarm-silent", f"Resources.{one.name}", "NoDataFire: no data is the alarm")
        if "LogIndex" not in one.after:
            yield Fault("alarm-before-index", f"Resources.{one.name}", "DependsOn: LogIndex")
    rules = [json.dumps(one) for one in (document.get("Resources") or {}).values()]
    if not any("acs_mns_new" in one and "ActiveMessages" in one for one in rules):
        yield Fault("alarm-missing", "the template", "no alarm of the queue of failed events")
    declared = document.get("Parameters") or {}
    silent, every = (
        _minutes(declared.get(name, {}).get("Default")) for name in ("SilentFor", "ReconcileEvery")
    )
    if silent is not None and every is not None and silent < 3 * every:
        yield Fault("alarm-too-soon", "Parameters.SilentFor", "at least three times ReconcileEvery")


def _queries(alert: Resource) -> str:
    listed = alert.properties["Detail"]["Configuration"].get("QueryList") or []
    return " ".join(str(one.get("Query")) for one in listed)


def _minutes(text: Any) -> int | None:
    match = re.fullmatch(r"(?:@every )?(\d+)([mh])", str(text))
    return int(match[1]) * (60 if match[2] == "h" else 1) if match else None


def _hook(hook: Resource, deployment: Deployment) -> Iterator[Fault]:
    where, said = f"Resources.{hook.name}", hook.properties
    arn = str(said.get("NotificationArn", ""))
    if not re.match(r"acs:(eventbridge:[^:]+:\d+:eventbus/default|mns:[^:]+:\d+:topic/.+)$", arn):
        yield Fault("hook-tells-nobody", where, "NotificationArn: the event bus or the topic")
    swap = deployment.part("swap")
    timeout = swap.timeout if swap is not None and isinstance(swap.timeout, int) else 0
    if said.get("HeartbeatTimeout", 600) < 2 * timeout + 300:
        yield Fault("hook-too-short", where, "HeartbeatTimeout outlasts a run, a wait and the retry's run")
    if said.get("DefaultResult") != "CONTINUE":
        yield Fault("hook-default", where, "DefaultResult: CONTINUE; else scaling stops when nobody answers")
    triggers = {t.where.partition(".")[2] for one in deployment.functions for t in one.triggers}
    if not hook.after & triggers:
        yield Fault("hook-before-trigger", where, "DependsOn: what takes its message")
