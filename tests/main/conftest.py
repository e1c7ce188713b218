"""The entry points in this process, on a local cloud over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from handler import logs, main
from localcloud.serving import LocalCloud
from tests.support import quick
from tests.support.entrance import STATE, TARGETS, Entrance
from tests.support.level_c import SECRET, quick_template

#: How the door finds `swap`, by the template of each generation.
GENERATIONS = {"template.yml": "slb-swap-swap", "template.fc2.yml": "slb-swap/swap"}


@pytest.fixture(scope="module")
def template() -> str:
    """Which template is deployed; a module may have it be each of them in turn."""
    return "template.yml"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, template: str) -> Iterator[LocalCloud]:
    env = {"SWAP_TARGETS": json.dumps(TARGETS), "SWAP_WEBHOOK_SECRETS": SECRET}
    path = quick_template(tmp_path_factory.mktemp("template"), template)
    with LocalCloud(STATE, template=path, env=env) as cloud:
        yield cloud


@pytest.fixture
def entrance(running: LocalCloud, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entrance]:
    monkeypatch.setenv("SWAP_FUNCTION", GENERATIONS[template])
    monkeypatch.setenv("SWAP_TARGETS", json.dumps(TARGETS))
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", SECRET)
    monkeypatch.setenv("SWAP_ENDPOINT", running.endpoint)
    monkeypatch.setattr(main, "_instance", None)
    monkeypatch.setattr(main, "_Clock", quick._Turned)
    made = Entrance(running)
    made.cloud.put_state(STATE)
    yield made
    logs.clear()
