"""Validates the templates, then shows that each broken one is caught and named."""

from __future__ import annotations

import sys
import time

from scripts.validate import broken, checking


def main() -> int:
    """0 if the templates are right, and nothing that is wrong gets through."""
    started = time.monotonic()
    given = checking.documents()
    bad = 0
    for name in checking.FILES:
        found = sorted(checking.faults(given, name, native=True))
        print(f"{name}: {'as it should be' if not found else f'{len(found)} faults'}")
        bad += len(found)
        for fault in found:
            print(f"  {fault}")
    if bad:
        return 1
    missed = [one for one in broken.TABLE if broken.names(one, native=True) != {one.fault}]
    for one in missed:
        print(f"broken: {one.what}: {one.fault} expected, {sorted(broken.names(one, native=True))} found")
    print(f"{len(broken.TABLE) - len(missed)} of {len(broken.TABLE)} broken templates caught and named")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
