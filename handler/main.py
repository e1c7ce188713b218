"""The function ``swap``, the only writer: connects deliveries, runs and results."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from msgspec import Struct

from handler import context as contexts
from handler import logs, outcome, settings
from handler.cloud import credentials
from handler.cloud.client import Client
from handler.cloud.ecs import CloudEcs
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.context import DEFAULT_TIMEOUT_S, Invocation
from handler.core.model.steps import described
from handler.core.model.values import Intent
from handler.outcome import NotYet, Result
from handler.running import beside, delivering
from handler.running.hooks import Completed
from handler.running.ports import Means
from handler.settings import BadSettings, Settings
from handler.triggers import keys, reading
from handler.triggers.reading import Delivery

#: Seconds of an invocation's time that are kept for the last reading, the hooks and the log.
MARGIN_S = 10.0


class _Instance(Struct):
    """What an instance of the function keeps between invocations."""

    settings: Settings
    client: Client | None = None


_instance: _Instance | None = None


class _Clock:
    """The real clock; tests replace it."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
    jitter = staticmethod(random.random)


#: How two services are asked at once; tests that need a fixed order of calls replace it.
_beside = beside.in_thread


def initialize(context: Any) -> None:
    """Read the settings once for each instance.

    Bad ones are left to the invocations: what is raised here is told to whoever sent an HTTP request.
    """
    del context
    with suppress(BadSettings):
        _start()


def _start() -> _Instance:
    global _instance  # noqa: PLW0603 - an instance of the function is one process
    _instance = _Instance(settings.load(os.environ))
    logs.configure(_instance.settings.log_level)
    return _instance


def swap(event: bytes | str | dict[str, object] | list[object], context: Any) -> Result:
    """Bring every target that a delivery concerns to where it should be.

    Raises: NotYet for what may pass, so that the platform delivers again; BadSettings, which lists all that
    is wrong.
    """
    instance, invocation = begin(context)
    chosen = instance.settings
    delivery = reading.read(
        event,
        targets=chosen.targets,
        region=invocation.region,
        now=time.time(),
        secrets=chosen.secrets.values,
    )
    with logged(invocation, delivery):
        return _answer(delivery, _run(delivery, instance, invocation, context))


def begin(context: Any) -> tuple[_Instance, Invocation]:
    """Return what an invocation begins with. From now on its keys and the webhook's secrets are hidden.

    They are never told, be it in the reason of what cannot be read. If the instance was not initialized, the
    settings are read now; raises BadSettings.
    """
    instance = _instance or _start()
    invocation = contexts.read(context, os.environ)
    with suppress(credentials.NoCredentials):
        logs.redact(*credentials.find(context, os.environ).secrets())
    logs.redact(*keys.texts(instance.settings.secrets.values))
    return instance, invocation


@contextmanager
def logged(invocation: Invocation, delivery: Delivery) -> Iterator[None]:
    """Say in each line of a block which invocation it is of, and forget its secrets at the end."""
    logs.bind(
        cold_start=logs.cold_start(),
        request_id=invocation.request_id,
        function_name=invocation.function,
        region=invocation.region,
        trigger=delivery.trigger,
        event_ids=list(delivery.event_ids),
    )
    try:
        yield
    finally:
        logs.clear()


def _run(delivery: Delivery, instance: _Instance, invocation: Invocation, context: Any) -> Result:
    tokens = (hook.token for intent in delivery.intents for hook in intent.hooks)
    logs.redact_tokens(filter(None, tokens), (*instance.settings.names, invocation.function))
    log_unread(delivery)
    known = {target.name: target for target in instance.settings.targets}
    if any(target.writer == "unsaid" for target in known.values()):
        raise BadSettings(("SWAP_SHARD: required for swap; SWAP_WRITERS without it is for webhook",))
    ours: list[Intent] = []
    targets: list[Result] = []
    for intent in delivery.intents:
        target = known[intent.target]
        if target.writer == "us":
            ours.append(intent)
        else:
            targets.append(outcome.of_another(target, intent))
    if ours:
        targets += _deliver(ours, instance, invocation, context)
    return outcome.summed_up(targets, delivery.rejected, delivery.ignored, invocation.request_id)


def log_unread(delivery: Delivery) -> None:
    """Log the records of a delivery that ask nothing of us, and those that are rejected."""
    for ignored in delivery.ignored:
        logs.event("swap.ignored", reason=ignored.reason, detail=ignored.detail)
    for rejected in delivery.rejected:
        logs.event("swap.rejected", level="error", reason=rejected.reason, digest=rejected.digest)


def _deliver(
    intents: Sequence[Intent], instance: _Instance, invocation: Invocation, context: Any
) -> list[Result]:
    """Run what a delivery asks for, and return the result of each target."""
    given = credentials.find(context, os.environ)
    client = _client(instance, given, invocation.region)
    clock = _Clock()
    means = Means(
        slb=lambda reader: CloudSlb(client, reader),
        ess=CloudEss(client),
        ecs=CloudEcs(client),
        clock=clock,
        deadline=clock.now() + _time_left(instance.settings, invocation.timeout_s),
        log=_log,
        beside=_beside,
    )
    targets = instance.settings.targets
    done, hooks = delivering.deliver(intents, targets, means, calls=lambda: client.calls)
    results = [outcome.of_done(one) for one in done]
    for hook in hooks:
        _log_hook(hook)
    return outcome.with_hooks(results, hooks)


def _time_left(chosen: Settings, timeout_s: float | None) -> float:
    """Return the seconds that the runs have; if the context does not say, as many as the settings need.

    Raises BadSettings if a target needs more than the function's time: no run would ever begin.
    """
    needed = {target.name: target.policy.time_needed_s for target in chosen.targets if target.mode == "apply"}
    if timeout_s is None:
        timeout_s = max(DEFAULT_TIMEOUT_S, max(needed.values(), default=0.0) + MARGIN_S)
    left = timeout_s - min(MARGIN_S, timeout_s / 4)
    too_long = [
        f"targets {name!r}: 5 s to look, health.timeout_s, drain_s and 10 s to roll back take {seconds:g} s, "
        f"expected at most {left:g} s: the function's time is {timeout_s:g} s"
        for name, seconds in needed.items()
        if seconds > left
    ]
    if too_long:
        raise BadSettings(tuple(too_long))
    return left


def _answer(delivery: Delivery, result: Result) -> Result:
    """Log a result, and return it in the form that the caller expects, or raise it."""
    raised = result["outcome"] == "raised"
    if raised:
        logs.event("swap.unfinished", level="warning", **result)
    else:
        logs.event("swap.completed", **result)
    if delivery.http:
        return outcome.as_http(result, delivery.rejected)
    if raised:
        reasons = [f"{t['target']}: {t['reason']}" for t in result["targets"] if t["outcome"] == "raised"]
        raise NotYet("; ".join(reasons))
    return result


def _client(instance: _Instance, given: credentials.Credentials, region: str) -> Client:
    if instance.client is None:
        instance.client = Client(given, region, instance.settings.endpoints)
    instance.client.renew(given)
    return instance.client


def _log(name: str, **said: Any) -> None:
    """Log what happens in a run, with steps and answers in words."""
    step, answer = said.pop("step", None), said.pop("answer", None)
    if step is not None:
        said["step"] = described(step)
    if answer is not None:
        said |= {"result": answer.result, "code": answer.code, "api_request_id": answer.request_id}
        if answer.action:
            said["action"] = answer.action
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
