"""The log: a JSON object a line on stdout, with the invocation's keys and without secrets."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict

from handler import blinds

#: Above this, lists get lines of their own: Function Compute cuts lines at 32 KB (Function Compute, Limits).
LONGEST_LINE: Final = 24 * 1024

#: Room for what is added to a line: event, level, time, the numbers of a detail.
_ROOM: Final = 512

#: The longest value that is bound to an invocation, and so repeated in every line.
_LONGEST_BOUND: Final = 2048

#: How keys end, without case and separators, whose values are never logged.
_SECRET_KEYS: Final = (
    "accesskey",
    "accesskeyid",
    "authorization",
    "body",
    "password",
    "secret",
    "secrets",
    "signature",
    "signature256",
    "token",
)

_cold = True


def configure(level: str = "INFO") -> None:
    """Log from ``level`` up (DEBUG, INFO, WARNING, ERROR), one JSON object a line, to the current stdout."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _redacted,
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stdout),
        cache_logger_on_first_use=False,
    )


def cold_start() -> bool:
    """Tell whether this is the instance's first invocation: True once."""
    global _cold
    was, _cold = _cold, False
    return was


def bind(**keys: Any) -> None:
    """Add these keys to every line until ``clear``; a list that is too long to repeat, as its length."""
    structlog.contextvars.bind_contextvars(
        **{
            name: len(value) if isinstance(value, list) and _size(value) > _LONGEST_BOUND else value
            for name, value in _cleaned(keys).items()
        }
    )


def clear() -> None:
    """Forget the keys and secrets of an invocation that has ended."""
    structlog.contextvars.clear_contextvars()
    blinds.end()


def redact(*secrets: str) -> None:
    """Hide these secrets at least until the invocation ends."""
    blinds.add(secrets)


def redact_tokens(tokens: Iterable[str], names: Iterable[str]) -> None:
    """Hide the tokens in a message, which may be any words.

    A text that does not look like a token stays, and so does a part of one of ``names``: no message may take
    words out of the log.
    """
    known = tuple(names)
    blinds.add(token for token in tokens if blinds.looks_like_a_token(token, known))


def event(name: str, *, level: str = "info", exc_info: bool = False, **keys: Any) -> None:
    """Log what has happened; ``exc_info`` adds the exception that is being handled."""
    if exc_info:  # formatted here, not by a processor, so that it counts for the length of the line
        keys["exception"] = traceback.format_exc()
    keys = _cleaned(keys)
    log = getattr(structlog.get_logger(), level)
    room = LONGEST_LINE - _ROOM - _size(structlog.contextvars.get_contextvars())
    told = {key: _encoded(value) for key, value in keys.items()}
    if _size(told) <= room:
        log(name, **told)
        return
    counted, lists = _counted(keys, room)
    # A request that is tried again keeps its request_id, so that alone does not tell whose lists these are.
    whose = os.urandom(4).hex()
    log(name, **counted, details=whose)
    parts = [(path, part) for path, items in lists for part in _parts(items, room - len(path))]
    for number, (path, part) in enumerate(parts, 1):
        items = _encoded(part)
        log("swap.detail", of=name, details=whose, list=path, part=number, parts=len(parts), items=items)


def _counted(keys: dict[str, Any], room: int) -> tuple[dict[str, Any], list[tuple[str, list[Any]]]]:
    """Return the keys with lengths in place of lists, and the lists by their path.

    ``targets`` stays a list of what is left of each, if that fits.
    """
    lists: list[tuple[str, list[Any]]] = []

    def counted(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {key: counted(inner, f"{path}.{key}".lstrip(".")) for key, inner in value.items()}
        if path == "targets":
            return [counted(target, f"targets[{at}]") for at, target in enumerate(value)]
        if isinstance(value, list) and value:
            lists.append((path, value))
            return len(value)
        return value

    left = counted(keys, "")
    if _size(left) > room and isinstance(left.get("targets"), list):
        lists.insert(0, ("targets", left["targets"]))
        left["targets"] = len(left["targets"])
    return {key: _cut(_encoded(value), room // len(left)) for key, value in left.items()}, lists


def _parts(items: list[Any], room: int) -> Iterator[list[Any]]:
    """Yield the items in parts that each fit into a line."""
    part: list[Any] = []
    used = 0
    for item in map(_encoded, items):
        size = len(item) + 1
        if used + size > room and part:
            yield part
            part, used = [], 0
        part.append(_cut(item, room))
        used += size
    yield part


def _cut(told: msgspec.Raw, room: int) -> msgspec.Raw | str:
    """Return a value, or the beginning of its JSON if it does not fit into a line by itself."""
    if len(told) <= room:
        return told
    # A byte may become six, as an escape in a string within a string.
    return blinds.hide(bytes(told)[: room // 6].decode("utf-8", "ignore") + "...")


def _encoded(clean: Any) -> msgspec.Raw:
    """Return a cleaned value as JSON, so that it is not cleaned again."""
    return msgspec.Raw(msgspec.json.encode(clean))


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _as_json(_: Any, __: str, event_dict: EventDict) -> str:
    first = {key: event_dict.pop(key) for key in ("time", "level", "event")}
    return msgspec.json.encode({**first, **event_dict}).decode()


def _redacted(_: Any, __: str, event_dict: EventDict) -> EventDict:
    """Hide secrets in any line, whatever its source; encoded values were cleaned before."""
    return {
        key: value if type(value) is msgspec.Raw else _clean(key, value) for key, value in event_dict.items()
    }


def _cleaned(keys: dict[str, Any]) -> dict[str, Any]:
    """Return keys and their values in the types of JSON, without secrets."""
    return keys if _is_clean(keys) else _clean("", keys)


def _is_clean(keys: dict[str, Any]) -> bool:
    """Tell whether keys hold only types of JSON, and no secret; nearly all do, and to walk them is slower."""
    try:
        told = msgspec.json.encode(keys)
        if msgspec.json.decode(told) != keys:
            return False
    except (OverflowError, RecursionError, TypeError, ValueError, msgspec.MsgspecError):
        return False
    text = told.decode()
    if not blinds.shows_nothing(text):
        return False
    plain = _plain(text)
    return not any(f'{end}":' in plain for end in _SECRET_KEYS)


def _plain(text: str) -> str:
    """Return a text without case and separators, as the ends of secret keys are written."""
    return text.lower().replace("_", "").replace("-", "")


@lru_cache(1024)
def _is_secret(key: str) -> bool:
    return _plain(key).endswith(_SECRET_KEYS)


def _clean(key: str, value: Any) -> Any:
    """Return a value in the types of JSON, without secrets; an object as its text, which shows none."""
    if key and _is_secret(key):
        return blinds.HIDDEN
    kind = type(value)
    if kind is str and value.isascii():  # most are
        return blinds.hide(value)
    if value is None or isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**64):
        return value
    if kind is dict or isinstance(value, Mapping):
        return {blinds.hide(name := str(inner)): _clean(name, given) for inner, given in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", given) for given in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = value.value if isinstance(value, str) and isinstance(value, Enum) else str(value)
    return blinds.hide(text).encode("utf-8", "replace").decode()
