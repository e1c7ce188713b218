"""What is deployed: the size of the package, where `make package` has built it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.rows import Row

BUILD = Path(__file__).resolve().parent.parent / "build"


def measure(short: bool) -> Iterator[Row]:
    """Yield a row for each package that is there."""
    del short
    for package in sorted(BUILD.glob("*.zip")):
        target = 3.6 if package.stem in {"swap", "slb-swap"} else None
        yield Row(f"package {package.name}", "MB", package.stat().st_size / 1e6, None, "", target)
