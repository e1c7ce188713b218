"""``make bench``: prints what the function costs beside the least that it could. Always ends with 0."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

from bench import cold, deciding, warm


def main() -> int:
    """Measure and print; ``--short`` takes fewer rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.run")
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}; the ratios of one run. Medians, rounds interleaved.")
    _table("A cold start: a process until the first invocation could begin", cold.measure, short)
    _table("A warm delivery, and the very same API calls made by others", warm.measure, short)
    _table("API calls that a delivery makes, and the least that would do", warm.calls, short)
    _table("One decision, and a whole forecast", deciding.measure, short)
    return 0


def _table(title: str, measure: Callable[[bool], Iterable[tuple[str, ...]]], short: bool) -> None:
    rows = [tuple(map(str, row)) for row in measure(short)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    print(f"\n{title}\n")
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        print("  " + "  ".join(cells).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
