"""`make package`: what is deployed, as build/slb-swap.zip, for one of Function Compute's Python runtimes.

The root of the zip is /code. What the function imports lies beside it, compiled for the runtime, since /code
is read-only there. Left out is what nothing imports, once that has been tried.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from localcloud.serving import LocalCloud  # noqa: E402

CODE = ROOT / "build" / "package"
ZIP = ROOT / "build" / "slb-swap.zip"

#: Only RSA key pairs need these, which Function Compute never gives (handler/cloud/sdk.py).
UNNEEDED = ("cryptography", "cffi", "_cffi_backend", "pycparser")

#: One event and one webhook, from the bytes to the load balancer, with nothing but the package on the path.
TRIAL = """
import sys
sys.path.insert(0, sys.argv[1])
import json, os
from types import SimpleNamespace as Made
keys = Made(access_key_id=sys.argv[2], access_key_secret=sys.argv[3], security_token=None)
context = Made(request_id="r", region="cn-hangzhou", account_id="1", credentials=keys,
               function=Made(name="swap", timeout=60))
from handler import main
event = {"id": "1", "source": "acs.ess", "type": "ess:ScalingActivity:ScaleInSuccess",
         "data": {"scalingGroupId": "asg-web", "instanceIds": ["i-old"]}}
outcome = main.swap(json.dumps(event).encode(), context)["outcome"]
assert outcome == "applied", outcome
import handler.cloud.fc
assert not {"cryptography", "cffi"} & sys.modules.keys()
"""


def main(runtime: str) -> int:
    """Build for `python3.10` and the like; returns 0 if what was built works."""
    version = runtime.removeprefix("python")
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    CODE.mkdir(parents=True)
    _install(version)
    for name in ("handler", "template.yml", "template.fc3.yml", "LICENSE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, CODE / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, CODE)
    _leave_out()
    python = _interpreter(version)
    if python is None:
        print(f"No {runtime} is found here: nothing is compiled, and every cold start will pay for it.")
    else:
        compiling = [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(CODE)]
        subprocess.run(compiling, check=True)
        _try(python)
    _zip()
    for part in sorted(CODE.iterdir(), key=_size, reverse=True)[:12]:
        print(f"{_size(part) / 1e6:8.2f} MB  {part.name}")
    print(
        f"{_size(CODE) / 1e6:8.2f} MB  in all, {ZIP.stat().st_size / 1e6:.2f} MB as {ZIP.relative_to(ROOT)}"
    )
    return 0


def _install(version: str) -> None:
    """Install what requirements.txt pins, for the runtime rather than for this machine."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--no-compile", "--target", str(CODE)),
            *("--python-version", version, "--implementation", "cp", "--platform", "manylinux2014_x86_64"),
            *("--platform", "manylinux_2_28_x86_64"),
            *("-r", str(_for(version))),
        ],
        check=True,
    )


def _for(version: str) -> Path:
    """requirements.txt without what is for other versions: pip asks the markers of its own Python."""
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    kept = []
    for block in _blocks((ROOT / "requirements.txt").read_text()):
        marker = Requirement(block.split(" \\")[0].strip()).marker
        if marker is None or marker.evaluate(environment):
            kept.append(re.sub(r" ;.*? \\", r" \\", block, count=1))
    target = ROOT / "build" / "requirements.txt"
    target.write_text("".join(kept))
    return target


def _blocks(text: str) -> Iterator[str]:
    """Each requirement with its hashes."""
    block = ""
    for line in text.splitlines(keepends=True):
        if line.strip().startswith("#"):
            continue
        if not line.startswith(" ") and block:
            yield block
            block = ""
        block += line
    yield block


def _leave_out() -> None:
    for part in list(CODE.iterdir()):
        name = part.name.split("-")[0].split(".")[0].lower()
        if name in UNNEEDED or part.name in {"bin", "__pycache__"}:
            shutil.rmtree(part) if part.is_dir() else part.unlink()


def _interpreter(version: str) -> str | None:
    """A Python of the runtime's minor version: only that one compiles for it."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    found = subprocess.run([ROOT / ".ci" / "pythons"], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in found.splitlines()).get(version)


def _try(python: str) -> None:
    """Deliver an event to what was built, on a local cloud."""
    state = {
        "load_balancers": [
            {
                "load_balancer_id": "lb-web",
                "listeners": [{"port": 80, "vserver_group_id": "rsp-web"}],
                "vserver_groups": [
                    {"vserver_group_id": "rsp-web", "backends": [{"server_id": "i-old", "port": 80}]}
                ],
            }
        ],
        "scaling_groups": [{"scaling_group_id": "asg-web", "instances": [{"instance_id": "i-new"}]}],
    }
    targets = [{"vserver_group_id": "rsp-web", "scaling_group_ids": ["asg-web"]}]
    with LocalCloud(state) as cloud:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SWAP_TARGETS": json.dumps(targets),
            "SWAP_ENDPOINT": cloud.endpoint,
            "LOG_LEVEL": "ERROR",
        }
        told = [str(CODE), cloud.admin.access_key_id, cloud.admin.access_key_secret]
        subprocess.run([python, "-I", "-S", "-c", TRIAL, *told], env=environment, check=True, cwd="/")
    print("An event was delivered to the package, with nothing else on its path.")


def _zip() -> None:
    with zipfile.ZipFile(ZIP, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in sorted(CODE.rglob("*")):
            if path.is_file():
                zipped.write(path, path.relative_to(CODE))


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
