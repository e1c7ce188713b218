"""How a command ends: its exit codes, and what is said of an end that is not good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DONE: Final = 0
FAILED: Final = 1
#: There is something to do, or to see.
TO_SEE: Final = 2
#: The command was not used as it is meant (EX_USAGE of sysexits.h).
WRONG_USE: Final = 64

#: The code of each outcome of the function.
_OF_OUTCOME: Final[Mapping[str, int]] = {
    "raised": FAILED,
    "rolled_back": FAILED,
    "partial": FAILED,
    "refused": FAILED,
    "rejected": FAILED,
    "applied": DONE,
    "accepted": DONE,
    "planned": TO_SEE,
    "unchanged": DONE,
    "ignored": DONE,
}


class Failed(Exception):  # noqa: N818 - it ends a command
    """The command cannot do what it was asked to; each argument is a line that says why. Ends with 1."""

    code = FAILED


class WrongUse(Failed):
    """The command was not used as it is meant. Ends with 64."""

    code = WRONG_USE


def of_answer(result: Mapping[str, Any]) -> int:
    """Return the exit code of what the function did, or said that it would do."""
    return _OF_OUTCOME.get(str(result.get("outcome")), FAILED)


def of_plan(result: Mapping[str, Any]) -> int:
    """Return the exit code of a plan: what is refused is to be seen, and is no failure of the plan.

    A group that could not be read is one.
    """
    if any(target["plan_id"] is None for target in result["targets"]):
        return FAILED
    to_see = {"partial", "refused"} & {str(result.get("outcome"))}
    refused = any(target["refused"] for target in result["targets"])
    code = of_answer(result)
    return TO_SEE if to_see or (refused and code == DONE) else code
