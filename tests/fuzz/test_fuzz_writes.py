"""A small run of the fuzz of writes, and that its checks see what they look for."""

from __future__ import annotations

import json

import pytest

from localcloud.cloud import Cloud
from tests.fuzz import fuzz_writes


def test_mutated_deliveries_write_what_is_named_or_reconciled() -> None:
    assert fuzz_writes.run(400, 0) == []


@pytest.mark.parametrize(
    ("left", "problem"),
    [
        (["i-old2", "i-old3", "i-new1", "i-evil"], "it puts in {'i-evil'}"),
        (["i-old1", "i-old2", "i-new1"], "it takes out {'i-old3'}"),
        (["i-old1"], "it takes out"),
    ],
)
def test_checks_see_what_they_look_for(
    monkeypatch: pytest.MonkeyPatch, left: list[str], problem: str
) -> None:
    real = fuzz_writes.run_one

    def run_one(data: bytes) -> Cloud:
        if data == fuzz_writes.TIMER:
            return real(data)
        state = real(data).state()
        group = state["load_balancers"][0]["vserver_groups"][0]
        group["backends"] = [{"server_id": one, "port": 8080} for one in left]
        return Cloud(json.loads(json.dumps(state)))

    monkeypatch.setattr(fuzz_writes, "run_one", run_one)
    assert problem in (fuzz_writes.check(b'{"i-old1": "x"}') or "")
