"""What is wrong with a value, for an operator: where it is, what was expected, what is nearest."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from handler.triggers.messages import shown

_KINDS = {
    "str": "text",
    "int": "a number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_OF_TYPES = {str: "str", int: "int", float: "float", bool: "bool", list: "array", dict: "object"}

# What msgspec says of a value: what it expected, what it got, and where.
_SAID = re.compile(r"(.*?)(?:, got `(\w+)`)?(?: - at `(?:\$|key in \$)([\w.\[\]]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$([\w.\[\]]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def kind_of(value: object) -> str:
    """Return the kind of a JSON value: text, a number, a list and so on."""
    return _KINDS[_OF_TYPES.get(type(value), "null")]


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ``, did you mean WORD?`` with the nearest known word, or nothing if none is near."""
    if not isinstance(word, str) or len(word) > 128:
        return ""
    import difflib  # noqa: PLC0415 - correct deliveries never need it

    by_small = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), by_small, 1)
    return f", did you mean {by_small[near[0]]}?" if near else ""


def broken(error: Exception) -> str:
    """Return where JSON is broken, by msgspec: cut, or at which byte."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    return str(error).removeprefix("JSON is malformed: ").replace("Input data was truncated", "it was cut")


def repeated_key(text: bytes | str) -> str | None:
    """Return a key that is twice in one object of valid JSON: which of the two was meant, nobody can tell."""
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        if len(dict(pairs)) < len(pairs):
            found.append(Counter(key for key, _ in pairs).most_common(1)[0][0])

    with suppress(RecursionError, ValueError):  # too deep, or a number of too many digits
        json.loads(text, object_pairs_hook=look)
    return found[0] if found else None


def in_words(
    error: Exception,
    value: object,
    *,
    expected: Mapping[str, str],
    choices: Mapping[str, Iterable[str]] = MappingProxyType({}),
    fields: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> tuple[str, str]:
    """Return the path of an error in a value, as in ``.ports[1]``, and the error, as a clause.

    ``error`` is msgspec's. ``expected``, ``choices`` (the words that a text may be) and ``fields`` (of an
    object) have paths without numbers as keys, as in ``.ports[]``. Of the value only the name of an unknown
    field is quoted.
    """
    unknown = _UNKNOWN.fullmatch(str(error))
    if unknown:  # first, since a field's name may look like a path
        path = unknown[2] or ""
        known = list(fields.get(_key(path), ()))
        hint = nearest(unknown[1], known) or f", expected one of {', '.join(known)}"
        return path, f"unknown field {shown(unknown[1])}{hint}"
    found = _SAID.fullmatch(str(error))
    what, got, path = (found[1], found[2], found[3] or "") if found else ("", None, "")
    key = _key(path)
    missing = _MISSING.fullmatch(what)
    if missing:
        return f"{path}.{missing[1]}", "required"
    if key in choices:
        hint = f", got {_KINDS[got]}" if got else nearest(value_at(path, value), choices[key])
        return path, f"expected one of {', '.join(choices[key])}{hint}"
    return path, f"expected {expected.get(key, 'another value')}" + (f", got {_KINDS[got]}" if got else "")


def _key(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)


def value_at(path: str, value: Any) -> object:
    """Return the value at a path, or None."""
    for name, number in _STEP.findall(path):
        try:
            value = value[name] if name else value[int(number)]
        except (LookupError, TypeError):
            return None
    return value
