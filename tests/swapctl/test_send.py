"""``slb-swap send`` says why nothing was written, and speaks of options to whoever typed options."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handler.cloud.invoking import told
from handler.core.model.answers import CallFailed
from localcloud.serving import LocalCloud
from swapctl import sending
from tests.support.level_c import SECRET, quick_template
from tests.swapctl.conftest import EVENTS, STATE, TARGETS, Command, Local

SWAP = ("--target", "web", "--terminated", "i-old1", "--launched", "i-new1")
BUSY = "swap was busy: send it again in 30 s"


@pytest.fixture(scope="module")
def only_planning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A local cloud whose target is in mode plan."""
    (web,) = json.loads(TARGETS.read_text())
    env = {"SWAP_TARGETS": json.dumps([{**web, "mode": "plan"}]), "SWAP_WEBHOOK_SECRETS": SECRET}
    with LocalCloud(STATE, template=quick_template(tmp_path_factory.mktemp("template")), env=env) as cloud:
        yield json.loads(cloud.greeting())


def test_apply_to_a_target_in_mode_plan_says_that_the_mode_keeps_it_from_writing(
    only_planning: dict[str, Any], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", SECRET)
    ended = command("send", "--webhook", only_planning["webhook_url"], *SWAP, "--apply")
    assert (2, True) == (ended.code, "Nothing was written: the target's mode is plan." in ended.out)
    assert "use --apply" not in ended.out
    for name in ("id", "secret"):
        monkeypatch.setenv(f"ALIBABA_CLOUD_ACCESS_KEY_{name.upper()}", only_planning[f"access_key_{name}"])
    event = EVENTS / "eventbridge-ess-scale-in-success.json"
    by = ("--function", only_planning["functions"]["swap"], "--endpoint", only_planning["endpoint"])
    ended = command("send", event, *by, "--targets", TARGETS, "--apply")
    assert (2, True) == (ended.code, "Nothing was written: the target's mode is plan" in ended.out), ended


@pytest.mark.parametrize("also", [(), ("--apply",), ("--apply", "--no-wait")])
def test_a_request_that_itself_says_dry_run_is_named_as_the_cause(
    cloud: Local, command: Command, tmp_path: Path, also: tuple[str, ...]
) -> None:
    body = tmp_path / "request.json"
    body.write_text('{"target": "web", "terminated": ["i-old1"], "launched": ["i-new1"], "dry_run": true}')
    ended = command("send", "--webhook", cloud.webhook, "--request", body, *also)
    assert (2, []) == (ended.code, cloud.http.writes())
    assert "Nothing was written: the request itself says dry_run." in ended.out
    assert "use --apply" not in ended.out


def test_the_override_of_a_guard_is_told_as_it_was_asked_for(
    cloud: Local, command: Command, tmp_path: Path
) -> None:
    by = ("send", "--webhook", cloud.webhook)
    ended = command(*by, "--target", "web", "--terminated", "i-old1,i-old2", "--force", "still_in_service")
    assert "; --force max_removed overrides it" in ended.out, ended.out
    body = tmp_path / "request.json"
    asked = {"target": "web", "terminated": ["i-old1", "i-old2"], "force": ["still_in_service"]}
    body.write_text(json.dumps(asked))
    assert '; "force": ["max_removed"] overrides it' in command(*by, "--request", body).out


def test_what_to_do_about_a_busy_writer_is_said(
    cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy:
        def invoke(self, payload: bytes) -> None:
            told(429, {}, b'{"Code": "ResourceExhausted"}', asynchronous=False)

    monkeypatch.setattr(sending, "_invoker", lambda _: Busy())
    with pytest.raises(CallFailed):
        Busy().invoke(b"")
    ended = command("send", "--function", "slb-swap-swap", *SWAP)
    assert (1, True) == (ended.code, BUSY in ended.err), ended.err
    by_webhook = {"outcome": "raised", "reason": "ResourceExhausted", "targets": [], "rejected": []}
    monkeypatch.setattr(sending, "_posted", lambda *_: by_webhook)
    ended = command("send", "--webhook", cloud.webhook, *SWAP, "--apply")
    assert (1, True) == (ended.code, f"{BUSY}, or use --no-wait" in ended.out), ended.out
    for also in ((), ("--apply", "--no-wait")):  # a dry run is never queued, and this one would have been
        ended = command("send", "--webhook", cloud.webhook, *SWAP, *also)
        assert (True, False) == (BUSY in ended.out, "or use --no-wait" in ended.out), ended.out
    by_webhook["reason"] = "Forbidden"
    assert "busy" not in command("send", "--webhook", cloud.webhook, *SWAP, "--apply").out
