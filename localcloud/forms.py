"""The forms of an answer: plain as today's documents show it, or enveloped as the samples up to 2021 do."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

WHITE = "\t\n"


def enveloped(action: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """An envelope, numbers as strings, one object where a list has one, no Type where it is the default."""
    return {f"{action}Response": _old(value)}


def _old(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _old(v) for k, v in value.items() if not (k == "Type" and v == "ecs")}
    if isinstance(value, list):
        return _old(value[0]) if len(value) == 1 else [_old(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return str(value)


def xml(root: str, value: Mapping[str, Any]) -> bytes:
    """XML as the sample answers show it: a list is its element again and again."""
    return ('<?xml version="1.0" encoding="UTF-8"?>' + _element(root, value)).encode()


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(k, v) for k, v in value.items())}</{name}>"
    if isinstance(value, bool):
        return f"<{name}>{str(value).lower()}</{name}>"
    text = "" if value is None else "".join(c for c in str(value) if c.isprintable() or c in WHITE)
    return f"<{name}>{escape(text)}</{name}>"
