"""Targets, and how each may be changed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from handler.core.model.marks import Marks
from handler.core.model.values import Strategy

Mode = Literal["apply", "plan", "off"]

#: Who writes to a target: this function, another one, nobody while its writer changes, or unsaid at the door.
Writer = Literal["us", "another", "nobody", "unsaid"]

#: Backend servers that one call may carry, as documented for every write to a VServer group.
MAX_PER_CALL = 20

#: Seconds that a rollback may take: its calls, and a busy load balancer between them.
WAY_BACK_S = 10.0

#: Seconds that the first look may take.
FIRST_LOOK_S = 5.0


class Policy(Struct, frozen=True):
    """How a target may be changed; the defaults are those of ``SWAP_TARGETS``. Times are in seconds."""

    marks: Marks
    ports: tuple[int, ...] = ()
    weight: int | None = None
    strategy: Strategy = "swap"
    max_unavailable: int | str = "25%"
    min_backends: int = 1
    max_removed: int | str = "50%"
    exclusive: bool = False
    drain_s: float = 0
    health_timeout_s: float = 120
    health_interval_s: float = 2
    max_per_call: int = MAX_PER_CALL

    @property
    def time_needed_s(self) -> float:
        """How many seconds a run needs to replace any server: a look, health, drain and a rollback."""
        return FIRST_LOOK_S + self.health_timeout_s + self.drain_s + WAY_BACK_S


class Target(Struct, frozen=True):
    """A configured VServer group, with its scaling groups and its policy.

    ``load_balancer_id`` is the settings', None if unset; only the sharing among writers needs it.
    """

    name: str
    vserver_group_id: str
    scaling_group_ids: tuple[str, ...]
    mode: Mode
    policy: Policy
    load_balancer_id: str | None = None
    writer: Writer = "us"
