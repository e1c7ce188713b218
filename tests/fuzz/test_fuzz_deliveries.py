"""A small run of the fuzz of deliveries, and that its checks see what they look for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handler.core.model.values import Intent, ServerRef
from tests.fuzz import fuzz_deliveries
from tests.fuzz.fuzz_deliveries import check, corpus, deliver, holds_signed_request, run


@pytest.mark.parametrize("seed", range(4))
def test_mutated_deliveries_end_in_a_reading(seed: int) -> None:
    assert run(500, seed) == []


def test_same_seed_gives_the_same_mutations() -> None:
    import random

    seeds = corpus()
    one, other = (
        [fuzz_deliveries.mutate(item, seeds, random.Random(f"7-{index}")) for index, item in enumerate(seeds)]
        for _ in range(2)
    )
    assert one == other
    assert sum(data != item.data for data, item in zip(one, seeds, strict=True)) > len(seeds) * 0.9


def test_checks_see_what_they_look_for() -> None:
    found = deliver(b"{}")
    assert check(b"{}", found) is None
    assert check(b"{}", replace(found, rejected=())) == "it says nothing"
    invented = Intent("web", "timer", launched=(ServerRef("i-evil"),))
    assert check(b'{"a": "i-ev"}', replace(found, intents=(invented,))) == "it invents {'i-evil'}"
    assert check(b'{"a": "aS1ldmls"}', replace(found, intents=(invented,))) is None
    request = replace(found, intents=(Intent("web", "deployment"),))
    assert check(b"{}", request) == "it takes a request that nobody signed"
    off = replace(found, intents=(Intent("off", "timer"),))
    assert check(b"{}", off) == "it acts for a target that is off"
    told = replace(found, event_ids=(fuzz_deliveries.SECRET,))
    assert check(b"{}", told) == "it tells the secret"


def test_signed_requests_are_told_from_others() -> None:
    for item in corpus():
        taken = any(intent.trigger == "deployment" for intent in deliver(item.data).intents)
        assert holds_signed_request(item.data) or not taken, item.name
    unsigned = {item.name for item in corpus() if item.request and not holds_signed_request(item.data)}
    assert unsigned == {f"webhook-{name}.json" for name in ("unsigned", "wrong-secret", "stale", "tampered")}
