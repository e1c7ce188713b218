"""The quick starts of the documents, copied as they stand and run in a checkout, give what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from swapctl.cli import app

ROOT = Path(__file__).parents[2]
TOOLS = [tool for tool in ("bash", "curl", "make", "openssl", "base64", "od") if shutil.which(tool) is None]
needs_tools = pytest.mark.skipif(bool(TOOLS), reason=f"without {', '.join(TOOLS)}")

SWAPPED = "swap      i-old1:8080 (100) -> i-new1:8080 (100)"


def blocks(document: str, heading: str) -> list[str]:
    """The indented blocks under a heading, word for word."""
    text = (ROOT / document).read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, heading
    section = re.split(r"\n## ", rest)[0]
    return [
        textwrap.dedent(one).strip("\n")
        for one in re.findall(r"(?:^ {4}.*\n(?:\n(?= {4}))?)+", section, re.MULTILINE)
    ]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout, with an environment that is ready."""
    folder = tmp_path / "slb-swap"
    folder.mkdir()
    for name in ("handler", "localcloud", "show", "swapctl", "events", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "index.py", "template.yml", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    there, venv = Path(sys.prefix), folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    for entry in [*there.iterdir(), *(there / "bin").iterdir()]:
        if entry.name not in {"bin", "ready", "slb-swap"}:
            (venv / entry.relative_to(there)).symlink_to(entry)
    # What `pip install -e .` writes, for this copy.
    script = venv / "bin" / "slb-swap"
    script.write_text('#!/bin/sh\nexec .venv/bin/python -m swapctl "$@"\n')
    script.chmod(0o755)
    (venv / "ready").touch()
    return folder


def run(script: str, folder: Path) -> str:
    """Run a script as somebody's terminal would; whatever it starts has ended when it is over."""
    environ = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environ |= {"HOME": str(folder.parent), "PYTHONUNBUFFERED": "1"}
    traps = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n"
    done = subprocess.run(
        ["bash", "-u", "-c", traps + script],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@needs_tools
def test_the_readme_can_be_copied(checkout: Path) -> None:
    script = "\n".join(blocks("README.md", "## Try it"))
    assert "make test " in script
    said = run("\n".join(line for line in script.splitlines() if not line.startswith("make test ")), checkout)
    assert "applied, as expected" in said
    assert "swap      i-old2:8080 (100) -> i-new1:8080 (100)" in said  # the own request
    assert "wave 1    Modify i-old1:8080 (100) -> i-new1:8080 (100)" in said  # the plan
    assert '"outcome": "planned"' in said  # by curl
    assert "HTTP/1.1 200" in said
    assert "Nothing was written. To do it, use --apply." in said
    assert "applied" == json.loads((checkout / "result.json").read_text())["outcome"]
    assert "swap      i-new1:8080 (100) -> i-old1:8080 (100)" in said  # the undo
    assert "slb-swap: " not in said


@needs_tools
def test_the_quick_start_of_the_command_can_be_copied(checkout: Path) -> None:
    said = run("\n".join(blocks("docs/command.md", "## Quick start")), checkout)
    for words in (
        "good  web: group",
        "an event ess:ScalingActivity:ScaleInSuccess",
        SWAPPED,
        "replace: Modify",
    ):
        assert words in said
    assert "swap      i-new1:8080 (100) -> i-old1:8080 (100)" in said
    assert "slb-swap: " not in said


@needs_tools
def test_the_quick_start_of_the_local_cloud_can_be_copied(checkout: Path) -> None:
    said = run("\n".join(blocks("docs/local-cloud.md", "## Quick start")), checkout)
    for words in ("POST /_local/deliver/NAME", '"outcome": "applied"', "ModifyVServerGroupBackendServers"):
        assert words in said


@needs_tools
def test_the_python_of_the_webhook_page_can_be_copied(checkout: Path) -> None:
    start = blocks("docs/command.md", "## Quick start")[0]
    (python,) = [one for one in blocks("docs/webhook.md", "## Signing: Standard Webhooks") if "import" in one]
    said = run(f"{start}\n.venv/bin/python - <<'END'\n{python}\nEND\nkill $!\n", checkout)
    assert "200 applied" in said


def test_what_is_installed_as_slb_swap_is_the_command() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'slb-swap = "swapctl.cli:main"' in text
    ships = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    assert [one for one in ships if "==" in one and f'    "{one}",\n' not in text] == []


# ---- pipelines


def scripts(value: Any) -> list[str]:
    """All command lines of a pipeline."""
    if isinstance(value, list):
        return [line for one in value for line in scripts(one)]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for key, one in value.items():
        if key in {"run", "script", "before_script"} and isinstance(one, (str, list)):
            found += [one] if isinstance(one, str) else one
        else:
            found += scripts(one)
    return found


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_each_step_of_a_pipeline_is_a_command_with_options_that_there_are(name: str) -> None:
    pipeline = yaml.safe_load((ROOT / "docs" / "pipelines" / name).read_text(encoding="utf-8"))
    lines = [line.split(" || ")[0].split(" > ")[0] for line in scripts(pipeline)]
    steps = [line.split() for line in lines if line.startswith("slb-swap ")]
    assert {"check", "plan", "send", "undo"} == {step[1] for step in steps}
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for step in steps:
        known = {option for param in commands[step[1]].params for option in param.opts}
        assert {word for word in step if word.startswith("--")} <= known
    assert all("--apply" in step for step in steps if step[1] in {"send", "undo"})
    assert not any("--apply" in step for step in steps if step[1] == "plan")
