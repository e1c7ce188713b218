"""The entry points that the templates name; the only place that wires things together."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler import context as contexts
from handler import logs, outcome, settings
from handler.cloud import credentials
from handler.cloud.client import Client
from handler.cloud.ecs import CloudEcs
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.context import Invocation
from handler.core.model.answers import CallFailed
from handler.core.model.steps import described
from handler.outcome import NotYet, Result
from handler.running import delivering
from handler.running.hooks import Completed
from handler.settings import Settings
from handler.triggers import reading, wsgi
from handler.triggers.reading import Delivery
from handler.triggers.wsgi import StartResponse

#: Seconds kept back of an invocation's time for the last reading, the hooks and the log.
MARGIN_S = 10.0


@dataclass
class _Instance:
    """What one instance of the function keeps from invocation to invocation."""

    settings: Settings
    client: Client | None = None


_instance: _Instance | None = None


class _Clock:
    """The running clock. Tests put their own in its place."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    jitter = staticmethod(random.random)


def initialize(context: Any) -> None:
    """Read the settings once for each instance; raises BadSettings, which says all that is wrong."""
    del context
    _start()


def _start() -> _Instance:
    global _instance  # noqa: PLW0603 - an instance of the function is one process
    _instance = _Instance(settings.load(os.environ))
    logs.configure(_instance.settings.log_level)
    return _instance


def swap(event: bytes | str | dict[str, object] | list[object], context: Any) -> Result:
    """Bring every target that a delivery concerns to where it should be.

    Raises: NotYet for what may pass, so that the platform delivers again.
    """
    instance = _instance or _start()
    invocation = contexts.read(context, os.environ)
    delivery = _read(event, instance, invocation)
    logs.bind(
        cold_start=logs.cold_start(),
        request_id=invocation.request_id,
        function_name=invocation.function,
        region=invocation.region,
        trigger=delivery.trigger,
        event_ids=list(delivery.event_ids),
    )
    try:
        return _answer(delivery, _run(delivery, instance, invocation, context))
    finally:
        logs.clear()


def _read(event: Any, instance: _Instance, invocation: Invocation) -> Delivery:
    secrets = instance.settings.secrets.values
    logs.redact(*secrets, *(secret.removeprefix("whsec_") for secret in secrets))
    return reading.read(
        event,
        targets=instance.settings.targets,
        region=invocation.region,
        now=time.time(),
        secrets=secrets,
    )


def _run(delivery: Delivery, instance: _Instance, invocation: Invocation, context: Any) -> Result:
    for ignored in delivery.ignored:
        logs.event("swap.ignored", reason=ignored.reason, detail=ignored.detail)
    for rejected in delivery.rejected:
        logs.event("swap.rejected", level="error", reason=rejected.reason, digest=rejected.digest)
    targets = _deliver(delivery, instance, invocation, context) if delivery.intents else []
    reasons = [ignored.reason for ignored in delivery.ignored]
    return outcome.summed_up(targets, delivery.rejected, reasons, invocation.request_id)


def _deliver(delivery: Delivery, instance: _Instance, invocation: Invocation, context: Any) -> list[Result]:
    """Run what a delivery asks for; returns the result of each target."""
    given = credentials.find(context, os.environ)
    logs.redact(*given.secrets())
    tokens = (hook.token for intent in delivery.intents for hook in intent.hooks)
    logs.redact_tokens(filter(None, tokens), (*instance.settings.names, invocation.function))
    client = _client(instance, given, invocation.region)
    clock = _Clock()
    deadline = clock.now() + invocation.timeout_s - min(MARGIN_S, invocation.timeout_s / 4)
    done, hooks = delivering.deliver(
        delivery.intents,
        instance.settings.targets,
        lambda: CloudSlb(client),
        CloudEss(client),
        CloudEcs(client),
        clock,
        deadline,
        calls=lambda: client.calls,
        log=_log,
    )
    results = [outcome.of_done(one) for one in done]
    for hook in hooks:
        _log_hook(hook)
    return outcome.with_hooks(results, hooks)


def _answer(delivery: Delivery, result: Result) -> Result:
    """Log a result, and return it in the form that the caller understands, or raise it."""
    raised = result["outcome"] == "raised"
    (logs.unfinished if raised else logs.completed)(result)
    if delivery.http:
        return outcome.as_http(result, delivery.rejected)
    if raised:
        reasons = [f"{t['target']}: {t['reason']}" for t in result["targets"] if t["outcome"] == "raised"]
        raise NotYet("; ".join(reasons))
    return result


