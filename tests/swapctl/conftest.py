"""The command in this process, and a local cloud for it to work on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.serving import LocalCloud
from swapctl.cli import main
from tests.support.level_c import ROOT, SECRET, Http, quick_template

EVENTS = ROOT / "events"
TARGETS = EVENTS / "targets.json"
STATE = json.loads((EVENTS / "state.json").read_text())


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Local:
    """A running local cloud: what is outside sees of it, its webhook and its administrator's key."""

    http: Http
    webhook: str
    functions: dict[str, str]
    key: tuple[str, str]


Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, keys or profiles of whoever runs the tests."""
    for name in (
        "SWAP_TARGETS",
        "SWAP_ENDPOINT",
        "SWAP_WEBHOOK_SECRETS",
        "FC_ACCOUNT_ID",
        "ALIBABA_CLOUD_REGION_ID",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "PROFILE", "CREDENTIALS_FILE"):
        monkeypatch.delenv(f"ALIBABA_CLOUD_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``slb-swap`` with these arguments."""

    def run(*arguments: object) -> Ended:
        code = main([str(one) for one in arguments])
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    env = {"SWAP_TARGETS": TARGETS.read_text(), "SWAP_WEBHOOK_SECRETS": SECRET}
    with LocalCloud(STATE, template=quick_template(tmp_path_factory.mktemp("template")), env=env) as cloud:
        told = json.loads(cloud.greeting())
        key = (told["access_key_id"], told["access_key_secret"])
        yield Local(Http(cloud.endpoint), told["webhook_url"], told["functions"], key)


@pytest.fixture
def cloud(running: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    """The local cloud in the state of events/, and the environment of an operator who works on it."""
    running.http.put_state(STATE)
    running.http.send("DELETE", "/_local/logs")
    running.http.forget_calls()
    monkeypatch.setenv("SWAP_ENDPOINT", running.http.endpoint)
    monkeypatch.setenv("SWAP_TARGETS", str(TARGETS))
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", SECRET)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", running.key[0])
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", running.key[1])
    return running
