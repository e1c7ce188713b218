"""What to do about a call to the cloud that failed, by its code."""

from __future__ import annotations

from typing import Final

from handler.core.model.answers import Answer, Result

RIGHTS: Final = "docs/deploying.md, Rights, lists them"

#: Remedies by how a code begins, in small letters. A code that is not here has none.
_BY_BEGINNING: Final = (
    ("forbidden", RIGHTS),
    ("forbbiden", RIGHTS),  # spelt so by the load balancer
    ("nopermission", RIGHTS),
    ("invalidaccesskey", "check the access key"),
    ("signaturedoesnotmatch", "check the access key"),
    ("incompletesignature", "check the access key"),
    ("invalidsecuritytoken", "renew the token"),
    ("missingsecuritytoken", "set ALIBABA_CLOUD_SECURITY_TOKEN"),
    ("invalidtimestamp", "set the clock of this machine"),
    ("illegaltimestamp", "set the clock of this machine"),
    ("sdk.httperror", "check the network"),
    ("sdk.serverunreachable", "check the network"),
)


def of(answer: Answer) -> str:
    """Return what to do about a failed call; empty if its code says all there is to say."""
    if answer.result is Result.THROTTLED:
        return "who else calls this API?"
    code = answer.code.casefold()
    return next((remedy for beginning, remedy in _BY_BEGINNING if code.startswith(beginning)), "")
