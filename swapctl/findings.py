"""What a check finds: a line that is good, to look at, or wrong, and the remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of ``slb-swap check``; ``about`` is a key of the settings, a target, or a part of the cloud."""

    level: Literal["good", "look", "wrong"]
    about: str
    what: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts."""
        return asdict(self)


def good(about: str, what: str) -> Finding:
    """Return a line that is as it should be."""
    return Finding("good", about, what)


def look(about: str, what: str, remedy: str = "") -> Finding:
    """Return a line that may be meant so."""
    return Finding("look", about, what, remedy)


def wrong(about: str, what: str, remedy: str = "") -> Finding:
    """Return a line that keeps the function from doing its work."""
    return Finding("wrong", about, what, remedy)
