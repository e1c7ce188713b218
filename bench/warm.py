"""A warm delivery: the CPU that it takes, and its wall time beside what the calls alone take."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from statistics import median
from types import SimpleNamespace

from bench import cloud as clouds
from bench.rows import Row, interleaved, spread
from handler import main
from handler.cloud.endpoints import loopback

#: Seconds that each call takes in the rows of wall time, and for which a write keeps the balancer busy.
CALL_S, BUSY_S = 0.03, 0.3


def measure(short: bool) -> Iterator[Row]:
    """Yield the rows."""
    with clouds.serving() as cloud:
        for pairs, target in ((20, 1.2), (200, 1.5)):
            yield _cpu(cloud, pairs, target, 5 if short else 25)
        yield _one_pair(cloud, 4 if short else 15)
        yield _busy(cloud, 2 if short else 5)


def _cpu(cloud: clouds.Cloud, pairs: int, target: float, rounds: int) -> Row:
    cloud.put(clouds.state(pairs))
    deliver(cloud, pairs)
    made = cloud.calls()
    ways = {"ours": lambda: deliver(cloud, pairs), "sdk": lambda: cloud.by_sdk(made)}
    found = interleaved(
        rounds, {name: _timed(cloud, pairs, way, time.process_time) for name, way in ways.items()}
    )
    return Row(
        f"warm delivery of {pairs} pairs, CPU",
        "ms",
        median(found["ours"]) * 1000,
        median(found["sdk"]) * 1000,
        "the same calls by the bare SDK",
        target,
        spread(found["ours"]),
    )


def _timed(
    cloud: clouds.Cloud, pairs: int, way: Callable[[], object], clock: Callable[[], float], **readings: int
) -> Callable[[], float]:
    def timed() -> float:
        cloud.put(clouds.state(pairs, **readings))
        if clock is time.perf_counter:
            cloud.delay(CALL_S)
        started = clock()
        way()
        return clock() - started

    return timed


def _one_pair(cloud: clouds.Cloud, rounds: int) -> Row:
    """One pair beside the two calls that nobody can do without: read, and write."""
    cloud.put(clouds.state(1))
    deliver(cloud, 1)
    made = cloud.calls()
    read = next(one for one in made if one["action"] == "DescribeVServerGroupAttribute")
    write = next(one for one in made if one["action"].startswith("Modify"))
    ways = {"ours": lambda: deliver(cloud, 1), "two": lambda: cloud.by_stdlib([read, write])}
    found = interleaved(
        rounds, {name: _timed(cloud, 1, way, time.perf_counter) for name, way in ways.items()}
    )
    return Row(
        "wall, 1 gone pair at 30 ms a call",
        "s",
        median(found["ours"]),
        median(found["two"]),
        "read and write, back to back",
        3.5,
        spread(found["ours"]),
    )


def _busy(cloud: clouds.Cloud, rounds: int) -> Row:
    """200 pairs on a busy load balancer. The floor: ten writes of 20, nine times busy, and nothing else."""
    timed = _timed(cloud, 200, lambda: deliver(cloud, 200), time.perf_counter, busy_ms=int(BUSY_S * 1000))
    found = [timed() for _ in range(rounds)]
    return Row(
        "wall, 200 gone pairs, 300 ms busy",
        "s",
        median(found),
        10 * CALL_S + 9 * BUSY_S,
        "ten writes of 30 ms, nine times 300 ms",
        1.3,
        spread(found),
    )


@contextmanager
def trusting(bundle: str) -> Iterator[None]:
    """Trust a bundle for as long as the block lasts."""
    os.environ["ALIBABA_CLOUD_CA_BUNDLE"] = bundle
    try:
        yield
    finally:
        del os.environ["ALIBABA_CLOUD_CA_BUNDLE"]


def deliver(cloud: clouds.Cloud, pairs: int) -> None:
    """Hand the function an event, as its platform does."""
    credentials = SimpleNamespace(
        access_key_id=cloud.key, access_key_secret=cloud.secret, security_token=None
    )
    context = SimpleNamespace(
        request_id="r-1",
        region="cn-hangzhou",
        account_id="1",
        function=SimpleNamespace(name="swap", timeout=600),
        credentials=credentials,
    )
    with redirect_stdout(StringIO()):
        os.environ |= {"SWAP_TARGETS": json.dumps(clouds.TARGETS), "SWAP_ENDPOINT": cloud.endpoint}
        if main._instance is None or main._instance.settings.endpoints.loopback != loopback(cloud.endpoint):
            main.initialize(context)
        result = main.swap(json.dumps(clouds.event(pairs)).encode(), context)
    assert result["outcome"] in {"applied", "unchanged"}, result
