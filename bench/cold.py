"""A cold start: what a fresh process pays before the first invocation, with and without compiled files."""

from __future__ import annotations

import compileall
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode
from statistics import median

ROOT = Path(__file__).resolve().parent.parent

#: What is installed for it; cryptography is the SDK's, and the function does without it
#: (scripts/package/contents.py).
PACKAGES = (
    "aliyunsdkcore",
    "aliyunsdkess",
    "aliyunsdkslb",
    "certifi",
    "cffi",
    "charset_normalizer",
    "cryptography",
    "fc2",
    "idna",
    "jmespath",
    "msgspec",
    "requests",
    "structlog",
    "urllib3",
    "websocket",
)
_SDK = (
    "from aliyunsdkcore.client import AcsClient\n"
    "from aliyunsdkslb.request.v20140515 import DescribeVServerGroupAttributeRequest,"
    " ModifyVServerGroupBackendServersRequest"
)
_HANDLER = "import handler.main; handler.main.initialize(None)"
CASES = {
    "bare Python": "pass",
    "the least for signed calls": "import hashlib, hmac, http.client, json, ssl, urllib.parse, uuid",
    "aliyun-python-sdk-core and -slb alone": _SDK,
    "structlog and msgspec alone": "import msgspec, structlog",
    "handler.main, and initialize": _HANDLER,
}


def measure(short: bool) -> Iterator[tuple[str, ...]]:
    """Yield the table."""
    rounds = 5 if short else 21
    with tempfile.TemporaryDirectory() as folder:
        compiled, plain = Path(folder, "compiled"), Path(folder, "plain")
        for package in (compiled, plain):
            _package(package)
        compileall.compile_dir(
            compiled, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, workers=1
        )
        times: dict[tuple[str, Path], list[float]] = {(c, p): [] for c in CASES for p in (compiled, plain)}
        for _ in range(rounds):
            for (case, package), found in times.items():
                found.append(_start(CASES[case], package))
        base = median(times["bare Python", compiled])
        yield "", "ms", "x bare", "without .pyc, ms", "x with"
        for case in CASES:
            with_pyc, without = median(times[case, compiled]), median(times[case, plain])
            yield (
                case,
                f"{with_pyc * 1000:.0f}",
                f"{with_pyc / base:.1f}",
                f"{without * 1000:.0f}",
                f"{without / with_pyc:.1f}",
            )


def _package(target: Path) -> None:
    target.mkdir()
    sources = [ROOT / "handler"]
    for name in (*PACKAGES, "_cffi_backend", "typing_extensions"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            sources.append(origin.parent if origin.name == "__init__.py" else origin)
    for source in sources:
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / source.name, ignore=ignored)
        else:
            shutil.copy(source, target)


def _start(code: str, package: Path) -> float:
    """Seconds that a process takes, with nothing but the standard library and the package."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "SWAP_TARGETS": '[{"vserver_group_id": "rsp-web"}]',
    }
    told = f"import sys; sys.path.insert(0, {str(package)!r})\n{code}"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", told], env=environment, check=True)
    return time.perf_counter() - started
