"""`make run`: one delivery handed to the function on a local cloud, and what came of it, the result first."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localcloud.serving import LocalCloud
from localcloud.state.file import check
from show.signing import SECRET, signed, signed_event
from swapctl import given, plan, view
from swapctl.ending import DONE, FAILED, Failed

ROOT = Path(__file__).resolve().parent.parent
EVENTS = ROOT / "events"
#: Lines of a result that are shown: with what stands around them it fits a window of 24.
MOST_LINES = 14
#: Said once, or the same in every line.
_NOT_SHOWN = {"time", "level", "request_id", "function_name", "region", "cold_start", "event_ids", "trigger"}


def main() -> int:
    """Show one delivery; 0 if it ended as the file beside it says, where there is one."""
    parser = argparse.ArgumentParser(prog="make run EVENT=... STATE=... TARGETS=...")
    parser.add_argument("event", type=Path, help="a delivery as bytes, or a request; 'list' lists events/")
    parser.add_argument("--state", type=Path, default=EVENTS / "state.json", help="of the local cloud")
    parser.add_argument("--targets", type=Path, default=EVENTS / "targets.json", help="the settings")
    options = parser.parse_args()
    if str(options.event) == "list":
        return _list()
    try:
        return _show(options.event, options.state, options.targets)
    except Failed as failed:
        for line in failed.args:
            print(f"make run: {line}", file=sys.stderr)
        if not options.event.is_file():
            print("make run EVENT=list lists the deliveries that there are", file=sys.stderr)
        return failed.code


def _list() -> int:
    """Print a line for each delivery of events/; into a pipe, its parts with tabs between them."""
    wide = sys.stdout.isatty()
    try:
        for beside in sorted(EVENTS.glob("*.expect.json")):
            name = beside.name.removesuffix(".expect.json")
            expect = json.loads(beside.read_text(encoding="utf-8"))
            file = next(path for path in EVENTS.glob(f"{name}.*") if path != beside)
            path, outcome, about = f"events/{file.name}", expect["outcome"], expect["about"]
            print(f"{path:<69} {outcome:<10} {about}" if wide else f"{path}\t{outcome}\t{about}")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads any more, and Python shall not say so at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _show(event: Path, state_file: Path, targets_file: Path) -> int:
    raw = given.content(event)
    beside = event.with_suffix(".expect.json")
    expect = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    environ = {"SWAP_TARGETS": given.listed(targets_file), "SWAP_WEBHOOK_SECRETS": SECRET}
    # The cloud is to start afterwards; its secret is for a local one alone.
    settings = given.load({**environ, "SWAP_ENDPOINT": "http://127.0.0.1"})
    state = given.json_object(given.content(state_file), str(state_file))
    try:
        check(state)
    except ValueError as error:
        raise Failed(f"{state_file}: {error}") from None
    unknown = expect.get("unknown_to_ecs", ())
    for one in state.get("instances", ()):
        one["status"] = "Released" if one["instance_id"] in unknown else one.get("status", "Running")
    for intent in plan.read(raw, settings, "").intents:
        for hook in intent.hooks:
            _wait_at(state, hook.scaling_group_id, hook)
    try:
        cloud = LocalCloud(state, template=ROOT / "template.yml", env=environ)
    except ValueError as error:
        raise Failed(f"{state_file}: {error}") from None
    with cloud:
        local = _Local(cloud)
        answer, how = local.deliver(raw, expect)
        local.ask("POST", "/_local/async/drain")
        lines = [*local.log("webhook"), *local.log("swap")]
        view.say((str(event), "bold"), f"  {expect['about']}" if expect else "")
        _result(_whole(answer, lines), how, lines)
        code = _verdict(answer, expect)
        _details(local, lines)
    return code


def _wait_at(state: dict[str, Any], scaling_group_id: str, hook: Any) -> None:
    """Let the hook of a delivery be pending, so that it can be completed."""
    for group in state.get("scaling_groups", ()):
        actions = group.setdefault("lifecycle_actions", [])
        if group["scaling_group_id"] == scaling_group_id and not actions:
            actions.append(
                {
                    "lifecycle_hook_id": hook.id or "ash-1",
                    "lifecycle_action_token": hook.token or "00000000-0000-4000-8000-000000000001",
                    "scaling_activity_id": hook.activity_id or "asa-1",
                    "instance_ids": list(hook.instance_ids),
                    "status": "Pending",
                }
            )


def _whole(answer: Mapping[str, Any], lines: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return the result: the answer's, or where that has none (raised, queued) what the log says."""
    if answer.get("targets"):
        return answer
    ended = [
        line for line in lines if line["event"] in {"swap.completed", "swap.unfinished"} and line["targets"]
    ]
    return ended[-1] if ended else answer


