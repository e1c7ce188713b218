"""Builds the package: `make package RUNTIME=python3.10 TARGETS=targets.json`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from handler import settings
from scripts.package import bom, contents, installing, zipping
from scripts.package.bom import Build

ROOT = Path(__file__).resolve().parents[2]
RUNTIMES = ("python3.10", "python3.12")


def main() -> int:
    """0 if the package could be built; 2 where what was given cannot be used."""
    parser = argparse.ArgumentParser(prog="make package", description=__doc__)
    parser.add_argument("runtime", choices=RUNTIMES)
    parser.add_argument(
        "--targets", type=Path, help="a JSON file of targets, which goes to the package's root"
    )
    parser.add_argument(
        "--before", type=Path, help="the targets of before, beside them, while some change their writer"
    )
    parser.add_argument("--into", type=Path, default=ROOT / "build", help="default: build/")
    given = parser.parse_args()
    files = [one for one in (given.targets, given.before) if one is not None]
    wrong = [why for one in files if (why := _bad_targets(one))]
    if len({one.name for one in files}) < len(files):
        wrong.append(f"{given.before}: expected another name than that of --targets")
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 2
    target = build(given.runtime, given.into, *files)
    content = target.read_bytes()
    print(f"{target}: {len(content) / 1e6:.2f} MB")
    print(f"  SHA-256 {zipping.sha256(target)}")
    print(f"  CodeChecksum (CRC-64) {zipping.crc64(content)}")
    return 0


def build(runtime: str, into: Path, *targets: Path) -> Path:
    """Build the zip with files of targets, and the folder `package` beside it; returns the zip's path."""
    version = runtime.removeprefix("python")
    code = into / "package"
    shutil.rmtree(code, ignore_errors=True)
    code.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        installed = installing.install(ROOT / "requirements.txt", version, code, Path(work))
    contents.add(ROOT, code, *targets)
    contents.leave_out(code)
    python = interpreter(version)
    made = Build(_version(), _commit(), runtime, python is not None)
    bom.write(code, made, installed)
    if python is None:
        print(
            f"No Python {version} is found here, so nothing is compiled: each cold start does it, which\n"
            f"takes about a second. To mend it, put python{version} on PATH and build again.",
            file=sys.stderr,
        )
    else:
        _compile(python, code)
    unnamed = into / "unnamed.zip"
    zipping.write(code, unnamed)
    return unnamed.rename(into / made.name(zipping.sha256(unnamed)))


def interpreter(version: str) -> str | None:
    """A Python of the runtime's minor version: only that one compiles for it."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    found = subprocess.run([ROOT / ".ci" / "pythons"], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in found.splitlines()).get(version)


def _compile(python: str, code: Path) -> None:
    """Compile with hashes that nobody checks: a zip does not keep the times that Python would compare."""
    how = ("-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(code), "-p", "/code")
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # or sets are written in another order each time
    subprocess.run([python, "-m", "compileall", *how, str(code)], check=True, env=environment)


def _bad_targets(path: Path) -> str | None:
    try:
        settings.load({"SWAP_TARGETS": path.name}, lambda _: path.read_text(encoding="utf-8"))
    except settings.BadSettings as why:
        return f"{path}: {why}"
    return None


def _version() -> str:
    found = re.search(
        r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    return found[1] if found else "0"


def _commit() -> str:
    """The commit, and whether there are changes that it has not; `unknown` outside of a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-changed" if _git("status", "--porcelain", "-uno") else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
