"""What holds of every delivery, whatever is in it."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.core.model.values import Scope
from handler.triggers import deployment
from handler.triggers.deployment import Entry, _Covered
from handler.triggers.messages import Unreadable
from tests.support.triggers import NOW, WEB, deliver, github, http_event, sign_bytes, target

settings.register_profile("deliveries", deadline=None, suppress_health_check=[HealthCheck.too_slow])
unhurried = settings(settings.get_profile("deliveries"))

WORDS = """
content data type source specversion id subject product name state resourceId resourceArn resourceType
scalingGroupId instanceIds instanceId lifecycleHookId lifecycleTransition requestContext http method headers
body isBase64Encoded Message TopicName messageBody attrs triggerTime triggerName payload targets condition
requestPayload
"""
words = st.sampled_from(WORDS.split())
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["asg-web", "i-a", "ess:ScalingActivity:ScaleInSuccess", "ecs:Instance:StateChange", "Deleted"]
    )
    | st.sampled_from(
        ["SCALE_IN", "1.0", "acs.ess", "ECS", "ESS", "Instance:StateChange", "POST", "Success", "{}"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(words | st.text(), inner, max_size=6)
        | inner.map(json.dumps)
        | inner.map(lambda one: base64.b64encode(json.dumps(one).encode()).decode())
    ),
    max_leaves=20,
)


@unhurried
@given(st.binary())
def test_any_bytes_end_in_a_reading(data: bytes) -> None:
    found = deliver(data)
    assert found.rejected or found.ignored or found.intents


@unhurried
@given(values)
def test_any_json_ends_in_a_reading(value: Any) -> None:
    found = deliver(json.dumps(value).encode())
    assert found.rejected or found.ignored or found.intents
    assert all(one.trigger != "deployment" for one in found.intents)


@unhurried
@given(values)
def test_any_signed_body_ends_in_a_reading(value: Any) -> None:
    body = json.dumps(value).encode()
    found = deliver(http_event(body, sign_bytes(body)))
    assert len(found.rejected) == 1
    assert found.rejected[0].status in {400, 404}


@unhurried
@given(values, st.booleans())
def test_deployment_of_github_without_a_target_is_somebody_elses_and_ignored(
    payload: Any, as_text: bool
) -> None:
    sent = json.dumps(payload) if as_text else payload
    body = json.dumps({"action": "created", "deployment": {"payload": sent}}).encode()
    found = deliver(http_event(body, github(body)))
    assert ([one.reason for one in found.ignored], found.rejected, found.intents) == (
        ["github_deployment_without_request"],
        (),
        (),
    )


@unhurried
@given(values, st.dictionaries(words, values, max_size=2), st.booleans())
def test_deployment_of_github_with_a_target_is_ours_and_its_errors_are_errors(
    target: Any, more: dict[str, Any], as_text: bool
) -> None:
    payload = {**more, "target": target}
    sent = json.dumps(payload) if as_text else payload
    body = json.dumps({"action": "created", "deployment": {"payload": sent}}).encode()
    (rejected,) = deliver(http_event(body, github(body))).rejected
    assert rejected.status in {400, 404}


@unhurried
@given(st.binary(max_size=200))
def test_any_signed_bytes_end_in_a_reading(body: bytes) -> None:
    found = deliver(http_event(body, sign_bytes(body), encoded=True))
    assert [one.status for one in found.rejected] == [400]


ids = st.sampled_from(["i-a", "i-b", "i-c", "eni-d"])
entries = ids | st.fixed_dictionaries(
    {"server_id": ids},
    optional={
        "port": st.sampled_from([80, 81]) | st.none(),
        "weight": st.integers(0, 100) | st.none(),
        "server_ip": st.sampled_from(["10.0.0.1", "10.0.0.2"]) | st.none(),
    },
)
requests = st.fixed_dictionaries(
    {"target": st.just("web")},
    optional={
        "terminated": st.lists(entries, max_size=3),
        "launched": st.lists(entries, max_size=3),
        "pairs": st.lists(st.tuples(ids, ids), max_size=2),
        "gone": st.booleans(),
        "dry_run": st.booleans(),
    },
)


def covers(one: Any, other: Any) -> bool:
    """Tell naively whether two entries may be of one backend."""

    def same(name: str) -> bool:
        mine, theirs = getattr(one, name), getattr(other, name)
        return mine is None or theirs is None or mine == theirs

    return one.server_id == other.server_id and same("port") and same("server_ip")


@unhurried
@given(requests)
def test_request_is_taken_exactly_or_refused(request: dict[str, Any]) -> None:
    body = json.dumps(request).encode()
    try:
        (intent,) = deployment.read(body, (WEB,), ("msg_1",))
    except Unreadable as error:
        assert error.status == 400
        return
    assert intent.scope is Scope.LITERAL
    for side, position in (("terminated", 0), ("launched", 1)):
        asked = [one if isinstance(one, str) else one["server_id"] for one in request.get(side, [])]
        implied = {pair[position] for pair in request.get("pairs", [])}
        named = [one.server_id for one in getattr(intent, side)]
        assert named[: len(asked)] == asked
        inner = {old for old, _ in request.get("pairs", [])} if side == "launched" else set()
        assert set(named) == set(asked) | (implied - inner)
    both = (*intent.terminated, *intent.launched)
    assert not any(covers(one, other) for at, one in enumerate(both) for other in both[at + 1 :])


optional_ports = st.sampled_from([None, 80, 81])
optional_ips = st.sampled_from([None, "10.0.0.1", "10.0.0.2", "any", "all"])


@unhurried
@given(st.lists(st.builds(Entry, ids, port=optional_ports, server_ip=optional_ips), max_size=6))
def test_overlaps_are_those_that_comparing_all_with_all_finds(listed: list[Entry]) -> None:
    covered = _Covered()
    for at, entry in enumerate(listed):
        assert covered.overlaps(entry) == any(covers(entry, other) for other in listed[:at])
        covered.add(entry)


@unhurried
@given(st.lists(st.sampled_from(["asg-web", "asg-b", "asg-x"]), max_size=6))
def test_each_record_has_its_intents_in_order(groups: list[str]) -> None:
    targets = (target("web"), target("b"), target("both", "asg-web", "asg-b"))
    records = [
        {
            "specversion": "1.0",
            "id": f"e-{at}",
            "type": "ess:ScalingActivity:ScaleInSuccess",
            "data": {"scalingGroupId": group, "instanceIds": [f"i-{at}"]},
        }
        for at, group in enumerate(groups)
    ]
    found = deliver(records, *targets, now=NOW)
    fed = {"asg-web": ["web", "both"], "asg-b": ["b", "both"], "asg-x": []}
    assert [(one.target, one.event_ids) for one in found.intents] == [
        (name, (f"e-{at}",)) for at, group in enumerate(groups) for name in fed[group]
    ]
    assert len(found.ignored) == groups.count("asg-x") + (not groups)
