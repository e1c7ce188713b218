"""What goes into the package beside what was installed, and what of that is left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

#: Only RSA key pairs need these, which Function Compute never gives: 15 MB, and 18 ms at each cold start.
_UNNEEDED: Final = frozenset({"cryptography", "cffi", "_cffi_backend", "pycparser"})

#: What installing leaves behind; it differs from one machine to another.
_TRACES: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})

#: Packages of one module a call, of which the function makes a few.
_REQUESTS: Final = ("aliyunsdkslb/request", "aliyunsdkess/request")

_SIGNER: Final = "aliyunsdkcore/auth/algorithm/sha_hmac256.py"

#: In place of what would import `cryptography`. Looking at it, as inspect does, breaks nothing.
_STUB: Final = '''"""Signing by an RSA key pair, which is not in this package: Function Compute has others."""


def get_sign_string(source, access_secret):
    raise NotImplementedError("signing by an RSA key pair is not in this package")


def get_signer_name():
    return "SHA256withRSA"


def get_signer_version():
    return "1.0"


def get_signer_type():
    return "PRIVATEKEY"
'''


def add(root: Path, code: Path, *targets: Path) -> None:
    """Copy the project's own files, and the operator's files of targets."""
    shutil.copytree(root / "handler", code / "handler", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("index.py", "LICENSE"):
        shutil.copy(root / name, code / name)
    for file in targets:
        shutil.copy(file, code / file.name)


def leave_out(code: Path) -> None:
    """Remove what nothing imports."""
    for part in list(code.iterdir()):
        name = re.split(r"[-.]", part.name)[0].lower()
        if name in _UNNEEDED or part.name in {"bin", "__pycache__"}:
            _remove(part)
    for folder in [one for one in code.rglob("*") if one.is_dir() and one.name in {"tests", "test"}]:
        _remove(folder)
    for trace in [one for one in code.glob("*.dist-info/*") if one.name in _TRACES]:
        trace.unlink()
    _unused_requests(code)
    signer = code / _SIGNER
    if not signer.is_file():
        raise FileNotFoundError(f"{_SIGNER}: the SDK has another layout than the one this was made for")
    signer.write_text(_STUB, encoding="utf-8")


def _unused_requests(code: Path) -> None:
    words = set()
    for source in (code / "handler").rglob("*.py"):
        words.update(re.findall(r"\w+", source.read_text(encoding="utf-8")))
    for folder in _REQUESTS:
        for module in (code / folder).rglob("*Request.py"):
            if not {module.stem, module.stem.removesuffix("Request")} & words:
                module.unlink()


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink()
