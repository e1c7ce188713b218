"""Resources with a Count: the template as ROS sees it, with so many of each in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def counted(document: Mapping[str, Any], number: Callable[[Any, str], int]) -> dict[str, Any]:
    """The template with NAME[0], NAME[1] ... for a resource NAME that has a Count; `number` resolves it.

    Elsewhere its name stands for the list of them; in each, ALIYUN::Index is its place.
    """
    resources: Mapping[str, Any] = document.get("Resources") or {}
    many = {
        name: [f"{name}[{at}]" for at in range(number(one["Count"], f"Resources.{name}.Count"))]
        for name, one in resources.items()
        if "Count" in one
    }
    made: dict[str, Any] = {}
    for name, one in resources.items():
        if name in many:
            plain = {key: value for key, value in one.items() if key != "Count"}
            made |= {each: _with(plain, many, at) for at, each in enumerate(many[name])}
        else:
            made[name] = _with(one, many, None)
    return {**document, "Resources": made, "Outputs": _with(document.get("Outputs") or {}, many, None)}


def _with(value: Any, many: Mapping[str, list[str]], at: int | None) -> Any:
    match value:
        case {"Ref": "ALIYUN::Index"} if at is not None:
            return at
        case {"Fn::GetAtt": [str(name), attribute]} if name in many:
            return [{"Fn::GetAtt": [each, attribute]} for each in many[name]]
        case dict():
            return {key: _with(_after(key, one, many), many, at) for key, one in value.items()}
        case list():
            return [_with(one, many, at) for one in value]
    return value


def _after(key: str, value: Any, many: Mapping[str, list[str]]) -> Any:
    if key != "DependsOn":
        return value
    return [
        each for name in ([value] if isinstance(value, str) else value) for each in many.get(name, [name])
    ]
