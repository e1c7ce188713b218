"""Builds the package, unzips it, and runs it in the local cloud by a bare interpreter of its version."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from localcloud.serving import LocalCloud
from scripts.package.__main__ import RUNTIMES, build, interpreter
from tests.alone.playing import Cloud, EventFile, files, wrong
from tests.support.level_c import ROOT, SECRET

EVENTS = ROOT / "events"
TEMPLATES = ("template.yml", "template.fc2.yml")

#: Without site packages, user packages and variables: nothing but the standard library is on its path.
ALONE = ("-I", "-S")

#: Imports everything that is there, and looks at it as inspect and agents do.
LOOK = """
import sys
sys.path.insert(0, sys.argv[1])
import inspect, pkgutil, index, handler
import handler.cloud.fc, handler.cloud.fc3
for found in pkgutil.walk_packages(handler.__path__, "handler."):
    __import__(found.name)
for name, module in list(sys.modules.items()):
    inspect.getmodule(module), getattr(module, "__file__", None), getattr(module, "__wrapped__", None)
    if name.startswith(("handler", "aliyunsdkcore.auth", "fc2", "structlog", "msgspec")):
        inspect.getmembers(module)
outside = {n for n, m in sys.modules.items() if "site-packages" in (getattr(m, "__file__", "") or "")}
assert not outside, outside
assert not {"cryptography", "cffi"} & sys.modules.keys()
"""


def main() -> int:
    """0 if every delivery ended as its file says."""
    parser = argparse.ArgumentParser(prog="make try-package", description=__doc__)
    parser.add_argument("--short", action="store_true", help="every tenth delivery, and one runtime")
    short = parser.parse_args().short
    found = {runtime: interpreter(runtime.removeprefix("python")) for runtime in RUNTIMES}
    there = [(runtime, python) for runtime, python in found.items() if python is not None]
    for runtime in [runtime for runtime, python in found.items() if python is None]:
        print(f"{runtime}: no such Python is found here; left out", file=sys.stderr)
    if not there:
        print(f"one of {', '.join(RUNTIMES)} is needed, on PATH", file=sys.stderr)
        return 1
    faults = 0
    for runtime, python in there[:1] if short else there:
        for fault in tried(runtime, python, 10 if short else 1):
            print(f"  {fault}")
            faults += 1
    return 1 if faults else 0


def tried(runtime: str, python: str, step: int) -> Iterator[str]:
    """Yield what went wrong with the package of a runtime; of each `step` deliveries one is played."""
    with tempfile.TemporaryDirectory() as work:
        started = time.monotonic()
        zipped = build(runtime, Path(work) / "build")
        print(f"{zipped.name}: built in {time.monotonic() - started:.0f} s")
        if build(runtime, Path(work) / "again").read_bytes() != zipped.read_bytes():
            yield f"{runtime}: built again, it has other bytes"
        code = Path(work) / "code"
        with zipfile.ZipFile(zipped) as package:
            package.extractall(code)
        looked = subprocess.run([python, *ALONE, "-c", LOOK, str(code)], cwd="/", env={}, check=False)
        if looked.returncode:
            yield f"{runtime}: it cannot be looked at"
        for name in TEMPLATES:
            started, chosen = time.monotonic(), files()[::step]
            yield from (f"{runtime}, {name}: {one}" for one in _played(code, name, python, chosen))
            print(f"{runtime}, {name}: {len(chosen)} deliveries in {time.monotonic() - started:.0f} s")


def _played(code: Path, template: str, python: str, chosen: list[EventFile]) -> Iterator[str]:
    shutil.copy(ROOT / template, code)
    state = json.loads((EVENTS / "state.json").read_text(encoding="utf-8"))
    env = {
        "SWAP_TARGETS": (EVENTS / "targets.json").read_text(encoding="utf-8"),
        "SWAP_WEBHOOK_SECRETS": SECRET,
    }
    with LocalCloud(state, template=code / template, env=env, python=(python, *ALONE)) as local:
        cloud = Cloud(local)
        for file in chosen:
            cloud.put_state(file.state(state))
            if why := wrong(cloud, file):
                yield f"{file.name}: {why}"
        yield from (f"no right: {action} on {resource}" for action, resource in cloud.denied())


if __name__ == "__main__":
    sys.exit(main())
