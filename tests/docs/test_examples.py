"""The examples in the documents work as they stand."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import textwrap
import time
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handler import settings
from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.triggers.deployment import Request
from handler.triggers.signatures import Signed, verify
from scripts import events_readme

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
WEBHOOK = (ROOT / "docs/webhook.md").read_text(encoding="utf-8")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block(text: str, beginning: str) -> str:
    """The indented block of a document that begins so."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", text, re.MULTILINE)
    found = [textwrap.dedent(one).strip("\n") for one in blocks]
    return next(one for one in found if one.startswith(beginning))


def test_the_target_in_the_settings_is_one_with_every_default():
    example = block(SETTINGS, "[{")
    (target,) = settings.load({"SWAP_TARGETS": example}).targets
    policy = Policy(marks=Marks("web"), ports=(8080,), weight=100)
    assert target == Target("web", "rsp-web", ("asg-web",), "apply", policy)


def test_the_request_in_the_webhook_page_is_one():
    request = msgspec.json.decode(block(WEBHOOK, "{").encode(), type=Request)
    assert request.target == "web"
    assert request.force == ["min_backends"]


def test_the_python_example_signs(monkeypatch: pytest.MonkeyPatch):
    sent: list[urllib.request.Request] = []

    def answer(request: urllib.request.Request) -> Any:
        sent.append(request)
        reply = io.BytesIO(b'{"outcome": "applied"}')
        reply.status = 200  # type: ignore[attr-defined]
        return reply

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    monkeypatch.setenv("URL", "http://127.0.0.1/")
    exec(block(WEBHOOK, "import base64"), {})
    (request,) = sent
    headers = {name.lower(): value for name, value in request.header_items()}
    assert isinstance(request.data, bytes)
    assert verify(headers, request.data, time.time(), [SECRET]).scheme == "standard"
    assert request.get_method() == "POST"


TOOLS = [tool for tool in ("bash", "openssl", "base64", "od", "tr") if shutil.which(tool) is None]


@pytest.mark.skipif(bool(TOOLS), reason=f"without {', '.join(TOOLS)}")
def test_the_shell_example_signs(tmp_path: Path):
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/bash\nprintf "%s\\0" "$@"\n')
    curl.chmod(0o755)
    script = f'PATH="{tmp_path}:$PATH"; URL=http://127.0.0.1/\n' + block(README, "secret=whsec_")
    printed = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout
    arguments = printed.split("\0")
    given = [arguments[at + 1] for at, one in enumerate(arguments) if one == "-H"]
    headers = dict(header.split(": ", 1) for header in given)
    body = arguments[arguments.index("--data") + 1]
    assert json.loads(body)["dry_run"] is True
    now = int(headers["webhook-timestamp"])
    assert verify(headers, body.encode(), now, [SECRET]) == Signed("standard", headers["webhook-id"])
    assert len(base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))) == 32


def test_the_page_of_deliveries_is_made_of_its_files():
    assert (ROOT / "events/README.md").read_text(encoding="utf-8") == events_readme.text()
