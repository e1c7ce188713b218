"""``slb-swap undo``: the request that a result names as its reverse, shown, and sent with ``--apply``."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import Annotated, Any

import typer

from swapctl import given, loglines, options, sending, view
from swapctl.ending import DONE, TO_SEE, Failed
from swapctl.send import send


def command(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="a result, or log lines; - for stdin")],
    target: Annotated[str, typer.Option("--target", help="of several, the target to undo")] = "",
    webhook: options.Webhook = None,
    function: options.Function = None,
    apply: options.Apply = False,
    endpoint: options.Endpoint = None,
    region: options.Region = None,
    account: options.Account = None,
    json: options.Json = False,
) -> int:
    """Show the request that undoes a result; with --webhook or --function it is tried, with --apply done."""
    found = reverses(given.text(result), target)
    if not found:
        raise Failed(f"{result}: nothing to undo" + (f" for {target}" if target else ""))
    if webhook is None and function is None and not apply:
        for one in found:
            if json:
                view.as_json(one)
            else:
                view.say(jsons.dumps(one, ensure_ascii=False))
        return TO_SEE
    way = sending.chosen(webhook, function, endpoint, region, account)
    codes = []
    for one in found:
        if not json:
            view.say(("undo  ", "bold"), jsons.dumps(one, ensure_ascii=False))
        codes.append(send(one, way, apply=apply, json=json))
    return max(codes, default=DONE, key=lambda code: (code == 1, code))


def reverses(text: str, target: str) -> list[dict[str, Any]]:
    """Return the requests that undo what the last result in a text did, of one target or of all."""
    results = [line for line in loglines.read(text) if isinstance(line.get("targets"), list)]
    for line in reversed(results):
        found = [
            dict(one["reverse"])
            for one in line["targets"]
            if isinstance(one, dict) and one.get("reverse") and target in {"", one.get("target")}
        ]
        if found:
            return found[::-1]
    return []
