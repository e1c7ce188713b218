"""RAM policies: whether a role may do an action on a resource (RAM, "Policy structure and syntax")."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy; `*` stands for any characters, `?` for one."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def pairs(self, action: str, resource: str) -> Iterator[tuple[str, str]]:
        """The pairs of the statement that speak of `action` on `resource`; action names have no case."""
        for known in self.actions:
            if _matches(known.lower(), action.lower()):
                yield from ((known, pattern) for pattern in self.resources if _matches(pattern, resource))


@dataclass(frozen=True, slots=True)
class RamPolicy:
    """The statements of a role: what none allows is denied, and a Deny wins over any Allow.

    `used` has what was granted and asked for, (action, resource) as the statements write them; `denied` has
    what was asked for in vain, as it was asked for.
    """

    statements: tuple[Statement, ...]
    used: set[tuple[str, str]] = field(default_factory=set, compare=False, repr=False)
    denied: set[tuple[str, str]] = field(default_factory=set, compare=False, repr=False)

    @property
    def granted(self) -> set[tuple[str, str]]:
        """Every (action, resource) that the statements allow."""
        allowed = (one for one in self.statements if one.effect == "Allow")
        return {(action, resource) for one in allowed for action in one.actions for resource in one.resources}

    def allows(self, action: str, resource: str) -> bool:
        """Whether `action` (`slb:DescribeRules`) is allowed on `resource` (an ARN, or `*`)."""
        found: dict[str, set[tuple[str, str]]] = {}
        for one in self.statements:
            found.setdefault(one.effect, set()).update(one.pairs(action, resource))
        allowed = bool(found.get("Allow")) and not found.get("Deny")
        if allowed:
            self.used.update(found["Allow"])
        else:
            self.denied.add((action, resource))
        return allowed


def statement(raw: Mapping[str, Any]) -> Statement:
    """A statement as a policy document writes it, its values resolved; ValueError names what is wrong."""
    effect, actions, resources = raw.get("Effect"), _texts(raw.get("Action")), _texts(raw.get("Resource"))
    if effect not in {"Allow", "Deny"}:
        raise ValueError(f"Effect: Allow or Deny, not {effect!r}")
    if not actions or not resources:
        raise ValueError("Action and Resource: a string or a list of strings, not empty")
    return Statement(effect, actions, resources)


def _texts(raw: Any) -> tuple[str, ...]:
    items: Iterable[Any] = [raw] if isinstance(raw, str) else raw if isinstance(raw, list) else []
    texts = tuple(items)
    return texts if all(isinstance(text, str) for text in texts) else ()


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    escaped = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(escaped), re.DOTALL)


def _matches(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None
