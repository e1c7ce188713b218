"""What a cold start does not load, and what it leaves as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Loaded when they are first needed: by a request, by a scaling group, by the function `webhook`, or never.
LAZY = (
    "aliyunsdkess",
    "cryptography",
    "fc2",
    "handler.cloud.fc",
    "handler.cloud.fc3",
    "handler.triggers.deployment",
    "http.server",
    "requests",
    "unittest",
)


def in_a_new_process(code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"], cwd=ROOT, check=True, capture_output=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("entry", ["index", "handler.main"])
def test_nothing_that_is_put_off_is_loaded(entry: str) -> None:
    loaded = in_a_new_process(f"import {entry}; print(json.dumps(sorted(sys.modules)))")
    assert "handler.main" in loaded
    assert [] == [name for name in loaded for lazy in LAZY if name == lazy or name.startswith(f"{lazy}.")]


def test_garbage_is_collected_again_once_all_is_loaded() -> None:
    found = in_a_new_process(
        "import index, gc; print(json.dumps([gc.isenabled(), gc.get_freeze_count() > 10_000]))"
    )
    assert [True, True] == found
