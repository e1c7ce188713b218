"""Native resources through the ROS CDK, with its validators on: names, types, ranges, and what is required.

Each resource is built with its properties resolved and written out again; what the CDK dropped it does not
know.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import tempfile
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from scripts.validate.faults import Fault
from scripts.validate.reading import Variant

with contextlib.redirect_stderr(io.StringIO()):  # which versions of Node.js are old is said at length
    import ros_cdk_core


def faults(variant: Variant) -> Iterator[Fault]:
    """Yield what the ROS CDK has against the resources."""
    for resource in variant.resources.values():
        where = f"Resources.{resource.name}"
        for what in _refused(resource.kind, json.dumps(resource.properties, sort_keys=True)):
            yield Fault("ros-resource", where, what)


@cache
def _refused(kind: str, written: str) -> tuple[str, ...]:
    properties = json.loads(written)
    try:
        made = _class(kind)
    except (ImportError, AttributeError, ValueError):
        return (f"the ROS CDK has no {kind}",)
    app = ros_cdk_core.App(outdir=tempfile.mkdtemp(prefix="validate-"))
    stack = ros_cdk_core.Stack(app, "stack")
    try:
        made(stack, "it", _struct(made.__init__, "props", properties), True)
        template = app.synth().get_stack_by_name("stack").template
    except (RuntimeError, TypeError, ValueError) as why:
        return (_sentence(str(why)),)
    told = template["Resources"]["it"].get("Properties", {})
    return tuple(_differences(properties, told, ""))


def _class(kind: str) -> Any:
    owner, product, name = kind.split("::")
    if owner != "ALIYUN":
        raise ValueError(kind)
    return getattr(importlib.import_module(f"ros_cdk_{product.lower()}"), f"Ros{name}")


def _struct(called: Any, argument: str, value: Any) -> Any:
    """A value as the CDK takes it: a dictionary with ROS's keys becomes the class that is asked for there."""
    return _built(typing.get_type_hints(called)[argument], value)


def _built(hint: Any, value: Any) -> Any:
    classes = list(_structs(hint))
    if isinstance(value, dict) and classes:
        hints = typing.get_type_hints(classes[0].__init__)
        named = {_snake(key): item for key, item in value.items()}
        return classes[0](**{key: _built(hints.get(key, Any), item) for key, item in named.items()})
    if isinstance(value, list):
        inner = [one for one in _flat(hint) if typing.get_origin(one) is not None]
        items = next((typing.get_args(one)[0] for one in inner if _is_sequence(one)), Any)
        return [_built(items, item) for item in value]
    return value


def _flat(hint: Any) -> Iterator[Any]:
    if typing.get_origin(hint) is typing.Union:
        for one in typing.get_args(hint):
            yield from _flat(one)
    else:
        yield hint


def _is_sequence(hint: Any) -> bool:
    return "Sequence" in str(typing.get_origin(hint))


def _structs(hint: Any) -> Iterator[Any]:
    for one in _flat(hint):
        if isinstance(one, type) and one.__name__.endswith(("Props", "Property")):
            yield one


def _snake(key: str) -> str:
    if key == "Id":  # every construct has an id of its own
        return "identity"
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key).lower()


def _differences(given: Any, told: Any, where: str) -> Iterator[str]:
    if isinstance(given, Mapping) and isinstance(told, Mapping):
        for key, item in given.items():
            if key not in told:
                yield f"{where}{key} is not known"
            else:
                yield from _differences(item, told[key], f"{where}{key}.")
    elif isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        for at, (one, other) in enumerate(zip(given, told, strict=True)):
            yield from _differences(one, other, f"{where}{at}.")
    elif given != told:
        yield f"{where.rstrip('.')}: {given!r} comes out as {told!r}"


def _sentence(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("at ", "Object creation", "Error: Resolution"))]
    return " ".join(told[:3])[:300] or lines[0][:300]
