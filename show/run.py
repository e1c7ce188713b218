"""`make run`: one delivery of events/ handed to the function on a local cloud, and what it did."""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from localcloud.serving import LocalCloud
from show.signing import SECRET, signed, signed_event

ROOT = Path(__file__).resolve().parent.parent
EVENTS = ROOT / "events"

out = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


def main() -> int:
    """Show one delivery; 0 if it ended as the file beside it says."""
    parser = argparse.ArgumentParser(prog="make run EVENT=events/...")
    parser.add_argument("event", type=Path, help="a file of events/, or 'list'")
    event = parser.parse_args().event
    if str(event) == "list":
        return _list()
    beside = event.with_suffix(".expect.json")
    if not event.is_file() or not beside.is_file():
        out.print(f"There is no delivery [bold]{event}[/]. There are:\n")
        _list()
        return 2
    return _show(event, json.loads(beside.read_text()))


def _list() -> int:
    for beside in sorted(EVENTS.glob("*.expect.json")):
        name = beside.name.removesuffix(".expect.json")
        expect = json.loads(beside.read_text())
        file = next(path for path in EVENTS.glob(f"{name}.*") if path != beside)
        out.print(f"events/{file.name:<62} {expect['outcome']:<10} {expect['about']}")
    return 0


def _show(event: Path, expect: Mapping[str, Any]) -> int:
    state = json.loads((EVENTS / "state.json").read_text())
    unknown = expect.get("unknown_to_ecs", ())
    for one in state["instances"]:
        one["status"] = "Released" if one["instance_id"] in unknown else one["status"]
    env = {"SWAP_TARGETS": (EVENTS / "targets.json").read_text(), "SWAP_WEBHOOK_SECRETS": SECRET}
    with LocalCloud(state, template=ROOT / "template.yml", env=env) as cloud:
        local = _Local(cloud.endpoint)
        before = local.groups()
        answer = local.deliver(event, expect)
        local.get("/_local/async/drain", method="POST")
        _heading("The delivery")
        out.print(f"{event}: {expect['about']} ({expect['evidence']}, {expect['source']})")
        lines = [*local.log("webhook"), *local.log("swap")]
        _heading("The forecast")
        _forecast(lines)
        _heading("The calls, over HTTP with checked signatures")
        for call in local.get("/_local/calls"):
            out.print(
                f"  {call['status']}  {call['action']}  [dim]{_params(call['params'])}[/]",
                overflow="ellipsis",
                no_wrap=True,
            )
        _heading("The log")
        for line in lines:
            out.print(
                f"  [bold]{line.pop('event')}[/]  [dim]{_keys(line)}[/]", overflow="ellipsis", no_wrap=True
            )
        _heading("The groups, before and after")
        out.print(_table(before, local.groups()))
    return _verdict(answer, expect)


def _heading(text: str) -> None:
    out.print(f"\n[bold cyan]{text}[/]")


def _forecast(lines: list[dict[str, Any]]) -> None:
    plans = [line for line in lines if line["event"] == "swap.planned"]
    for plan in plans:
        out.print(f"  {plan['target']}, plan {plan['plan_id']}:")
        for number, step in enumerate(plan["steps"], 1):
            out.print(f"    {number}. {step}")
        if not plan["steps"]:
            out.print("    nothing to do")
    if not plans:
        out.print("  none: the delivery asks nothing of any target")


def _params(params: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in params.items() if name != "RegionId")


#: Said once above, or the same in every line.
_NOT_SHOWN = {"time", "level", "request_id", "function_name", "region", "cold_start", "event_ids", "trigger"}


def _keys(line: Mapping[str, Any]) -> str:
    shown = {
        key: value for key, value in line.items() if key not in _NOT_SHOWN and value not in (None, "", [])
    }
    targets = shown.pop("targets", [])
    said = [f"{key}={value}" for key, value in shown.items()]
    for target in targets if isinstance(targets, list) else ():
        pairs = [f"{pair['old']}->{pair['new']}:{pair['port']}" for pair in target["pairs"]]
        added = [backend["server_id"] for backend in target["added"]]
        removed = [backend["server_id"] for backend in target["removed"]]
        refused = [f"{one['subject']} ({one['reason']})" for one in target["refused"]]
        lists = {"pairs": pairs, "added": added, "removed": removed, "refused": refused}
        listed = " ".join(f"{key}={','.join(value)}" for key, value in lists.items() if value)
        said.append(f"{target['target']}: {target['outcome']} {listed}".rstrip())
    return "  ".join(said)


def _table(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 2))
    for title in ("group", "before", "after"):
        table.add_column(title)
    for group in after:
        old, new = before.get(group, {}), after[group]
        for key in dict.fromkeys((*old, *new)):
            left, right = old.get(key, ""), new.get(key, "")
            colour = "" if left == right else "red" if not right else "green" if not left else "yellow"
            table.add_row(group, left, right, style=colour)
    return table


def _verdict(answer: Mapping[str, Any], expect: Mapping[str, Any]) -> int:
    as_expected = answer["outcome"] == expect["outcome"]
    mark = "[bold green]" if as_expected else "[bold red]"
    reason = f" ({answer['reason']})" if answer.get("reason") else ""
    out.print(
        f"\n{mark}{answer['outcome']}[/]{reason}, as expected"
        if as_expected
        else f"\n{mark}{answer['outcome']}[/]{reason}, but {expect['outcome']} was expected"
    )
    return 0 if as_expected else 1


class _Local:
    """The local cloud, met over HTTP as anybody would."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def get(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        request = urllib.request.Request(f"{self._endpoint}{path}", body, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=600) as reply:
                return json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return json.loads(error.read() or b"null")

    def deliver(self, event: Path, expect: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hand the delivery over, and return the outcome that it got."""
        if expect["via"] == "http":
            method, headers, body = signed(json.loads(event.read_text()), time.time())
            return dict(self.get("/fcapp.run/webhook/", method, body, headers))
        raw = event.read_bytes()
        if "sign" in expect:
            raw = signed_event(json.loads(raw), expect["sign"], time.time())
        answer = self.get("/_local/deliver/swap", "POST", raw)
        if "errorType" in answer:
            return {"outcome": "raised", "reason": answer["errorMessage"]}
        return dict(json.loads(answer["body"]) if "statusCode" in answer else answer)

    def log(self, function: str) -> list[dict[str, Any]]:
        """Return the lines that a function logged."""
        lines = self.get(f"/_local/logs?function={function}")
        return [json.loads(line) for line in lines if line.startswith("{")]

    def groups(self) -> dict[str, dict[str, str]]:
        """Return of each group each backend, in words."""
        state = self.get("/_local/state")
        return {
            group["vserver_group_id"]: {
                f"{b['server_id']}:{b['port']}": f"{b['server_id']}:{b['port']} weight {b['weight']}"
                for b in group["backends"]
            }
            for balancer in state["load_balancers"]
            for group in balancer["vserver_groups"]
        }


if __name__ == "__main__":
    sys.exit(main())
