"""template.yml is where values are set; template.fc2.yml and s.yaml say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from scripts.validate.deployed import Deployment, Function
from scripts.validate.faults import Fault
from scripts.validate.rights import granted

_SAME: Final = (
    *("handler", "initializer", "timeout", "memory", "concurrency"),
    *("retries", "event_age", "stateful", "on_failure"),
)
#: Parameters of one generation alone.
_OWN: Final = {"CodeChecksum", "EventsAsyncFlag", "OneWriter"}


def faults(first: Deployment, other: Deployment) -> Iterator[Fault]:
    """Yield in what the functions of `other` differ from those of `first`, template.yml."""
    for part in ("swap", "webhook"):
        one, two = first.part(part), other.part(part)
        if one is None or two is None:
            continue
        yield from _functions(one, two, first.generation == other.generation)
    ours, theirs = _rights(first), _rights(other)
    for part in sorted(set(ours) & set(theirs)):
        for action, resource in sorted(ours[part] ^ theirs[part]):
            yield Fault("differs", f"the role of {part}", f"{action} on {resource} is in one template only")


def parameters(first: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield in what the parameters and the alarms of a document differ from those of template.yml."""
    ours, theirs = (dict(document.get("Parameters") or {}) for document in (first, other))
    for name in sorted((set(ours) | set(theirs)) - _OWN - {"PythonRuntime"}):
        if ours.get(name) != theirs.get(name):
            yield Fault("differs", f"Parameters.{name}", "not as in template.yml")
    for name in ("Failures", "Refusals", "Silence", "FailedEvents", "LogIndex", "Logstore", "LogProject"):
        if first["Resources"].get(name) != other["Resources"].get(name):
            yield Fault("differs", f"Resources.{name}", "not as in template.yml")


def _functions(one: Function, two: Function, same_generation: bool) -> Iterator[Fault]:
    for name in _SAME:
        if getattr(one, name) != getattr(two, name):
            yield Fault("differs", two.where, f"{name}: {getattr(two, name)!r}, not {getattr(one, name)!r}")
    if same_generation and one.reserved != two.reserved:
        yield Fault("differs", two.where, f"reserved: {two.reserved!r}, not {one.reserved!r}")
    left_out = {"SWAP_FUNCTION"}
    if two.where.startswith("resources."):  # s.yaml has one writer
        left_out |= {"SWAP_SHARD", "SWAP_WRITERS", "SWAP_WRITERS_BEFORE", "SWAP_TARGETS_BEFORE"}
    ours = {key: value for key, value in one.environment.items() if key not in left_out}
    theirs = {key: value for key, value in two.environment.items() if key not in left_out}
    if two.where.startswith("resources."):  # of s.yaml: what is set by whoever deploys has no sample there
        ours, theirs = dict.fromkeys(ours, ""), dict.fromkeys(theirs, "")
    if ours != theirs:
        yield Fault("differs", two.where, f"environment: {sorted(set(ours.items()) ^ set(theirs.items()))}")
    for kind in ("timer", "http", "eventbridge"):
        if _triggers(one, kind) != _triggers(two, kind):
            yield Fault("differs", two.where, f"its {kind} trigger is not that of template.yml")


def _triggers(function: Function, kind: str) -> list[Any]:
    found = []
    for trigger in function.triggers:
        if trigger.kind == kind:
            config = dict(trigger.config)
            if kind == "eventbridge":
                options = config["runOptions"]
                config = {
                    "pattern": _json(config.get("eventRuleFilterPattern")),
                    "options": {name: options.get(name) for name in ("errorsTolerance", "retryStrategy")},
                    "queue": options.get("deadLetterQueue"),
                }
            found.append(config)
    return found


def _json(text: Any) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def _rights(deployment: Deployment) -> dict[str, set[tuple[str, str]]]:
    """What each part may do, but for invoking: functions are named in another way on each generation."""
    found = {}
    for role in deployment.variant.of("RAM::Role"):
        arn = str(role.properties["RoleName"]).lower()
        for function in deployment.functions:
            if str(function.role).rpartition("/")[2] == arn:
                pairs = granted(role)
                found[function.part] = {pair for pair in pairs if pair[0] != "fc:InvokeFunction"}
    return found
