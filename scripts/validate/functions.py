"""What no schema knows of functions and triggers: who may reach the writer, limits, schedules, retries."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from scripts.validate.deployed import Deployment, Function, Trigger
from scripts.validate.faults import Fault

#: The Python runtimes of each generation that the pinned packages support (Runtimes, 2026-09).
RUNTIMES: Final = {"3.0": {"python3.10", "python3.12"}, "2.0": {"python3.10"}}

#: Event types that Auto Scaling and ECS publish to the default event bus (EventBridge, "Event types").
_EVENT = re.compile(
    r"ess:ScalingActivity:Scale(In|Out)(Success|PartialSuccess|Error)|ess:LifecycleHook:Scale(In|Out)"
    r"|ecs:Instance:PreemptibleInstanceInterruption"
)
_EVERY: Final = re.compile(r"@every [1-9]\d*[mh]")
#: Seconds, minutes, hours, day of month, month, day of week (Function Compute, "Timer trigger").
_CRON: Final = (
    (0, 59, ""),
    (0, 59, ""),
    (0, 23, ""),
    (1, 31, ""),
    (1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    (0, 6, "SUN MON TUE WED THU FRI SAT"),
)
_METHODS: Final = ["GET", "POST", "PUT", "DELETE", "HEAD"]


def faults(deployment: Deployment, root: Path) -> Iterator[Fault]:
    """Yield what is wrong with the functions of a deployment; `root` is where the package's files are."""
    swap, webhook = deployment.part("swap"), deployment.part("webhook")
    for part, found in (("swap", swap), ("webhook", webhook)):
        if found is None:
            yield Fault("no-function", "the template", f"no function has the handler index.{part}")
    for function in deployment.functions:
        yield from _function(deployment, function, root)
        for trigger in function.triggers:
            yield from _trigger(trigger)
    for number, writer in enumerate(deployment.writers, 1):
        yield from _writer(deployment, writer)
        if deployment.variant.resources:
            yield from _share(deployment, number, writer)
    if webhook is not None and swap is not None:
        yield from _door(deployment, webhook, swap)


def _function(deployment: Deployment, function: Function, root: Path) -> Iterator[Fault]:
    where = function.where
    for handler in (function.handler, function.initializer or "index.initialize"):
        if not _found(root, handler):
            yield Fault("handler-missing", where, f"{handler} is not in the package")
    if function.initializer is None:
        yield Fault("no-initializer", where, "index.initialize, or a bad setting is told only at an event")
    if function.runtime not in RUNTIMES[deployment.generation]:
        yield Fault("runtime", where, f"{function.runtime} is not one of Function Compute's that fit")
    kinds = [trigger.kind for trigger in function.triggers]
    if deployment.generation == "2.0" and "http" in kinds and len(kinds) > 1:
        yield Fault("http-beside-trigger", where, "on 2.0 an HTTP trigger stands beside no other")
    read = _variables(root)
    for name in function.environment:
        if name.startswith("FC_"):
            yield Fault("reserved-variable", where, f"{name}: Function Compute deletes what begins with FC_")
        elif name not in read:
            yield Fault("unread-variable", where, f"{name}: nothing in handler/settings.py reads it")


def _found(root: Path, handler: str) -> bool:
    """Whether the file that a handler names defines, or imports, its function."""
    module, _, name = handler.rpartition(".")
    path = root / f"{module}.py"
    if not re.fullmatch(r"\w+", module) or not path.is_file():
        return False
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        if isinstance(node, ast.ImportFrom) and name in {one.asname or one.name for one in node.names}:
            return True
    return False


def _variables(root: Path) -> set[str]:
    modules = ("settings.py", "shards.py")
    source = "".join((root / "handler" / one).read_text(encoding="utf-8") for one in modules)
    return set(re.findall(r'"((?:SWAP|LOG)_[A-Z_]+)"', source))


def _trigger(trigger: Trigger) -> Iterator[Fault]:
    config, where = trigger.config, trigger.where
    if trigger.kind == "timer" and not is_schedule(config.get("cronExpression")):
        yield Fault("cron", where, f"{config.get('cronExpression')!r} is no schedule of Function Compute")
    if trigger.kind == "timer" and config.get("enable") is not True:
        yield Fault("trigger-off", where, "enable: true")
    if trigger.kind == "http" and config.get("methods") != _METHODS:
        yield Fault("http-methods", where, f"{_METHODS}, so that the function can say 405")
    if trigger.kind == "eventbridge":
        yield from _events(trigger)


def _events(trigger: Trigger) -> Iterator[Fault]:
    config, where = trigger.config, trigger.where
    if config.get("triggerEnable") is not True:
        yield Fault("trigger-off", where, "triggerEnable: true")
    try:
        pattern: Any = json.loads(config.get("eventRuleFilterPattern") or "")
        types = pattern["type"]
        unknown = [one for one in types if not _EVENT.fullmatch(one)]
    except (ValueError, KeyError, TypeError):
        yield Fault("event-pattern", where, "eventRuleFilterPattern is JSON with a list of types")
        return
    if unknown or pattern.get("source") != ["acs.ess", "acs.ecs"]:
        yield Fault("event-pattern", where, f"no such event: {', '.join(map(str, unknown)) or 'source'}")
    if not any("LifecycleHook" in one for one in types) or not any("Success" in one for one in types):
        yield Fault("event-pattern", where, "finished activities and lifecycle hooks are needed")
    options = config.get("runOptions") or {}
    retry = (options.get("retryStrategy") or {}).get("PushRetryStrategy")
    if retry != "EXPONENTIAL_DECAY_RETRY" or not (options.get("deadLetterQueue") or {}).get("Arn"):
        yield Fault("events-dropped", where, "without a retry for a day and a dead letter queue they are")
    if config.get("eventSinkConfig", {}).get("deliveryOption", {}).get("eventSchema", "CloudEvents") != (
        "CloudEvents"
    ):
        yield Fault("event-schema", where, "RawData lacks the type of the event")


