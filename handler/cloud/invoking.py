"""What an invocation of a function returns, on both generations of Function Compute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Struct

from handler.cloud.errors import classify
from handler.core.model.answers import Answer, CallFailed

CONNECT_TIMEOUT_S: Final = 3.0

_ACTION: Final = "InvokeFunction"

#: The error type that Function Compute gives if the function was not reached.
_NOT_THE_FUNCTIONS: Final = "FcCommonError"

# Documents and SDKs use ErrorCode, errorCode, Code and code, and likewise for the others.
_CODE: Final = ("errorcode", "code")
_MESSAGE: Final = ("errormessage", "message")
_REQUEST_ID: Final = ("x-fc-request-id", "x-acs-request-id", "requestid")


class Invoked(Struct, frozen=True):
    """What an invocation gave. ``error_type`` is set if the function raised; ``body`` then has the error.

    ``repeated`` says that an asynchronous invocation of the same id was queued before, and this one was not.
    """

    status: int
    body: bytes
    error_type: str = ""
    repeated: bool = False


class Invoker(Protocol):
    """Invokes one function; its results and errors hold no key, token or signature."""

    def invoke(
        self, payload: bytes, *, asynchronous: bool = False, invocation_id: str | None = None
    ) -> Invoked:
        """Return what the function gave, or that the invocation is queued (202).

        ``invocation_id`` makes an asynchronous invocation the only one of its id. Raises CallFailed if the
        function was not reached: THROTTLED if all its instances are busy.
        """


def told(status: int, headers: Mapping[str, str], body: bytes, *, asynchronous: bool) -> Invoked:
    """Read an answer; ``headers`` have lower-case names.

    Raises CallFailed if the function was not reached.
    """
    error_type = headers.get("x-fc-error-type", "")
    if error_type and error_type != _NOT_THE_FUNCTIONS:
        return Invoked(status, body, error_type)
    if 200 <= status < 300 and not error_type:
        return Invoked(202 if asynchronous else status, body)
    if status == 409 and asynchronous:
        return Invoked(202, b"", repeated=True)
    said = _object(body)
    code = _first(said, _CODE) or "FC.Unknown"
    result = classify(_ACTION, code, status, _first(said, _MESSAGE))
    request_id = _first(headers, _REQUEST_ID) or _first(said, _REQUEST_ID)
    # The message is left out: for a wrong signature it repeats what was signed.
    raise CallFailed(Answer(result, code, f"HTTP status {status}", request_id))


def lost(error: Exception) -> CallFailed:
    """Return the failure of a call without an answer, by its kind alone: its text may hold what was sent."""
    code = "SDK.HttpError"
    return CallFailed(Answer(classify(_ACTION, code, None, ""), code, type(error).__name__))


def _object(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {name.lower(): value for name, value in said.items()} if isinstance(said, dict) else {}


def _first(said: Mapping[str, object], names: tuple[str, ...]) -> str:
    found = (said.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), "")
