from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from handler.deferring import defer

WITHOUT_CRYPTOGRAPHY = """
import sys
sys.modules["cryptography"] = None
import handler.cloud.slb, handler.cloud.ess
assert "aliyunsdkess" not in sys.modules and "fc2" not in sys.modules
"""


def test_a_deferred_module_is_loaded_when_it_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "deferred_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "late.py").write_text("import deferred_package\ndeferred_package.loaded = True\nvalue = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    defer("deferred_package.late", "deferred_package.late", "deferred_package.nothing")
    parent = importlib.import_module("deferred_package")
    late = parent.late
    assert not hasattr(parent, "loaded")
    assert late.value == 7
    assert parent.loaded
    for name in ("deferred_package", "deferred_package.late"):
        monkeypatch.delitem(sys.modules, name)


def test_the_client_starts_without_cryptography_and_without_the_other_sdks() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_CRYPTOGRAPHY], check=True, timeout=60)
