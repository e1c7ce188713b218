"""Values of a Resource Orchestration Service (ROS) template, its parameters and functions resolved.

Only the functions that the templates use, in their long form (ROS, "Functions"): Ref, Fn::Sub, Fn::Join,
Fn::Split, Fn::Select, Fn::GetAtt, Fn::Calculate of one number, and of conditions Fn::If, Fn::Equals, Fn::Not,
Fn::And and Fn::Or.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
_CALCULATION = re.compile(r"\{0\}\s*([+-]\s*\d+)")
_NO_VALUE = object()  # ALIYUN::NoValue: what has it is left out
_CONDITIONS = frozenset({"Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or"})


class TemplateError(ValueError):
    """A template that cannot be used; the message names the key."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves values of one template, lazily: what nobody asks for may be unresolvable."""

    resources: Mapping[str, Any]
    parameters: Mapping[str, Any]
    region_id: str
    account_id: str
    conditions: Mapping[str, Any] = field(default_factory=dict)

    def value(self, raw: Any, where: str) -> Any:
        """`raw` with every function in it resolved; `where` is the key that an error names."""
        if isinstance(raw, list):
            items = [self.value(item, f"{where}[{index}]") for index, item in enumerate(raw)]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(raw, dict):
            return raw
        function = next(iter(raw), None)
        if len(raw) == 1 and (function == "Ref" or str(function).startswith("Fn::")):
            return self._call(str(function), raw[function], where)
        values = {key: self.value(item, f"{where}.{key}") for key, item in raw.items()}
        return {key: value for key, value in values.items() if value is not _NO_VALUE}

    def holds(self, condition: Any, where: str) -> bool:
        """Whether a condition holds: one of the template's by its name, or written out."""
        if isinstance(condition, str):
            if condition not in self.conditions:
                raise TemplateError(f"{where}: no condition {condition}")
            return self.holds(self.conditions[condition], f"Conditions.{condition}")
        if not isinstance(condition, dict) or len(condition) != 1:
            raise TemplateError(f"{where}: a condition is needed")
        function, argument = next(iter(condition.items()))
        where = f"{where}.{function}"
        if function == "Fn::Equals":
            one, other = self.value(argument, where)
            return bool(one == other)
        if function == "Fn::Not":
            return not self.holds(argument, where)
        if function in {"Fn::And", "Fn::Or"}:
            found = [self.holds(item, where) for item in argument]
            return all(found) if function == "Fn::And" else any(found)
        raise TemplateError(f"{where}: this condition is not known")

    def text(self, raw: Any, where: str) -> str:
        """A scalar as text: YAML reads numbers and booleans, an environment knows neither."""
        value = self.value(raw, where)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return str(value)
        raise TemplateError(f"{where}: a string is needed, not {type(value).__name__}")

    def attribute(self, resource: str, name: str, where: str) -> Any:
        """What Fn::GetAtt gives: an ARN, a service's or function's name, or the property of that name."""
        if resource not in self.resources:
            service = next((key for key in self.resources if resource.startswith(key)), None)
            if service is not None and name == "FunctionName":
                return resource[len(service) :]
            raise TemplateError(f"{where}: no resource {resource}")
        found = self.resources[resource]
        kind, properties = found.get("Type", ""), found.get("Properties") or {}
        if kind == "Aliyun::Serverless::Service" and name == "ServiceName":
            return resource
        if kind == "ALIYUN::RAM::Role" and name == "Arn":
            role = self.text(
                properties.get("RoleName", resource), f"Resources.{resource}.Properties.RoleName"
            )
            return f"acs:ram::{self.account_id}:role/{role.lower()}"
        if name in properties:
            return self.value(properties[name], f"Resources.{resource}.Properties.{name}")
        raise TemplateError(f"{where}: {resource} has no attribute {name}")

    def _call(self, function: str, argument: Any, where: str) -> Any:
        where = f"{where}.{function}"
        if function == "Ref":
            return self._ref(argument, where)
        if function == "Fn::If":
            if not (isinstance(argument, list) and len(argument) == 3):
                raise TemplateError(f"{where}: a list of three is needed")
            return self.value(argument[1 if self.holds(argument[0], where) else 2], where)
        if function in _CONDITIONS:
            return self.holds({function: argument}, where)
        if function == "Fn::Sub":
            if not isinstance(argument, str):
                raise TemplateError(f"{where}: only the form with one string is known")
            return _PLACEHOLDER.sub(lambda match: str(self._sub(match[1], where)), argument)
        if function == "Fn::Calculate":
            return self._calculated(argument, where)
        if not (isinstance(argument, list) and len(argument) == 2):
            raise TemplateError(f"{where}: a list of two is needed")
        if function == "Fn::GetAtt":
            return self.attribute(str(argument[0]), str(argument[1]), where)
        if function == "Fn::Select":
            return self._selected(argument, where)
        if function == "Fn::Join":
            parts = self.value(argument[1], where)
            return self.text(argument[0], where).join(self.text(part, where) for part in parts)
        if function == "Fn::Split":
            return self.text(argument[1], where).split(self.text(argument[0], where))
        raise TemplateError(f"{where}: this function is not known")

    def _selected(self, argument: list[Any], where: str) -> Any:
        index, items = self.value(argument[0], where), self.value(argument[1], where)
        if not (isinstance(items, list) and str(index).isdigit() and int(index) < len(items)):
            raise TemplateError(f"{where}: a number below the length of a list is needed")
        return items[int(index)]

    def _calculated(self, argument: Any, where: str) -> int:
        """Of `['{0}-1', 0, [NUMBER]]`, one number less; nothing else is known."""
        expression, _, numbers = (
            argument if isinstance(argument, list) and len(argument) == 3 else ("", 0, [])
        )
        found, given = _CALCULATION.fullmatch(str(expression)), self.value(numbers, where)
        if found is None or len(given) != 1:
            raise TemplateError(f"{where}: only a number more or less than one number is known")
        return int(given[0]) + int(found[1].replace(" ", ""))

    def _sub(self, name: str, where: str) -> Any:
        resource, dot, attribute = name.partition(".")
        return self.attribute(resource, attribute, where) if dot else self._ref(name, where)

    def _ref(self, name: Any, where: str) -> Any:
        pseudo = {
            "ALIYUN::Region": self.region_id,
            "ALIYUN::TenantId": self.account_id,
            "ALIYUN::StackName": "local",
            "ALIYUN::NoValue": _NO_VALUE,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        raise TemplateError(f"{where}: no parameter {name}")


def parameters(
    declared: Mapping[str, Any], given: Mapping[str, str], derived: Mapping[str, str]
) -> dict[str, str | int | list[str]]:
    """Each declared parameter's value: given, else its default, else what the state has of it (`derived`)."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"Parameters.{unknown[0]}: the template has no such parameter")
    values: dict[str, str | int | list[str]] = {}
    for name, declaration in declared.items():
        default = declaration.get("Default", derived.get(name))
        text = given.get(name, default)
        if text is None:
            raise TemplateError(f"Parameters.{name}: it has no default, and no value was given")
        allowed = declaration.get("AllowedValues")
        if allowed and text not in allowed:
            raise TemplateError(f"Parameters.{name}: {text!r} is none of {', '.join(map(str, allowed))}")
        pattern = declaration.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, str(text)):
            raise TemplateError(f"Parameters.{name}: {text!r} does not match {pattern}")
        if declaration.get("Type") == "Boolean" and str(text).lower() not in {"true", "false"}:
            raise TemplateError(f"Parameters.{name}: {text!r} is none of true, false")
        if declaration.get("Type") == "Number":
            values[name] = _number(name, text, declaration)
            continue
        is_list = declaration.get("Type") == "CommaDelimitedList"
        plain = str(text).lower() if isinstance(text, bool) else str(text)
        values[name] = [item for item in plain.split(",") if item] if is_list else plain
    return values


def _number(name: str, text: Any, declaration: Mapping[str, Any]) -> int:
    low, high = declaration.get("MinValue", 0), declaration.get("MaxValue", 2**31)
    if not str(text).isdigit() or not low <= int(text) <= high:
        raise TemplateError(f"Parameters.{name}: a number from {low} to {high} is needed, not {text!r}")
    return int(text)
