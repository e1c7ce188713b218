"""What can be decided after a look: do a step, wait, or finish."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from handler.core.model.steps import Step
from handler.core.model.values import Refusal

#: How a run ends, in order of precedence where one delivery has several endings.
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
    """Do one step. ``gives_up`` is what is refused from now on, because of which the step is done."""

    step: Step
    why: Why
    gives_up: tuple[Refusal, ...] = ()


class Wait(Struct, frozen=True):
    """Wait some seconds, then look again. ``open_ended`` waits end by what others do, if at all.

    ``unproven`` are the new units that are waited for.
    """

    seconds: float
    why: str
    open_ended: bool = False
    unproven: tuple[str, ...] = ()


class Finish(Struct, frozen=True):
    """Nothing more is to be done. ``raised`` is what may pass: the platform is to deliver again."""

    outcome: Outcome
    reason: str | None = None
    refused: tuple[Refusal, ...] = ()
    unmanaged: tuple[str, ...] = ()


Decision = Do | Wait | Finish
