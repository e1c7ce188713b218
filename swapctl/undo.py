"""``slb-swap undo``: the request that a result names as its reverse, shown, and sent with ``--apply``."""

from __future__ import annotations

import json as jsons
from pathlib import Path
from typing import Annotated, Any

import typer

from handler.triggers.deployment import MAX_ENTRIES
from handler.triggers.http import MAX_BODY
from swapctl import given, loglines, options, sending, view
from swapctl.ending import DONE, TO_SEE, Failed, WrongUse
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
    text = given.text(result)
    found, left = reverses(text, target)
    if not found:
        view.say(
            f"{result}: nothing to undo: {_why_not(result, text, target)}", out=view.console(errors=json)
        )
        return DONE
    if left:
        view.say(
            ("not undone: ", "yellow"),
            f"{view.several(left, 'earlier run')} in {result}; give undo their lines alone",
            out=view.console(errors=True),
        )
    if webhook is None and function is None and not apply:
        for one in found:
            if json:
                view.as_json(one)
            else:
                view.say(jsons.dumps(one, ensure_ascii=False))
        return TO_SEE
    way = sending.chosen(webhook, function, endpoint, region, account)
    codes = []
    stopped: set[str] = set()
    for one in found:
        if one["target"] in stopped:
            continue
        if not json:
            view.say(("undo  ", "bold"), jsons.dumps(one, ensure_ascii=False))
        codes.append(send(one, way, apply=apply, json=json))
        if apply and codes[-1] != DONE:
            stopped.add(one["target"])  # an earlier state can only be restored after a later one
    return max(codes, default=DONE, key=lambda code: (code == 1, code))


#: Why a result has no reverse, where it is not that nothing was written.
_NO_REVERSE = {
    "rolled_back": "the old servers are back",
    **dict.fromkeys(("applied", "partial", "raised"), "the servers are as before"),
}


def _why_not(result: Path, text: str, target: str) -> str:
    """Return why a result has nothing to undo. Raises WrongUse if there is none, Failed if it is unknown."""
    found = loglines.results(text)
    if not found:
        lines = "result among its log lines" if loglines.read(text) else "result or log line of slb-swap"
        raise WrongUse(f"{result}: no {lines}")
    told = [line for line in found if target in {"", *(one.get("target") for one in line["targets"])}]
    if not told:
        raise WrongUse(f"{result}: no result of slb-swap about {target}")
    last = told[-1]
    of_last = [one for one in last["targets"] if target in {"", one.get("target")}] or [last]
    if any(map(_is_unknown, of_last)):
        raise Failed(f"{result}: {last.get('outcome')}: what was done is in the log of swap: give undo that")
    outcomes = sorted({str(one.get("outcome")) for one in of_last})
    return "; ".join(f"{one}: {_NO_REVERSE.get(one, 'nothing was written')}" for one in outcomes)


def _is_unknown(told: dict[str, Any]) -> bool:
    """Tell whether a result cannot say what was done: a queued request's, or that of a broken run."""
    broken = str(told.get("reason")).startswith("unexpected:") or "targets" in told
    return told.get("outcome") == "accepted" or (told.get("outcome") == "raised" and broken)


def reverses(text: str, target: str) -> tuple[list[dict[str, Any]], int]:
    """Return the requests that undo the last delivery in a text, in order; and how many runs before are left.

    Several tries of one delivery are undone together. Raises Failed if log lines are missing.
    """
    found: list[dict[str, Any]] = []
    events: set[str] = set()
    left = 0
    for line in reversed(loglines.results(text)):
        told = [one for one in line["targets"] if isinstance(one, dict) and target in {"", one.get("target")}]
        of_line = [one for one in told if isinstance(one.get("reverse"), dict)]
        named = {str(name) for one in told for name in one.get("event_ids") or ()}
        if found and not events & named:
            left += bool(of_line)
            continue
        for one in reversed(of_line):
            found += parts(_whole(one["reverse"], line))
            events |= named
    return found, left


def _whole(reverse: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    cut = [name for name in ("terminated", "launched", "pairs") if not isinstance(reverse.get(name), list)]
    if cut:
        run = line.get("request_id", "")
        raise Failed(f"the lists of {', '.join(cut)} are missing: the swap.detail lines of request_id {run}")
    return dict(reverse)


def parts(request: dict[str, Any], most: int = MAX_BODY) -> list[dict[str, Any]]:
    """Return a request, or several that do the same if it is too long to be accepted; pairs stay whole.

    ``most`` is how many bytes it may have.
    """
    out, back, pairs = request["terminated"], request["launched"], request["pairs"]
    if len(given.encoded(request)) <= most and max(map(len, (out, back, pairs))) <= MAX_ENTRIES:
        return [request]
    some = pairs[: (len(pairs) + 1) // 2]
    if some:
        news, olds = ({pair[side] for pair in some} for side in (0, 1))
        out = [one for one in out if one["server_id"] in news]
        back = [one for one in back if one["server_id"] in olds]
    else:
        out, back = out[: len(out) // 2], back[: (len(back) + 1) // 2]
    first = {**request, "terminated": out, "launched": back, "pairs": some}
    rest = {
        **request,
        "terminated": [one for one in request["terminated"] if one not in out],
        "launched": [one for one in request["launched"] if one not in back],
        "pairs": pairs[len(some) :],
    }
    if not (out or back) or not (rest["terminated"] or rest["launched"]):
        return [request]  # a single server
    return [*parts(first, most), *parts(rest, most)]
