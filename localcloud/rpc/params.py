"""Parameters of an RPC call, taken by name."""

import re
from collections.abc import Mapping
from typing import TypeVar

from localcloud.rpc.errors import ApiError

Default = TypeVar("Default", int, None)


def optional(params: Mapping[str, str], name: str) -> str | None:
    """A parameter, or None; the ESS heartbeat's names begin with a small letter, others with a capital."""
    return params.get(name) or params.get(name[0].lower() + name[1:]) or None


def required(params: Mapping[str, str], name: str) -> str:
    """A parameter that has to be there (common error MissingParameter)."""
    value = optional(params, name)
    if value is None:
        message = (
            f'The input parameter "{name}" that is mandatory for processing this request is not supplied.'
        )
        raise ApiError("MissingParameter", message)
    return value


def number(params: Mapping[str, str], name: str, default: Default, low: int, high: int) -> int | Default:
    """A whole number in a range, or the default."""
    value = optional(params, name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ApiError("InvalidParameter", f"The specified parameter {name} is not valid.", 400)
    return int(value)


def flag(params: Mapping[str, str], name: str) -> bool:
    """A truth value, false unless it says true, in whatever case."""
    return (optional(params, name) or "").lower() == "true"


def indexed(params: Mapping[str, str], name: str) -> list[str]:
    """The values of `Name.1`, `Name.2` and so on, in order; a JSON array or a bare `Name` is taken too."""
    found = [(int(m[1]), v) for k, v in params.items() if (m := re.fullmatch(rf"{name}\.(\d+)", k)) and v]
    if not found and (bare := optional(params, name)):
        return [part.strip(' "[]') for part in bare.split(",")]
    return [value for _, value in sorted(found)]
