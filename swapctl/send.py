"""``slb-swap send``: a request or a delivery to the function; a dry run unless ``--apply`` is said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from swapctl import ending, following, given, options, plan, sending, view
from swapctl.ending import WrongUse
from swapctl.sending import Way

_Servers = Annotated[list[str], typer.Option(metavar="ID[,ID]", help="may be said several times")]


def command(
    event: options.Event = None,
    webhook: options.Webhook = None,
    function: options.Function = None,
    request: options.Request = None,
    target: Annotated[str, typer.Option("--target", help="of --terminated and --launched")] = "",
    terminated: _Servers = [],  # noqa: B006 - how typer has lists
    launched: _Servers = [],  # noqa: B006
    force: Annotated[list[str], typer.Option(metavar="WORD", help="a guard to override")] = [],  # noqa: B006
    gone: Annotated[bool, typer.Option("--gone", help="the terminated ones serve nobody any more")] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="have it queued; followed where there is a log")
    ] = False,
    apply: options.Apply = False,
    targets: options.Targets = None,
    endpoint: options.Endpoint = None,
    region: options.Region = None,
    account: options.Account = None,
    json: options.Json = False,
) -> int:
    """Send a request, signed with the first of SWAP_WEBHOOK_SECRETS; a dry run without --apply.

    EVENT is a delivery for --function, which has no dry run: without --apply its plan is shown instead.
    """
    way = sending.chosen(webhook, function, endpoint, region, account)
    named = bool(terminated or launched)
    if sum((event is not None, request is not None, named)) != 1:
        raise WrongUse("send: expected one of EVENT, --request FILE and --terminated with --launched")
    if not named and (target or force or gone):
        raise WrongUse("send: --target, --force and --gone go with --terminated and --launched alone")
    if event is not None:
        return _event(event, way, targets, apply=apply, json=json)
    if request is not None:
        body = given.json_object(given.content(request), str(request))
    else:
        if not target:
            raise WrongUse("send: --terminated and --launched need --target NAME")
        body = {
            "target": target,
            "terminated": sending.servers("--terminated", terminated),
            "launched": sending.servers("--launched", launched),
            **({"gone": True} if gone else {}),
            **({"force": sending.servers("--force", force)} if force else {}),
        }
    return send(body, way, apply=apply, no_wait=no_wait, json=json, typed=named)


def send(
    body: dict[str, Any],
    way: Way,
    *,
    apply: bool,
    no_wait: bool = False,
    json: bool = False,
    typed: bool = False,
) -> int:
    """Send a request, show its answer, and return the exit code; ``typed`` if options said what it asks."""
    asked = dict(body) if apply else {**body, "dry_run": True}
    told, sent_id = sending.request(asked, way, no_wait=no_wait and apply)
    if told["outcome"] == "accepted":
        told = following.until_done(told, sent_id, way, quiet=json)
    _show(told, json=json, typed=typed)
    if not json and told["outcome"] == "raised" and told.get("reason") == sending.NO_ROOM:
        view.say(sending.BUSY + (", or use --no-wait" if apply and not no_wait else ""))
    if not json and told["outcome"] == "planned":
        if body.get("dry_run") is True:
            _unwritten("the request itself says dry_run.")
        elif apply:
            _unwritten("the target's mode is plan.")
        else:
            view.say(("Nothing was written. ", "bold"), "To do it, use --apply.")
    return ending.of_plan(told) if not apply else ending.of_answer(told)


def _event(event: Path, way: Way, targets: Path | None, *, apply: bool, json: bool) -> int:
    if way.function is None:
        raise WrongUse("send: an EVENT goes to --function NAME; the webhook takes only requests")
    if not apply:
        told = plan.of_files(event, targets, way.endpoint, way.region)
        if json:
            view.as_json(told)
        else:
            plan.show(told)
            view.say(("Nothing was sent. ", "bold"), "To hand it to the function, use --apply.")
        return ending.of_plan(told)
    told = sending.event(given.content(event), way)
    _show(told, json=json)
    if not json and told["outcome"] == "planned":
        _unwritten("the target's mode is plan, or the delivery says dry_run.")
    return ending.of_answer(told)


def _unwritten(why: str) -> None:
    view.say(("Nothing was written: ", "bold"), why)


def _show(told: dict[str, Any], *, json: bool, typed: bool = False) -> None:
    if json:
        view.as_json(told)
    else:
        view.result(told, typed=typed)
