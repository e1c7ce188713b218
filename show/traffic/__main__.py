"""`make traffic`: every server replaced under real traffic, in our order and in others'."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from show.traffic.instances import tool
from show.traffic.measuring import Bounds, Measured, measure
from show.traffic.orders import ORDERS, Order
from show.traffic.stage import HEALTH_S, NOTICE_S

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "bench" / "out" / "traffic.json"
KEYS = ("requests", "failed", "p50_ms", "p99_ms", "p99_ratio")

FULL = Bounds(servers=20, times=10, rate=3000, requests=1_000_000, before_s=10)
SHORT = Bounds(servers=8, times=3, rate=800, requests=0, before_s=2, pace=0.5)

READINGS = (
    "a new server takes no request before its first check has passed (used_before_check false)",
    "servers of weight 0 are checked (weight0_checked true)",
    "a Modify removes, then adds (modify_atomic false)",
    "a server that is removed finishes the requests that it has",
    "HAProxy tries no request twice; the sender (h2load) does not wait for answers",
)

TIMES = (
    ("checks every 0.1 s, one to rise, two to fall; health.timeout_s {}", (HEALTH_S,)),
    (
        "new servers answer {} s after their launch, every fourth after {} s; every order begins then",
        (1.5, 3),
    ),
    ("preemptible instances end {} s after their interruption", (NOTICE_S,)),
)

out = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


def main() -> int:
    """Play the orders; 0 if no request failed that may not fail."""
    parser = argparse.ArgumentParser(prog="make traffic")
    parser.add_argument("--short", action="store_true", help="small numbers and some orders, for CI")
    parser.add_argument("--only", default="", help="the orders that begin with this")
    for name in ("servers", "times", "rate", "requests"):
        parser.add_argument(f"--{name}", type=int)
    options = parser.parse_args()
    missing = [name for name in ("haproxy", "h2load", "nginx") if tool(name) is None]
    if missing:
        print(f"{', '.join(missing)}: not installed; `make traffic` installs them on Debian", file=sys.stderr)
        return 2
    os.nice(5)  # what carries the requests goes first
    given = {k: v for k, v in vars(options).items() if k in Bounds.__dataclass_fields__ and v is not None}
    bounds = Bounds(**{**asdict(SHORT if options.short else FULL), **given})
    found: dict[str, Measured] = {}
    wrong = []
    for order in ORDERS:
        if not order.name.startswith(options.only) or (options.short and not order.short):
            continue
        out.print(f"[dim]{order.name} ...[/]")
        try:
            found[order.name] = measure(order, _bounds_of(order, bounds))
        except (RuntimeError, TimeoutError) as error:
            wrong.append(f"{order.name}: {error}")
            continue
        if order.ours and found[order.name].failed:
            wrong.append(f"{order.name}: {found[order.name].failed} requests failed")
    _report(found, bounds)
    _write(found)
    for line in wrong:
        out.print(f"[bold red]{line}[/]")
    return 1 if wrong else 0


def readings(pace: float) -> list[str]:
    """What was taken as given, in words."""
    return [*READINGS, *(line.format(*(round(pace * s, 2) for s in given)) for line, given in TIMES)]


def _bounds_of(order: Order, bounds: Bounds) -> Bounds:
    """The million is for the two whole orders of ours; what fails by design needs no million."""
    if order.ours and len(order.ways) > 1:
        return bounds
    times = 1 if bounds.times <= SHORT.times else 2 if order.ours else bounds.times
    return replace(bounds, times=times, requests=0, before_s=min(bounds.before_s, 3))


def _report(found: dict[str, Measured], bounds: Bounds) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), title=None)
    table.add_column("order")
    for heading in ("requests", "failed", "p50 ms", "p99 ms", "p99, during : before", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("why they failed", style="dim")
    for name, one in found.items():
        causes = ", ".join(f"{count:,} {why}" for why, count in one.causes.most_common())
        table.add_row(
            name, f"{one.requests:,}", f"{one.failed:,}", f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}",
            f"{one.p99_ratio:.2f}", f"{one.seconds:.0f}", causes,
            style="bold red" if one.failed else "",
        )  # fmt: skip
    out.print(f"\n{bounds.servers} servers, {bounds.rate:,} requests a second\n")
    out.print(table)
    out.print("\nTaken as given, since the documents do not say:")
    for reading in readings(bounds.pace):
        out.print(f"  {reading}")


def _write(found: dict[str, Measured]) -> None:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: {key: getattr(one, key) for key in KEYS} for name, one in found.items()}
    OUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    out.print(f"\nwritten to {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
