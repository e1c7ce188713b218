"""The result of a call to the cloud: one of eight that decisions depend on."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from handler.core.model.values import Group


class Result(str, Enum):
    """How a call ended; the error table in ``handler.cloud.errors`` yields these."""

    APPLIED = "applied"
    BUSY = "busy"  #: a previous configuration is pending; nothing was done
    THROTTLED = "throttled"  #: too many calls; nothing was done
    UNKNOWN = "unknown"  #: the answer was lost or a server failed: the call may have been done
    BAD_BACKEND = "bad_backend"  #: at least one entry is refused
    OVER_QUOTA = "over_quota"  #: the load balancer can have no more backends
    GONE = "gone"  #: the group, the load balancer or the token is no longer there
    PERMANENT = "permanent"  #: the same call will be refused again


class Answer(Struct, frozen=True):
    """The result of one call. ``code`` and ``message`` are the API's own, without secrets.

    ``group`` is the whole group, if the answer listed it; ``action`` is set if the call failed.
    """

    result: Result
    code: str = ""
    message: str = ""
    request_id: str = ""
    group: Group | None = None
    action: str = ""

    @property
    def may_pass(self) -> bool:
        """Tell whether the same call may succeed after some waiting."""
        return self.result in {Result.BUSY, Result.THROTTLED, Result.UNKNOWN}

    @property
    def trouble(self) -> str:
        """What to call it while it is waited out: the result, or the API's code if that will not pass."""
        return self.result.value if self.may_pass else self.code or self.result.value


class CallFailed(Exception):  # noqa: N818 - it carries an answer, which may be a passing one
    """A read of the cloud that gave no data; ``answer`` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.result.value}: {answer.code} {answer.message}".strip())
        self.answer = answer
