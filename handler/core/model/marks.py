"""Marks: descriptions that say what we did to a backend, so that no run has to remember it.

| description   | weight  | says                                                                       |
|---------------|---------|----------------------------------------------------------------------------|
| `slb-swap/web`| any     | added by us, for the target ``web``                                        |
| `slb-swap.web`| 0       | ... and waits for its weight, beside the backend server that it replaces   |
| `swap-30/web` | 0       | ... and is drained by us, from weight 30                                   |
| `swap_30/web` | 0       | not ours, had no description; drained by us, from weight 30                |
| `swap_/web`   | above 0 | ... and put back; it means nothing, but no call can empty a description    |

A description may have 80 characters (AddVServerGroupBackendServers), so a target's name may have 71.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from handler.core.model.values import Backend

#: A mark of any target, ours or not.
_MARK = re.compile(r"slb-swap[/.].+|swap[-_]\d{0,3}/.+", re.DOTALL)
_DRAINED = re.compile(r"swap([-_])(\d{1,3})/(.+)", re.DOTALL)


class Marks(Struct, frozen=True):
    """The marks of one target, by its name."""

    target: str

    @property
    def ours(self) -> str:
        """The mark of a backend that we added."""
        return f"slb-swap/{self.target}"

    @property
    def waiting(self) -> str:
        """The mark of a backend that we added at weight 0; it gets its weight once it is healthy."""
        return f"slb-swap.{self.target}"

    @property
    def _void(self) -> str:
        return f"swap_/{self.target}"

    def drained_from(self, backend: Backend) -> int | None:
        """Return the weight from which we drained a backend; None if we did not."""
        found = _DRAINED.fullmatch(backend.description) if backend.weight == 0 else None
        return int(found[2]) if found and found[3] == self.target and 0 < int(found[2]) <= 100 else None

    def drained(self, backend: Backend) -> Backend:
        """Return a backend at weight 0; its description keeps the former weight if it is ours or empty."""
        if backend.description == self.ours:
            word = f"swap-{backend.weight}/{self.target}"
        elif self.is_free(backend.description):
            word = f"swap_{backend.weight}/{self.target}"
        else:
            word = backend.description
        return replace(backend, weight=0, description=word)

    def put_back(self, backend: Backend) -> Backend:
        """Return a backend that we drained as it was before, as far as a call can restore it."""
        weight = self.drained_from(backend)
        return backend if weight is None else replace(backend, weight=weight, description=self.kept(backend))

    def kept(self, backend: Backend) -> str:
        """Return the description that a backend keeps once its drain is over."""
        found = _DRAINED.fullmatch(backend.description)
        if found is None or found[3] != self.target:
            return backend.description
        return self.ours if found[1] == "-" else self._void

    def handed_on(self, description: str) -> str:
        """Return the description that a replacement takes over: empty if it is a mark of any target."""
        return "" if _MARK.fullmatch(description) else description

    def is_free(self, description: str) -> bool:
        """Tell whether a description is empty, or a mark in place of an empty one."""
        return description in {"", self._void} or (
            description.startswith("swap_") and self._is_drained(description)
        )

    def remembers(self, description: str) -> bool:
        """Tell whether the weight of a backend with this description survives a drain that is cut short."""
        return description == self.ours or self.is_free(description) or self._is_drained(description)

    def owns(self, backend: Backend) -> bool:
        """Tell whether we added a backend."""
        said = backend.description
        return said in {self.ours, self.waiting} or (said.startswith("swap-") and self._is_drained(said))

    def _is_drained(self, description: str) -> bool:
        found = _DRAINED.fullmatch(description)
        return found is not None and found[3] == self.target
