"""Triggers through the models of the FC 3.0 SDK: ROS takes any map for a trigger's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from alibabacloud_fc20230330 import models

from scripts.validate.faults import Fault

_MODELS: Final[Mapping[str, Any]] = {
    "http": models.HTTPTriggerConfig,
    "timer": models.TimerTriggerConfig,
    "eventbridge": models.EventBridgeTriggerConfig,
    "mns_topic": models.MNSTopicTriggerConfig,
}
_TYPES: Final[Mapping[str, type]] = {"str": str, "bool": bool, "int": int}


def faults(kind: str, config: Mapping[str, Any], where: str) -> Iterator[Fault]:
    """Yield what the SDK's model does not know, or takes in another type."""
    if kind not in _MODELS:
        yield Fault("trigger-type", where, f"one of {', '.join(_MODELS)}, not {kind!r}")
        return
    try:
        model = _MODELS[kind]().from_map(dict(config))
        model.validate()
        told = model.to_map()
    except (TypeError, ValueError, AttributeError) as why:
        yield Fault("trigger-config", where, str(why)[:200])
        return
    for key in _lost(config, told):
        yield Fault("trigger-config", where, f"{key} is not known")
    yield from (Fault("trigger-config", where, what) for what in _wrong_types(model))


def _lost(given: Any, told: Any, at: str = "") -> Iterator[str]:
    if not isinstance(given, Mapping):
        return
    for key, item in given.items():
        if not isinstance(told, Mapping) or key not in told:
            yield f"{at}{key}"
        else:
            yield from _lost(item, told[key], f"{at}{key}.")


def _wrong_types(model: Any) -> Iterator[str]:
    for name, hint in type(model).__init__.__annotations__.items():
        value = getattr(model, name, None)
        if value is None:
            continue
        expected = _TYPES.get(str(hint))
        if expected is not None and not isinstance(value, expected):
            yield f"{name} is a {expected.__name__}, not {value!r}"
        if re.match(r"List\[str\]", str(hint)) and not (
            isinstance(value, list) and all(isinstance(one, str) for one in value)
        ):
            yield f"{name} is a list of strings, not {value!r}"
        if hasattr(value, "to_map"):
            yield from _wrong_types(value)
