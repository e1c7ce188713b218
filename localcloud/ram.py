"""RAM policies: whether a role may do an action on a resource (RAM, "Policy structure and syntax")."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy; `*` stands for any characters, `?` for one."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def matches(self, action: str, resource: str) -> bool:
        """Whether the statement speaks of `action` on `resource`; action names have no case."""
        return any(_matches(pattern.lower(), action.lower()) for pattern in self.actions) and any(
            _matches(pattern, resource) for pattern in self.resources
        )


@dataclass(frozen=True, slots=True)
class RamPolicy:
    """The statements of a role: what none allows is denied, and a Deny wins over any Allow."""

    statements: tuple[Statement, ...]

    def allows(self, action: str, resource: str) -> bool:
        """Whether `action` (`slb:DescribeRules`) is allowed on `resource` (an ARN, or `*`)."""
        effects = {statement.effect for statement in self.statements if statement.matches(action, resource)}
        return "Allow" in effects and "Deny" not in effects


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
