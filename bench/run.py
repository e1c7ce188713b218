"""``make bench``: one table of what the function costs, beside others and its targets. Always ends with 0."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import cold, picture, scale, sizes, warm
from bench.rows import Row

OUT = Path(__file__).resolve().parent / "out"


def main() -> int:
    """Measure and print; ``--short`` takes fewer rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.run")
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    where = (
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}, "
        f"{datetime.datetime.now(tz=datetime.timezone.utc):%Y-%m-%d}"
    )
    print(
        f"{where}; medians of interleaved rounds, half of the quartiles' distance, ratios last\n", flush=True
    )
    rows = list(_printed(short))
    OUT.mkdir(exist_ok=True)
    (OUT / "results.json").write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    (OUT / "results.svg").write_text(picture.svg(rows, where))
    print(f"\n{OUT / 'results.json'}, {OUT / 'results.svg'}")
    return 0


def _printed(short: bool) -> Iterator[Row]:
    print(_line("measure", "ours", "spread", "beside", "theirs", "ratio", "target", ""))
    for measure in (scale.measure, warm.measure, cold.measure, sizes.measure):
        for row in measure(short):
            judged = row.ratio is not None
            print(
                _line(
                    row.measure,
                    f"{row.ours:.3g} {row.unit}",
                    f"{row.spread:.0%}" if row.spread else "",
                    row.beside,
                    f"{row.against:.3g} {row.unit}" if row.against is not None else "",
                    f"{row.ratio:.2f}" if judged else "",
                    f"{row.target:g}" if row.target is not None else "",
                    {None: "", True: "met", False: "not met"}[row.met],
                ),
                flush=True,
            )
            yield row


def _line(*cells: str) -> str:
    widths = (54, 11, 6, 46, 11, 6, 6, 7)
    left = {0, 3, 7}
    told = (
        cell.ljust(width) if at in left else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(told).rstrip()


if __name__ == "__main__":
    sys.exit(main())
