"""The function's client in the hands of an operator: failures name their action, and end sooner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from handler.cloud.client import Client
from handler.core.model.answers import CallFailed, Result

#: What may pass for the function, which gets a new token for each invocation, but not for a command: its
#: token and the clock of its machine stay as they are.
_STAYS: Final = {"invalidsecuritytoken.expired", "invalidtimestamp.expired", "illegaltimestamp"}


class Asking(Client):
    """The client of a command."""

    def call(
        self, request_class: type[Any], params: Mapping[str, str], body: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Make a call. Raises CallFailed, whose message begins with the action as rights name it."""
        try:
            return super().call(request_class, params, body)
        except CallFailed as failed:
            answer, request = failed.answer, request_class()
            action = f"{request.get_product().lower()}:{request.get_action_name()}"
            result = Result.PERMANENT if answer.code.casefold() in _STAYS else answer.result
            told = f"{action}: {answer.message}".rstrip(": ")
            raise CallFailed(replace(answer, result=result, message=told)) from None
