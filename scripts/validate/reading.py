"""Reads a template, under each choice of parameters that makes a difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from scripts.validate.counting import counted
from scripts.validate.faults import Fault
from scripts.validate.resolving import NOTHING, Resolver

#: Values for parameters without a default, and for those whose default leaves something out.
_NEEDED: Final[Mapping[str, str]] = {
    "LoadBalancerIds": "lb-web,lb-api",
    "ScalingGroupIds": "asg-web,asg-api",
    "SwapTargets": "targets.json",
    "CodeBucket": "bucket",
    "CodeObject": "slb-swap-0.1.0.zip",
    "OneWriter": "set",
}
_EVERYTHING: Final[Mapping[str, str]] = {
    **_NEEDED,
    "Writers": "3",
    "WritersBefore": "2",
    "SwapTargetsBefore": "before.json",
    "CodeChecksum": "9071105306352063853",
    "VpcId": "vpc-1",
    "VSwitchIds": "vsw-1,vsw-2",
    "SecurityGroupId": "sg-1",
    "HookScaleInGroup": "asg-web",
    "HookScaleOutGroup": "asg-web",
    "AlarmContactGroup": "operators",
}
CHOICES: Final = (_NEEDED, _EVERYTHING)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, its properties resolved."""

    name: str
    kind: str
    properties: Mapping[str, Any]
    after: frozenset[str] = frozenset()
    condition: str | None = None
    deletion: str | None = None


@dataclass(slots=True)
class Variant:
    """A template under one choice of parameters."""

    resources: dict[str, Resource]
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Resource]:
        """The resources of a type, without its `ALIYUN::`."""
        return [one for one in self.resources.values() if one.kind == f"ALIYUN::{kind}"]


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would drop the first."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for at, key in enumerate(keys):
        if key in keys[:at]:
            raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load(path: Path) -> dict[str, Any]:
    """Read a YAML file; raises yaml.YAMLError, also for a key that stands twice."""
    document = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    return dict(document)


def variants(document: Mapping[str, Any]) -> tuple[list[Variant], set[Fault]]:
    """The template under each choice, and what could not be resolved."""
    found: list[Variant] = []
    faults: set[Fault] = set()
    declared: Mapping[str, Any] = document.get("Parameters") or {}
    used: set[str] = set()
    for choice in CHOICES:
        parameters = dict(_parameters(declared, choice))
        counting = Resolver(document, parameters)
        whole = counted(document, counting.number)
        resolver = Resolver(whole, parameters)
        found.append(_variant(whole, resolver))
        faults |= counting.faults | resolver.faults
        used |= counting.used | resolver.used
    for name in set(declared) - used:
        faults.add(Fault("unused-parameter", f"Parameters.{name}", "nothing refers to it"))
    return found, faults


def _parameters(declared: Mapping[str, Any], choice: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, declaration in declared.items():
        given = choice.get(name, declaration.get("Default", ""))
        listed = declaration.get("Type") == "CommaDelimitedList"
        yield name, [one for one in str(given).split(",") if one] if listed else given


def _variant(document: Mapping[str, Any], resolver: Resolver) -> Variant:
    resources: Mapping[str, Any] = document.get("Resources") or {}
    variant = Variant({})
    for name, raw in resources.items():
        where = f"Resources.{name}"
        after = raw.get("DependsOn") or []
        waits = frozenset([after] if isinstance(after, str) else after)
        for one in waits - set(resources):
            resolver.faults.add(Fault("unknown-reference", f"{where}.DependsOn", f"no resource {one}"))
        properties = resolver.value(raw.get("Properties") or {}, f"{where}.Properties")
        condition = raw.get("Condition")
        if condition is None or resolver.holds(condition, f"{where}.Condition"):
            variant.resources[name] = Resource(
                name, raw.get("Type", ""), properties, waits, condition, raw.get("DeletionPolicy")
            )
    for name, raw in (document.get("Outputs") or {}).items():
        if raw.get("Condition") is None or resolver.holds(raw["Condition"], f"Outputs.{name}.Condition"):
            value = resolver.value(raw.get("Value"), f"Outputs.{name}.Value")
            variant.outputs[name] = None if value is NOTHING else value
    return variant
