"""Values of a ROS template, its parameters, conditions and functions resolved (ROS, "Functions")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from scripts.validate.faults import Fault

REGION: Final = "cn-hangzhou"
ACCOUNT: Final = "1234567890123456"

#: Stands for a property that is left out (ALIYUN::NoValue).
NOTHING: Final = object()

_PSEUDO: Final[Mapping[str, Any]] = {
    "ALIYUN::Region": REGION,
    "ALIYUN::TenantId": ACCOUNT,
    "ALIYUN::StackName": "stack",
    "ALIYUN::NoValue": NOTHING,
}
#: Attributes that are no property of the resource, with a value such as they have.
_ATTRIBUTES: Final[Mapping[tuple[str, str], str]] = {
    ("ALIYUN::FC::Trigger", "UrlInternet"): "https://webhook.cn-hangzhou.fcapp.run",
    ("ALIYUN::FC3::Trigger", "UrlInternet"): "https://webhook.cn-hangzhou.fcapp.run",
}
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")
_EXPECTED: Final = {
    **{"Fn::GetAtt": 2, "Fn::Join": 2, "Fn::Split": 2, "Fn::Select": 2, "Fn::Calculate": 3},
    **{"Fn::If": 3, "Fn::Equals": 2},
}
#: What is calculated: one number, and how much more or less.
_CALCULATED: Final = re.compile(r"\{0\}([+-]\d+)")


class Resolver:
    """Resolves one template under one choice of parameters; what it cannot resolve goes to `faults`."""

    def __init__(self, document: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self._resources: Mapping[str, Any] = document.get("Resources") or {}
        self._conditions: Mapping[str, Any] = document.get("Conditions") or {}
        self._parameters = parameters
        self.faults: set[Fault] = set()
        self.used: set[str] = set()

    def value(self, raw: Any, where: str) -> Any:
        """`raw` with every function in it resolved."""
        if isinstance(raw, list):
            items = [self.value(item, f"{where}[{at}]") for at, item in enumerate(raw)]
            return [item for item in items if item is not NOTHING]
        if not isinstance(raw, dict):
            return raw
        name = next(iter(raw), None)
        if len(raw) == 1 and (name == "Ref" or str(name).startswith("Fn::")):
            return self._call(str(name), raw[name], f"{where}.{name}")
        found = {key: self.value(item, f"{where}.{key}") for key, item in raw.items()}
        return {key: item for key, item in found.items() if item is not NOTHING}

    def number(self, raw: Any, where: str) -> int:
        """A Count: 0 or more."""
        found = _text(self.value(raw, where))
        if not found.isdigit():
            self._fault("count", where, f"a number, 0 or more, not {found!r}")
            return 0
        return int(found)

    def holds(self, condition: Any, where: str) -> bool:
        """Whether a condition holds, given by name or as a function."""
        if isinstance(condition, str):
            if condition not in self._conditions:
                self._fault("unknown-condition", where, f"no condition {condition}")
                return True
            return self.holds(self._conditions[condition], f"Conditions.{condition}")
        name, argument = next(iter(condition.items())) if isinstance(condition, dict) else ("", None)
        if name == "Fn::Not" and isinstance(argument, str | dict):
            return not self.holds(argument, where)
        if name in {"Fn::And", "Fn::Or"} and isinstance(argument, list):
            each = [self.holds(one, where) for one in argument]
            return all(each) if name == "Fn::And" else any(each)
        if name == "Fn::Equals" and isinstance(argument, list) and len(argument) == 2:
            first, second = (_text(self.value(one, where)) for one in argument)
            return first == second
        self._fault(
            "condition-form", where, "Fn::Not has one condition; Fn::And, Fn::Or and Fn::Equals a list"
        )
        return True

    def _call(self, function: str, argument: Any, where: str) -> Any:
        if function == "Ref":
            return self._ref(str(argument), where)
        if function == "Fn::Sub":
            return _PLACEHOLDER.sub(lambda match: _text(self._sub(match[1], where)), str(argument))
        if function not in _EXPECTED or function == "Fn::Equals":
            self._fault("unknown-function", where, f"{function} is not known here")
            return ""
        if not (isinstance(argument, list) and len(argument) == _EXPECTED[function]):
            self._fault("unknown-function", where, f"{function} has a list of {_EXPECTED[function]}")
            return ""
        if function == "Fn::GetAtt":
            return self._attribute(str(argument[0]), str(argument[1]), where)
        if function == "Fn::If":
            chosen = argument[1] if self.holds(argument[0], where) else argument[2]
            self.value([argument[1], argument[2]], where)  # both must resolve
            return self.value(chosen, where)
        if function == "Fn::Calculate":
            return self._calculated(argument, where)
        separator, rest = (self.value(one, where) for one in argument)
        if function == "Fn::Select":
            return self._selected(separator, rest, where)
        if function == "Fn::Join":
            return str(separator).join(_text(part) for part in rest)
        return str(rest).split(str(separator))

    def _selected(self, index: Any, items: Any, where: str) -> Any:
        if isinstance(items, list) and _text(index).isdigit() and int(index) < len(items):
            return items[int(index)]
        self._fault("selected", where, f"{index!r} is not below the length of a list")
        return ""

    def _calculated(self, argument: list[Any], where: str) -> Any:
        found, numbers = _CALCULATED.fullmatch(str(argument[0])), self.value(argument[2], where)
        if found and isinstance(numbers, list) and len(numbers) == 1 and _text(numbers[0]).isdigit():
            return int(numbers[0]) + int(found[1])
        self._fault("unknown-function", where, "Fn::Calculate is known of one number, and one more or less")
        return ""

    def _sub(self, name: str, where: str) -> Any:
        resource, dot, attribute = name.partition(".")
        return self._attribute(resource, attribute, where) if dot else self._ref(name, where)

    def _ref(self, name: str, where: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        self.used.add(name)
        if name not in self._parameters:
            self._fault("unknown-reference", where, f"no parameter {name}")
            return ""
        return self._parameters[name]

    def _attribute(self, resource: str, name: str, where: str) -> Any:
        found = self._resources.get(resource)
        if found is None:
            self._fault("unknown-reference", where, f"no resource {resource}")
            return ""
        kind, properties = found.get("Type", ""), found.get("Properties") or {}
        if kind == "ALIYUN::RAM::Role" and name == "Arn":
            role = self.value(
                properties.get("RoleName", resource), f"Resources.{resource}.Properties.RoleName"
            )
            return f"acs:ram::{ACCOUNT}:role/{_text(role).lower()}"
        if name in properties:
            return self.value(properties[name], f"Resources.{resource}.Properties.{name}")
        if (kind, name) not in _ATTRIBUTES:
            self._fault("unknown-attribute", where, f"{kind} has no {name}")
        return _ATTRIBUTES.get((kind, name), "")

    def _fault(self, name: str, where: str, what: str) -> None:
        self.faults.add(Fault(name, where, what))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
