"""The function ``webhook``: checks a request, hands it on to ``swap``, and relays the answer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from msgspec.structs import replace

from handler import context as contexts
from handler import logs, main, outcome
from handler.cloud import credentials
from handler.cloud.credentials import Credentials
from handler.cloud.invoking import Invoked, Invoker
from handler.context import DEFAULT_TIMEOUT_S, Invocation
from handler.core.model.answers import CallFailed
from handler.outcome import NotYet, Result
from handler.settings import BadSettings, Settings
from handler.triggers import door, http, reading, wsgi
from handler.triggers.door import Word
from handler.triggers.messages import Rejected, Unreadable, digest
from handler.triggers.reading import Delivery

#: Bytes of an asynchronous invocation's payload (Function Compute, Limits).
MAX_ASYNC: Final = 128 * 1024

#: Seconds within which an invocation has to be queued. GitHub waits for ten.
QUEUED_WITHIN_S: Final = 8.0

#: All that anybody is told of bad settings, as anybody may ask.
BAD_SETTINGS: Final = "the settings of the function are wrong: its log says how"


def webhook(given: Any, second: Any) -> Any:
    """Answer one request. Function Compute 3.0 passes an event and a context, 2.0 makes a WSGI call.

    Raises: NotYet for what may pass, if the platform itself has answered already.
    """
    if callable(second):
        return wsgi.respond(_answer(wsgi.event_of(given), given.get("fc.context")), second)
    return _answer(given, second)


def _answer(given: Any, context: Any) -> Result:
    try:
        instance, invocation = main.begin(context)
    except BadSettings as bad:
        return _unable(bad, given, context)
    chosen = instance.settings
    # In whole seconds, as they are handed on: what is fresh here must not be stale there.
    now = int(time.time())
    event, delivery = reading.read_request(
        given, targets=chosen.targets, now=now, secrets=chosen.secrets.values
    )
    with main.logged(invocation, delivery):
        if delivery.intents:
            response = _hand_on(event, delivery, now, chosen, invocation, context)
        else:
            response = _turn_away(delivery, invocation)
    if response["statusCode"] == 503 and http.is_async(event):
        raise NotYet(str(json.loads(response["body"])["reason"]))
    return response


def _unable(bad: BadSettings, given: Any, context: Any) -> Result:
    """Answer any request under bad settings, of which only the log has the details."""
    request_id = contexts.read(context, os.environ).request_id
    result = outcome.summed_up([], [], [], request_id) | {"outcome": "raised", "reason": BAD_SETTINGS}
    logs.configure()
    logs.event("swap.unfinished", level="error", **{**result, "reason": str(bad)})
    with suppress(Unreadable):
        if http.is_async(http.event_of(given)):
            raise NotYet(BAD_SETTINGS)
    return outcome.as_http(result)


def _turn_away(delivery: Delivery, invocation: Invocation) -> Result:
    """Answer a request that asks nothing of ``swap``."""
    main.log_unread(delivery)
    result = outcome.summed_up([], delivery.rejected, delivery.ignored, invocation.request_id)
    logs.event("swap.completed", **result)
    return outcome.as_http(result, delivery.rejected)


def _hand_on(
    event: Mapping[str, object],
    delivery: Delivery,
    now: int,
    settings: Settings,
    invocation: Invocation,
    context: Any,
) -> Result:
    """Invoke the target's writer with the request, and wait for its answer if the sender does."""
    request = http.request_of(event)
    asynchronous = door.prefers_async(request.headers) or http.is_async(event)
    word = Word(now, asynchronous)
    payload = json.dumps(
        door.handed_on(request.headers, request.body, word, settings.secrets.values)
    ).encode()
    if asynchronous and len(payload) > MAX_ASYNC:
        reason = f"the request: {len(payload)} bytes to be queued, which is more than {MAX_ASYNC}"
        rejected = (Rejected(reason, digest(request.body), 413),)
        return _turn_away(replace(delivery, intents=(), rejected=rejected), invocation)
    given = credentials.find(context, os.environ)
    result = outcome.summed_up([], [], [], invocation.request_id)
    try:
        writer = settings.writer_of(delivery.intents[0].target)
        invoked = _invoker(given, settings, invocation, writer, asynchronous=asynchronous).invoke(
            payload,
            asynchronous=asynchronous,
            invocation_id=door.invocation_id(delivery.event_ids, request.body) if asynchronous else None,
        )
    except CallFailed as failed:
        return _not_yet(result, reason=failed.answer.code)
    if asynchronous and not invoked.error_type:
        result |= {"outcome": "accepted", "reason": "queued_before" if invoked.repeated else None}
        logs.event("swap.completed", **result)
        return outcome.as_http(result)
    return _relay(result, invoked)


def _relay(result: Result, invoked: Invoked) -> Result:
    relayed = None if invoked.error_type else wsgi.relayed(invoked.body)
    if relayed is None:
        return _not_yet(result, reason="swap_failed")
    logs.event("webhook.relayed", status=relayed["statusCode"])
    return relayed


def _not_yet(result: Result, *, reason: str) -> Result:
    result |= {"outcome": "raised", "reason": reason}
    logs.event("swap.unfinished", level="warning", **result)
    return outcome.as_http(result)


def _invoker(
    given: Credentials,
    settings: Settings,
    invocation: Invocation,
    writer: tuple[str, str],
    *,
    asynchronous: bool,
) -> Invoker:
    """Return what invokes a writer: on Function Compute 2.0 if its name has a service."""
    service, function = writer
    endpoint = settings.endpoints.fc(invocation.account_id, invocation.region)
    time_left_s = max(1.0, (invocation.timeout_s or DEFAULT_TIMEOUT_S) - main.MARGIN_S)
    timeout_s = min(QUEUED_WITHIN_S, time_left_s) if asynchronous else time_left_s
    # A function only ever needs one of them.
    if service:
        from handler.cloud.fc import Fc  # noqa: PLC0415

        return Fc(given, endpoint, service, function, read_timeout_s=timeout_s)
    from handler.cloud.fc3 import Fc3  # noqa: PLC0415

    return Fc3(given, endpoint, function, read_timeout_s=timeout_s)
