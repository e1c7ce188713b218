"""One order under traffic, measured: requests, failures by cause, and latency during against before."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import cycle, islice
from typing import Any

from show.traffic.orders import Order
from show.traffic.sender import Sample, wait_for
from show.traffic.stage import Stage


@dataclass(frozen=True, slots=True)
class Bounds:
    """Servers, how often they are replaced, requests a second and in all at least, seconds of before.

    `pace` shortens how long instances take for everything.
    """

    servers: int
    times: int
    rate: int
    requests: int
    before_s: float
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of an order. Latencies in ms, of the requests sent while servers were being replaced."""

    requests: int
    failed: int
    p50_ms: float
    p99_ms: float
    p99_ratio: float
    causes: Counter[str]
    seconds: float
    lines: list[str | dict[str, Any]]


_AFTERMATH_S = 1.0
"""After a replacement old servers are still being released: neither during nor before."""


def measure(order: Order, bounds: Bounds) -> Measured:
    """Play an order. RuntimeError or TimeoutError if it did not end as it has to."""
    with Stage(bounds.servers, order.strategy, bounds.pace) as stage:
        sender = stage.sender(bounds.rate)
        began = time.time()
        time.sleep(1 + bounds.before_s)  # the first second warms up
        spans = []
        for number, way in enumerate(islice(cycle(order.ways), bounds.times), 1):
            start = time.time()
            way(stage)
            spans.append((start, time.time()))
            wait_for(sender, bounds.requests * number // bounds.times, 600)
        samples = sender.stop()
        lines: list[str | dict[str, Any]] = [*stage.log(), *stage.groups(), *counted(samples)]
        return measured(samples, stage.end(), spans, began + 1, lines)


def counted(samples: list[Sample], width_s: float = 0.1) -> list[dict[str, Any]]:
    """The requests as lines of a log, a line for each tenth of a second."""
    sent: Counter[int] = Counter(int(sample.at / width_s) for sample in samples)
    failed: Counter[int] = Counter(int(sample.at / width_s) for sample in samples if sample.failed)
    return [
        {
            "event": "traffic.counted",
            "time": datetime.fromtimestamp(number * width_s, timezone.utc).isoformat(),
            "requests": sent[number],
            "failed": failed[number],
        }
        for number in sorted(sent)
    ]


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def measured(
    samples: list[Sample],
    causes: Counter[str],
    spans: list[tuple[float, float]],
    start: float,
    lines: list[str | dict[str, Any]],
) -> Measured:
    """Count what was sent: during one of the spans, or before one, in the quiet since the last or `start`."""
    ends = [start, *(end + _AFTERMATH_S for _, end in spans)]
    quiet = [(end, begin) for end, (begin, _) in zip(ends, spans, strict=False)]
    before = [s.ms for s in samples if any(a <= s.at < b for a, b in quiet)]
    during = [s.ms for s in samples if any(a <= s.at < b for a, b in spans)]
    p99 = percentile(during, 0.99)
    return Measured(
        requests=len(samples),
        failed=sum(sample.failed for sample in samples),
        p50_ms=round(percentile(during, 0.5), 3),
        p99_ms=round(p99, 3),
        p99_ratio=round(p99 / percentile(before, 0.99), 2) if before else 0.0,
        causes=causes,
        seconds=round(sum(b - a for a, b in spans), 1),
        lines=lines,
    )
