"""The bill of materials, as CycloneDX 1.5 has it: version, commit, runtime, and what is in the package."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.package.installing import Installed

FILE: Final = "bom.cdx.json"


@dataclass(frozen=True, slots=True)
class Build:
    """What is built: the version, the commit (`-changed` with changes that it has not), the runtime."""

    version: str
    commit: str
    runtime: str
    compiled: bool

    def name(self, sha256: str) -> str:
        """The name of a zip of these bytes: other bytes, another name, or an update is not picked up."""
        commit, changed, _ = self.commit.partition("-")
        marked = f"{commit[:12]}-changed" if changed else commit[:12]
        return f"slb-swap-{self.version}-{marked}-{self.runtime}-{sha256[:8]}.zip"


def write(code: Path, build: Build, installed: Iterable[Installed]) -> None:
    """Write the file, of what is in the folder. No time is in it: the same commit gives the same bytes."""
    kept = [one for one in installed if any(code.glob(f"{_folder(one.name)}-*.dist-info"))]
    libraries = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{one.name}@{one.version}",
            "name": one.name,
            "version": one.version,
            "purl": f"pkg:pypi/{one.name}@{one.version}",
            "hashes": [{"alg": "SHA-256", "content": one.sha256}],
            **({"licenses": [{"license": {"name": one.licence}}]} if one.licence else {}),
        }
        for one in kept
    ]
    files = [
        {
            "type": "file",
            "name": path.relative_to(code).as_posix(),
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        for path in sorted(code.rglob("*"))
        if path.is_file() and _ours(path.relative_to(code))
    ]
    main: dict[str, Any] = {
        "type": "application",
        "bom-ref": "slb-swap",
        "name": "slb-swap",
        "version": build.version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [
            {"name": "slb-swap:commit", "value": build.commit},
            {"name": "slb-swap:runtime", "value": build.runtime},
            {"name": "slb-swap:compiled", "value": str(build.compiled).lower()},
        ],
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "",
        "version": 1,
        "metadata": {"component": main},
        "components": [*libraries, *files],
        "dependencies": [{"ref": "slb-swap", "dependsOn": [one["bom-ref"] for one in libraries]}],
    }
    told = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, told)}"
    (code / FILE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _folder(name: str) -> str:
    return name.replace("-", "_")


def _ours(path: Path) -> bool:
    return path.suffix != ".pyc" and (path.parts[0] == "handler" or len(path.parts) == 1)