def is_schedule(text: Any) -> bool:
    """Whether a text is `@every 5m`, or cron with seconds, perhaps after CRON_TZ=..."""
    if not isinstance(text, str):
        return False
    if _EVERY.fullmatch(text):
        return True
    fields = re.sub(r"^CRON_TZ=[\w/+-]+ ", "", text).split(" ")
    return len(fields) == len(_CRON) and all(
        _field(field, low, high, names) for field, (low, high, names) in zip(fields, _CRON, strict=True)
    )


def _field(field: str, low: int, high: int, names: str) -> bool:
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if slash and not step.isdigit():
            return False
        for bound in [] if span in {"*", "?"} else span.split("-"):
            if bound in names.split():
                continue
            if not bound.isdigit() or not low <= int(bound) <= high:
                return False
    return True


def _writer(deployment: Deployment, swap: Function) -> Iterator[Fault]:
    where, kinds = swap.where, [trigger.kind for trigger in swap.triggers]
    if "http" in kinds:
        yield Fault("public-writer", where, "the function that writes has a public trigger")
    if swap.concurrency != 1:
        yield Fault("two-writers", where, "InstanceConcurrency: 1")
    if deployment.generation == "3.0" and swap.reserved != 1:
        yield Fault("two-writers", where, "ReservedConcurrency: 1")
    if "timer" not in kinds or "eventbridge" not in kinds:
        yield Fault("trigger-missing", where, "events and the timer lead to it")
    if swap.retries is None or swap.retries < 8:
        yield Fault("retries", where, "MaxAsyncRetryAttempts: 8")
    if not isinstance(swap.event_age, int) or not 3600 <= swap.event_age <= 86400:
        yield Fault("event-age", where, "an event that waits for an hour is still good, one of a day is not")
    if swap.stateful is not True:
        yield Fault("stateful", where, "without it a request that comes twice is queued twice")
    if not re.fullmatch(r"acs:mns:[^:]+:\d+:/queues/[^/]+/messages", swap.on_failure or ""):
        yield Fault("failure-queue", where, f"not an MNS queue's messages: {swap.on_failure}")
    if not isinstance(swap.timeout, int) or swap.timeout < 300:
        yield Fault("timeout", where, "at least 300 s: a run waits for health")
    for trigger in swap.triggers:
        yield from _limited(deployment, swap, trigger)


def _share(deployment: Deployment, number: int, writer: Function) -> Iterator[Fault]:
    """Each target has one writer, and the door finds it: by number, and by name."""
    first, count = deployment.writers[0], len(deployment.writers)
    if writer.environment.get("SWAP_SHARD") != f"{number}/{count}":
        yield Fault("share", writer.where, f"SWAP_SHARD: {number}/{count}")
    if number == 1:
        return
    if writer.name != f"{first.name}-{number}":
        yield Fault("share", writer.where, f"it is looked for as {first.name}-{number}")
    for field in fields(Function):
        ours, theirs = getattr(first, field.name), getattr(writer, field.name)
        if field.name == "environment":
            ours, theirs = ({**one, "SWAP_SHARD": ""} for one in (ours, theirs))
        if field.name == "triggers":
            ours, theirs = ([(one.kind, one.config) for one in triggers] for triggers in (ours, theirs))
        if field.name not in {"where", "name", "limits"} and ours != theirs:
            yield Fault("share", writer.where, f"{field.name}: not as of the first writer")


def _limited(deployment: Deployment, function: Function, trigger: Trigger) -> Iterator[Fault]:
    """A trigger waits for the limits of its function: ROS makes resources in any order."""
    if not trigger.where.startswith("Resources."):
        return
    if deployment.generation == "2.0":
        if trigger.condition != "Started":
            yield Fault("trigger-before-limit", trigger.where, "Condition: Started")
    elif missing := function.limits - trigger.after:
        yield Fault("trigger-before-limit", trigger.where, f"DependsOn: {', '.join(sorted(missing))}")


def _door(deployment: Deployment, webhook: Function, swap: Function) -> Iterator[Fault]:
    where = webhook.where
    if [trigger.kind for trigger in webhook.triggers] != ["http"]:
        yield Fault("trigger-missing", where, "requests, and nothing else, reach it")
    if webhook.environment.get("SWAP_FUNCTION") != swap.name:
        yield Fault("swap-function", where, f"SWAP_FUNCTION says where swap is: {swap.name}")
    if deployment.variant.resources and webhook.environment.get("SWAP_WRITERS") != str(
        len(deployment.writers)
    ):
        yield Fault("share", where, f"SWAP_WRITERS: {len(deployment.writers)}")
    if deployment.generation == "3.0" and not isinstance(webhook.reserved, int):
        yield Fault("no-limit", where, "a flood would take all instances of the account")
    for trigger in webhook.triggers:
        if trigger.config.get("authType") != "anonymous":
            yield Fault("http-auth", trigger.where, "anonymous: the request itself is signed")
        yield from _limited(deployment, webhook, trigger)