def _result(result: Mapping[str, Any], how: str, lines: list[dict[str, Any]]) -> None:
    shown = view.result_lines(result)
    hooks = [one for one in lines if one["event"].startswith("hook.")]
    room = MOST_LINES - len(hooks)
    undo = shown[-1:] if result.get("targets") and len(shown) > room else []
    for line in [*shown[: room - len(undo)], *undo] if len(shown) > room else shown:
        view.say(*line, cut=line not in shown[-1:])
    if len(shown) > room:
        view.say(f"  and {len(shown) - room} lines more, in the log below")
    for hook in hooks:
        told = f"{hook.get('result') or 'left to its default'} {hook.get('code') or ''}"
        view.say(f"  hook      {hook['hook_id']} {hook['event'].removeprefix('hook.')}: {told}".rstrip())
    view.say("  answer    ", how)


def _verdict(answer: Mapping[str, Any], expect: Mapping[str, Any]) -> int:
    if not expect:
        return DONE
    if answer["outcome"] == expect["outcome"]:
        view.say((f"  {answer['outcome']}, as expected", "bold green"))
        return DONE
    view.say((f"  {answer['outcome']}, but {expect['outcome']} was expected", "bold red"))
    return FAILED


def _details(local: _Local, lines: list[dict[str, Any]]) -> None:
    view.say(("\nThe calls, over HTTP with checked signatures", "bold cyan"))
    for call in local.ask("GET", "/_local/calls")[1]:
        params = " ".join(f"{name}={value}" for name, value in call["params"].items() if name != "RegionId")
        view.say(f"  {call['status']}  {call['action']}  ", (params, "dim"), cut=True)
    view.say(("\nThe log", "bold cyan"))
    for line in lines:
        rest = {
            k: v
            for k, v in line.items()
            if k not in _NOT_SHOWN | {"event", "targets"} and v not in (None, "", [])
        }
        said = "  ".join(f"{key}={value}" for key, value in rest.items())
        view.say("  ", (line["event"], "bold"), (f"  {said}", "dim"), cut=True)


class _Local:
    """The local cloud, met over HTTP as anybody would."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._endpoint = cloud.endpoint
        url = json.loads(cloud.greeting()).get("webhook_url")
        self._webhook = urlsplit(url).path if url else ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request, and return the status and the JSON of its answer."""
        request = urllib.request.Request(f"{self._endpoint}{path}", body, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=600) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def deliver(self, raw: bytes, expect: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """Hand a delivery over; return the result, and what its sender gets, in words."""
        sample = given.sample(raw) or _request(raw)
        if sample is not None:
            method, headers, body = signed(sample, time.time())
            status, told = self.ask(method, self._webhook, body, headers)
            return told, f"HTTP {status}"
        if "sign" in expect:
            raw = signed_event(json.loads(raw), expect["sign"], time.time())
        _, told = self.ask("POST", "/_local/deliver/swap", raw)
        if "errorType" in told:
            raised = f"{told['errorType']} is raised, so that the platform delivers again"
            return {"outcome": "raised", "reason": told["errorMessage"]}, raised
        if "statusCode" in told:
            return json.loads(told["body"]), f"HTTP {told['statusCode']}"
        return told, "the result is returned"

    def log(self, function: str) -> list[dict[str, Any]]:
        """Return the lines that a function logged."""
        lines = self.ask("GET", f"/_local/logs?function={function}")[1]
        return [json.loads(line) for line in lines if line.startswith("{")]


def _request(raw: bytes) -> dict[str, Any] | None:
    """Return the body of a request as one that is still to be signed; None if it is none."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or "target" not in value:
        return None
    headers = {"content-type": "application/json"}
    return {"method": "POST", "headers": headers, "sign": "standard", "body": value}


if __name__ == "__main__":
    sys.exit(main())
