"""``slb-swap explain``: what a delivery is, envelope by envelope, and what it asks of which target."""

from __future__ import annotations

import json as jsons
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from handler.core.model.values import Cause, Intent, Scope, ServerRef
from handler.core.planning.merging import merge
from handler.triggers import envelopes
from handler.triggers.envelopes import parse
from handler.triggers.messages import Message, Unreadable
from swapctl import access, given, options, view
from swapctl import plan as planner
from swapctl.ending import DONE, FAILED

#: Why a server is named, in words.
_CAUSES: Mapping[Cause, str] = {
    Cause.REQUESTED: "",
    Cause.GONE: "gone",
    Cause.DELETED: "deleted, says ECS",
    Cause.FINISHED: "by a finished activity",
    Cause.HOOK: "by a lifecycle hook",
    Cause.INTERRUPTED: "about to be reclaimed",
}
#: What is known by which field, for the words of an envelope.
_FORMS = (
    ("requestPayload", "the payload of an asynchronous destination"),
    ("triggerTime", "the timer's event"),
    ("messageBody", "a message of an MNS queue"),
    ("TopicName", "a message of an MNS topic"),
    ("attrs", "a message of an MNS topic, with attributes"),
)


def command(
    event: Annotated[Path, typer.Argument(metavar="EVENT", help="a delivery as bytes; - for stdin")],
    targets: options.Targets = None,
    region: Annotated[str, typer.Option("--region", help="the function's; default: any")] = "",
    json: options.Json = False,
) -> int:
    """Show what a delivery is and what it asks of which target, or why it is ignored or rejected.

    No network is used. A signature is checked as of now; a file that says how it is to be signed
    (as those of events/ do) counts as signed so.
    """
    if region:
        access.like_a_region(region)
    settings = given.load(given.environment(targets))
    raw = given.content(event)
    delivery = planner.read(raw, settings, region)
    told = {
        "envelopes": list(_envelopes(raw)),
        "asks": [_intent(one) for one in merge(delivery.intents)],
        "ignored": [{"reason": one.reason, "detail": one.detail} for one in delivery.ignored],
        "rejected": [{"reason": one.reason, "status": one.status} for one in delivery.rejected],
    }
    if json:
        view.as_json(told)
    else:
        _print(told, raw)
    return FAILED if delivery.rejected and not delivery.intents else DONE


def _envelopes(raw: bytes) -> Iterator[dict[str, Any]]:
    """Yield each envelope and message, with its depth."""
    sample = given.sample(raw)
    if sample is not None:
        right = sample["sign"] in given.SIGNED
        how = "a signed request for the webhook" if right else "a request for the webhook, not signed rightly"
        yield {"depth": 0, "is": how}
        return
    yield from _opened(raw, 0)


def _opened(record: object, depth: int) -> Iterator[dict[str, Any]]:
    try:
        item = parse(record) if isinstance(record, (bytes, str)) else record
    except Unreadable as error:
        yield {"depth": depth, "is": f"cannot be read: {error}"}
        return
    form = _form(item)
    if isinstance(record, (bytes, str)) and _is_base64(record):
        form = f"base64 of {form}"
    yield {"depth": depth, "is": form}
    if depth > envelopes.MAX_NESTING:
        return
    try:
        found = envelopes.look_into(item, depth, None)
    except Unreadable:
        return
    if isinstance(found, envelopes.Inside):
        for inner in found.items[:20]:
            yield from _opened(inner, depth + 1)


def _form(item: object) -> str:
    """Return what a record is, by the fields that only such records have."""
    if isinstance(item, list):
        return f"a list of {len(item)}"
    if isinstance(item, str):
        return "JSON text in a JSON string"
    if not isinstance(item, dict):
        return "a JSON value that is no object"
    context = item.get("requestContext")
    if isinstance(context, dict) and isinstance(context.get("http"), dict):
        return f"an HTTP request, {context['http'].get('method')}"
    for field, words in _FORMS:
        if field in item:
            condition = context.get("condition") if isinstance(context, dict) else None
            return f"{words}, {condition}" if condition else words
    found = _message(item)
    if isinstance(found, Message) and found.kind:
        return f"an event {found.kind}" + (f" from {found.source}" if found.source else "")
    return "a bare message" if isinstance(found, Message) else "no known message"


def _message(item: dict[str, Any]) -> object:
    try:
        return envelopes.look_into(item, 0, None)
    except Unreadable:
        return None


def _is_base64(record: bytes | str) -> bool:
    text = record.decode("utf-8", "replace") if isinstance(record, bytes) else record
    return not text.lstrip("\ufeff \r\n\t").startswith(("{", "[", '"'))


def _intent(intent: Intent) -> dict[str, Any]:
    return {
        "target": intent.target,
        "trigger": intent.trigger,
        "exactly": intent.scope is Scope.LITERAL,
        "event_ids": list(intent.event_ids),
        "terminated": [_server(ref) for ref in intent.terminated],
        "launched": [_server(ref) for ref in intent.launched],
        "pairs": [list(pair) for pair in intent.pairs],
        "force": sorted(intent.force),
        "dry_run": intent.dry_run,
        "strategy": intent.strategy,
        "hooks": [
            {"id": hook.id, "transition": hook.transition, "instances": list(hook.instance_ids)}
            for hook in intent.hooks
        ],
    }


def _server(ref: ServerRef) -> dict[str, Any]:
    said = {"server_id": ref.server_id, "port": ref.port, "server_ip": ref.server_ip, "weight": ref.weight}
    return {**{k: v for k, v in said.items() if v is not None}, "why": _CAUSES[ref.cause]}


def _print(told: Mapping[str, Any], raw: bytes) -> None:
    for envelope in told["envelopes"]:
        view.say("  " * envelope["depth"] + envelope["is"])
    for asked in told["asks"]:
        view.say("")
        how = "exactly as said" if asked["exactly"] else "completed from the scaling groups"
        view.say(
            (asked["target"], "bold"), f"  {asked['trigger']}, {how}", ", dry run" if asked["dry_run"] else ""
        )
        for side in ("terminated", "launched"):
            for server in asked[side]:
                view.say(f"  {side:<11}", _server_line(server))
        for old, new in asked["pairs"]:
            view.say(f"  {'pair':<11}{old} -> {new}")
        for hook in asked["hooks"]:
            view.say(f"  {'hook':<11}{hook['id']} {hook['transition']} of {' '.join(hook['instances'])}")
        if asked["force"]:
            view.say(f"  {'force':<11}{' '.join(asked['force'])}")
        if not (asked["terminated"] or asked["launched"]):
            view.say("  names no server: what the scaling groups list is compared with the group")
    for ignored in told["ignored"]:
        view.say(("ignored   ", "dim"), f"{ignored['reason']}: {ignored['detail']}")
    for rejected in told["rejected"]:
        view.say(("rejected  ", "red"), rejected["reason"])
    if told["rejected"] and _is_request(raw):
        view.say("It looks like the body of a request: slb-swap plan --request FILE")


def _server_line(server: Mapping[str, Any]) -> str:
    port = f":{server['port']}" if "port" in server else ""
    address = f"@{server['server_ip']}" if "server_ip" in server else ""
    weight = f" weight {server['weight']}" if "weight" in server else ""
    why = f"  ({server['why']})" if server["why"] else ""
    return f"{server['server_id']}{address}{port}{weight}{why}"


def _is_request(raw: bytes) -> bool:
    try:
        value = jsons.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "target" in value
