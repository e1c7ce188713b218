"""Reading an object that came as JSON, key by key, so that every complaint names its key."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class FieldError(ValueError):
    """A key holds what it must not; the message begins with its path."""


class Fields:
    """One JSON object being read; every complaint names the path of the key it is about."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise FieldError(f"{path or 'state'}: an object is needed")
        self._value, self._path = value, path

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as it stands."""
        return self._value.get(key, default)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._value

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self._path}.{key}" if self._path else key

    def known(self, *keys: str) -> "Fields":
        """Refuse keys that are none of these: a misspelt key would be a silent default."""
        for key in self._value:
            if key not in keys:
                raise FieldError(f"{self.at(str(key))}: unknown; known are {', '.join(keys)}")
        return self

    def text(self, key: str, default: str | None = None, choices: tuple[str, ...] = ()) -> str:
        """A string; without a default it is required and not empty."""
        value = self._value.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (default is None and not value):
            raise FieldError(f"{self.at(key)}: a string is needed, not {value!r}")
        if choices and value not in choices:
            raise FieldError(f"{self.at(key)}: {value!r} is not one of {', '.join(choices)}")
        return value

    def optional(self, key: str) -> str | None:
        """A string or nothing; an empty one is nothing."""
        return self.text(key, "") or None

    def texts(self, key: str, choices: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of strings; none where the key is not there."""
        value = self._value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise FieldError(f"{self.at(key)}: a list of strings is needed")
        for n, item in enumerate(value):
            if choices and item not in choices:
                raise FieldError(f"{self.at(key)}[{n}]: {item!r} is not one of {', '.join(choices)}")
        return tuple(value)

    def strings(self, key: str) -> dict[str, str]:
        """An object whose values are strings; empty where the key is not there."""
        value = self._value.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise FieldError(f"{self.at(key)}: an object is needed")
        for name, item in value.items():
            if not isinstance(item, str):
                raise FieldError(f"{self.at(key)}.{name}: a string is needed, not {item!r}")
        return dict(value)

    def number(self, key: str, default: int | None, low: int, high: int) -> int:
        """A whole number in a range; without a default it is required."""
        value = self._value.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise FieldError(f"{self.at(key)}: a whole number from {low} to {high} is needed, not {value!r}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """A truth value."""
        value = self._value.get(key, default)
        if not isinstance(value, bool):
            raise FieldError(f"{self.at(key)}: true or false is needed, not {value!r}")
        return value

    def each(self, key: str, read: Callable[["Fields"], T], bare: str | None = None) -> tuple[T, ...]:
        """A list of objects, each read by `read`; with `bare`, a string stands for an object of that key."""
        value = self._value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise FieldError(f"{self.at(key)}: a list is needed")
        items = [{bare: item} if bare and isinstance(item, str) else item for item in value]
        return tuple(read(Fields(item, f"{self.at(key)}[{n}]")) for n, item in enumerate(items))
