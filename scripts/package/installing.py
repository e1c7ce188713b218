"""Installs what requirements.txt pins, for the runtime rather than for this machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

#: Function Compute's python3.10 has glibc 2.28, python3.12 a newer one (Runtimes, 2026-09).
_PLATFORMS: Final = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution, with the SHA-256 of the file that it was installed from."""

    name: str
    version: str
    licence: str
    sha256: str


def install(requirements: Path, version: str, target: Path, work: Path) -> list[Installed]:
    """Install for Python `version`, such as 3.10; `work` is for files that are needed meanwhile."""
    pinned, report = work / "requirements.txt", work / "report.json"
    pinned.write_text("".join(_for(requirements.read_text(encoding="utf-8"), version)), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    how = ("--require-hashes", "--no-deps", "--no-compile")
    where = ("--target", str(target), "--python-version", version, "--implementation", "cp")
    platforms = [option for name in _PLATFORMS for option in ("--platform", name)]
    subprocess.run([*pip, *how, *where, *platforms, "--report", str(report), "-r", str(pinned)], check=True)
    told = json.loads(report.read_text(encoding="utf-8"))
    return sorted((_installed(one) for one in told["install"]), key=lambda one: one.name)


def _installed(one: Mapping[str, Mapping[str, object]]) -> Installed:
    metadata = one["metadata"]
    archive = one["download_info"]["archive_info"]
    hashes = archive["hashes"] if isinstance(archive, dict) else {}
    licence = metadata.get("license_expression") or metadata.get("license") or ""
    first = str(licence).strip().splitlines()[0] if licence else ""
    return Installed(str(metadata["name"]), str(metadata["version"]), first, hashes["sha256"])


def _for(text: str, version: str) -> Iterator[str]:
    """Yield the requirements that are for a version: pip asks the markers of its own Python."""
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    for block in _blocks(text):
        marker = Requirement(block.split(" \\")[0].strip()).marker
        if marker is None or marker.evaluate(environment):
            yield re.sub(r" ;.*? \\", r" \\", block, count=1)


def _blocks(text: str) -> Iterator[str]:
    """Yield each requirement with its hashes."""
    block = ""
    for line in text.splitlines(keepends=True):
        if line.strip().startswith("#"):
            continue
        if not line.startswith(" ") and block:
            yield block
            block = ""
        block += line
    yield block