def _client(instance: _Instance, given: credentials.Credentials, region: str) -> Client:
    if instance.client is None:
        chosen = instance.settings
        instance.client = Client(given, region, network=chosen.network, endpoint=chosen.endpoint)
    instance.client.renew(given)
    return instance.client


def _log(name: str, **said: Any) -> None:
    """Log what happens in a run: steps and answers in words."""
    step, answer = said.pop("step", None), said.pop("answer", None)
    if step is not None:
        said["step"] = described(step)
    if answer is not None:
        said |= {"result": answer.result, "code": answer.code, "api_request_id": answer.request_id}
        if answer.message:
            said["message"] = answer.message
    logs.event(name, **said)


def _log_hook(hook: Completed) -> None:
    hook_id, result, code = hook.hook.id, hook.result, hook.code
    if hook.failed:
        may_pass = hook.may_pass
        logs.event("hook.failed", level="error", hook_id=hook_id, result=result, code=code, may_pass=may_pass)
    elif result:
        logs.event("hook.completed", hook_id=hook_id, result=result, code=code)
    else:
        why = "a target in mode plan or off has a backend of it" if hook.kept_by_inactive else None
        logs.event("hook.left", hook_id=hook_id, detail=why)


def webhook(environ: Mapping[str, Any], start_response: StartResponse) -> list[bytes]:
    """Check a request's signature, hand the request on to ``swap``, and relay its answer.

    Function Compute 2.0 calls this for its HTTP trigger; on 3.0 the trigger is on ``swap`` itself.
    """
    context = environ.get("fc.context")
    instance = _instance or _start()
    invocation = contexts.read(context, os.environ)
    event = wsgi.event_of(environ)
    delivery = _read(event, instance, invocation)
    logs.bind(
        cold_start=logs.cold_start(),
        request_id=invocation.request_id,
        function_name=invocation.function,
        region=invocation.region,
        trigger="deployment",
        event_ids=list(delivery.event_ids),
    )
    try:
        if delivery.intents:
            response = _hand_on(event, delivery, instance, invocation, context)
        else:
            response = _answer(delivery, _run(delivery, instance, invocation, context))
    finally:
        logs.clear()
    return wsgi.respond(response, start_response)


def _hand_on(
    event: dict[str, Any], delivery: Delivery, instance: _Instance, invocation: Invocation, context: Any
) -> Mapping[str, Any]:
    """Invoke ``swap`` with the event, and wait for its answer unless the sender does not."""
    from handler.cloud.fc import Fc  # noqa: PLC0415 - only the webhook's function ever needs it

    service, function = instance.settings.function
    given = credentials.find(context, os.environ)
    logs.redact(*given.secrets())
    headers = event["headers"]
    asynchronous = wsgi.prefers_async(headers) or "x-github-event" in headers
    if asynchronous:
        headers["x-fc-invocation-type"] = "Async"  # so that swap raises what may pass, and is tried again
    fc = Fc(
        given,
        invocation.region,
        invocation.account_id,
        network=instance.settings.network,
        endpoint=instance.settings.endpoint,
        read_timeout_s=max(1.0, invocation.timeout_s - MARGIN_S),
    )
    result = outcome.summed_up([], [], [], invocation.request_id)
    try:
        invoked = fc.invoke(
            service,
            function,
            json.dumps(event).encode(),
            asynchronous=asynchronous,
            invocation_id=wsgi.invocation_id(delivery.event_ids) if asynchronous else None,
        )
    except CallFailed as failed:
        result |= {"outcome": "raised", "reason": failed.answer.code}
        logs.unfinished(result)
        return outcome.as_http(result)
    if asynchronous:
        result |= {"outcome": "accepted", "reason": None}
        logs.completed(result)
        return outcome.as_http(result)
    relayed = None if invoked.error_type else wsgi.relayed(invoked.body)
    if relayed is None:
        result |= {"outcome": "raised", "reason": "swap_failed"}
        logs.unfinished(result)
        return outcome.as_http(result)
    logs.event("webhook.relayed", status=relayed["statusCode"])
    return relayed
