"""What can be decided after a look: do a step, wait, or finish."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from handler.core.model.steps import Step
from handler.core.model.values import Refusal

#: How a run ends. If a delivery has several outcomes, the first in this order counts.
Outcome = Literal[
    "raised",
    "rolled_back",
    "partial",
    "refused",
    "rejected",
    "applied",
    "accepted",
    "planned",
    "unchanged",
    "ignored",
]

Why = Literal["replace", "add", "weigh", "surge", "drain", "retire", "take_back", "put_back"]


class Do(Struct, frozen=True):
    """Do one step. ``gives_up`` are refusals that hold from now on, and are the reason for the step."""

    step: Step
    why: Why
    gives_up: tuple[Refusal, ...] = ()


class Wait(Struct, frozen=True):
    """Wait some seconds, then look again. If ``open_ended``, the wait ends by what others do, if at all.

    ``unproven`` are the new units that it waits for.
    """

    seconds: float
    why: str
    open_ended: bool = False
    unproven: tuple[str, ...] = ()


class Finish(Struct, frozen=True):
    """End the run. ``raised`` means that the cause may pass, so the platform has to deliver again."""

    outcome: Outcome
    reason: str | None = None
    refused: tuple[Refusal, ...] = ()
    unmanaged: tuple[str, ...] = ()


Decision = Do | Wait | Finish
