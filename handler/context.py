"""An invocation's context, in the form of any runtime of Function Compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

#: Seconds that an invocation has at least, if the context does not say (Function Compute's default).
DEFAULT_TIMEOUT_S = 60.0


class Invocation(Struct, frozen=True):
    """The current invocation. ``timeout_s`` counts from its start; None if the context does not say."""

    request_id: str
    region: str
    account_id: str
    function: str
    timeout_s: float | None


def read(context: Any, environ: Mapping[str, str]) -> Invocation:
    """Read a context. That of python3.12 has fewer fields, and others give numbers as text."""
    function = getattr(context, "function", None)
    return Invocation(
        request_id=_text(context, "request_id"),
        region=_text(context, "region") or environ.get("FC_REGION", ""),
        account_id=_text(context, "account_id") or environ.get("FC_ACCOUNT_ID", ""),
        function=_text(function, "name") or environ.get("FC_FUNCTION_NAME", ""),
        timeout_s=_seconds(getattr(function, "timeout", None)),
    )


def _text(holder: Any, name: str) -> str:
    return str(getattr(holder, name, None) or "")


def _seconds(said: Any) -> float | None:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < float("inf") else None
