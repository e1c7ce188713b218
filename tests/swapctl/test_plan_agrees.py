"""What ``plan`` says is what the function then does, when nothing goes wrong."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.cloud.credentials import Credentials
from handler.cloud.ecs import CloudEcs
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.triggers import reading
from swapctl import planning
from tests.support import deliveries
from tests.support.level_b import World

OLD, NEW = ("i-1", "i-2", "i-3", "i-4", "i-5"), ("i-6", "i-7", "i-8")
#: What a run that ended so is called by a plan that has steps.
DONE = {"applied": "planned", "partial": "planned", "raised": "planned"}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A group of up to five servers with weights, on a port or two, and a listing that is none of its own."""
    here = draw(st.lists(st.sampled_from(OLD), min_size=1, unique=True))
    ports = draw(st.sampled_from((("",), ("",), (":8080", ":9090"))))
    weights = st.sampled_from(("", "", "", "=0", "=50"))
    of = " ".join(f"{one}{port}{draw(weights)}" for one in here for port in ports)
    listed = draw(st.none() | st.lists(st.sampled_from((*OLD, *NEW)), unique=True).map(" ".join))
    return World(
        of,
        listed,
        fresh=" ".join((*OLD, *NEW)),
        sick=draw(st.sampled_from(("", "", here[0]))),
        health_check=draw(st.booleans()),
        policy={
            "strategy": draw(st.sampled_from(("swap", "surge"))),
            "max_unavailable": draw(st.sampled_from(("25%", "50%", 0, 2))),
            "min_backends": draw(st.integers(0, 3)),
            "max_removed": draw(st.sampled_from(("50%", "100%", 0))),
            "exclusive": draw(st.booleans()),
        },
    )


@st.composite
def events(draw: st.DrawFn) -> Any:
    some = st.lists(st.sampled_from((*OLD, *NEW)), min_size=1, max_size=3, unique=True).map(" ".join)
    return draw(
        st.one_of(
            some.map(deliveries.scaled_in),
            some.map(deliveries.scaled_out),
            some.flatmap(lambda a: some.map(lambda b: [deliveries.scaled_in(a), deliveries.scaled_out(b)])),
            st.just({"triggerTime": "2024-01-01T00:00:00Z", "triggerName": "t", "payload": ""}),
        )
    )


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    olds = draw(st.lists(st.sampled_from(OLD), max_size=4, unique=True))
    news = draw(st.lists(st.sampled_from(NEW), max_size=3, unique=True, min_size=0 if olds else 1))
    body = {
        "target": "web",
        "terminated": olds,
        "launched": news,
        "gone": draw(st.booleans()),
        "force": draw(st.sampled_from(([], ["min_backends"], ["still_in_service", "max_removed"]))),
    }
    raw = json.dumps(body).encode()
    return json.dumps(deliveries.http_event(raw, deliveries.signed(raw))).encode()


def planned(world: World, raw: bytes) -> list[dict[str, Any]]:
    """What ``slb-swap plan`` shows, on the clock of the world."""
    chosen = world._settings
    delivery = reading.read(
        raw, targets=chosen.targets, region=deliveries.REGION, now=time.time(), secrets=chosen.secrets.values
    )
    assert not delivery.rejected
    client = world._instance.client
    assert client is not None
    key = world.identity
    client.renew(Credentials(key.access_key_id, key.access_key_secret, key.security_token or ""))
    return planning.plan(
        delivery.intents,
        chosen.targets,
        lambda: CloudSlb(client),
        CloudEss(client),
        CloudEcs(client),
        world.clock,
    )


def essence(result: dict[str, Any]) -> dict[str, Any]:
    """What a plan and a run of it have in common."""

    def keyed(key: str) -> list[str]:
        return sorted(json.dumps(one, sort_keys=True) for one in result[key])

    return {
        **{key: keyed(key) for key in ("pairs", "added", "removed", "before", "after")},
        "refused": sorted((one["subject"], one["reason"]) for one in result["refused"]),
        "unmanaged": sorted(result["unmanaged"]),
        "plan_id": result["plan_id"],
    }


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), events().map(lambda event: json.dumps(event).encode()) | requests())
def test_what_is_planned_is_what_is_done(world: World, raw: bytes) -> None:
    before = world.backends()
    foreseen = planned(world, raw)
    assert before == world.backends()
    assert not [call for call in world.calls() if not call["action"].startswith("Describe")]
    done = world.deliver(raw)
    assert [essence(one) for one in foreseen] == [essence(one) for one in done.result["targets"]]
    for plan, run in zip(foreseen, done.result["targets"], strict=True):
        assert plan["outcome"] in {run["outcome"], DONE.get(run["outcome"])}
