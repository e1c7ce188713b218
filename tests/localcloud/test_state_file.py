"""The state as JSON: the shape that is fixed, what is left out, and what is refused with its key named."""

import json

import pytest

from localcloud.cloud import Cloud
from localcloud.state import file as state_file
from localcloud.state import readings
from localcloud.state.fields import FieldError
from tests.support.local_slb import new, old, state

# The shape that users write; it is fixed.
FIXED = json.loads(
    """{"load_balancers": [{"load_balancer_id": "lb-web", "listeners": [{"port": 80, "protocol": "http",
    "vserver_group_id": "rsp-web", "health_check": true, "scheduler": "wrr", "connection_drain": false}],
    "vserver_groups": [{"vserver_group_id": "rsp-web", "name": "web", "backends": [{"server_id": "i-old1",
    "port": 8080, "weight": 100, "type": "ecs", "server_ip": null, "description": ""}]}]}],
    "instances": [{"instance_id": "i-old1", "status": "Running", "zone_id": "cn-hangzhou-h",
    "health": "normal"}], "scaling_groups": [{"scaling_group_id": "asg-web", "vserver_groups": [],
    "instances": [{"instance_id": "i-old1", "lifecycle_state": "InService", "health_status": "Healthy"}]}],
    "readings": {}, "faults": []}"""
)


def contains(whole, part):
    if isinstance(part, dict):
        return all(k in whole and contains(whole[k], v) for k, v in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(contains(a, b) for a, b in zip(whole, part, strict=True))
    return whole == part


def test_the_fixed_shape_is_taken_and_given_back():
    assert contains(Cloud(FIXED).state(), FIXED)


def test_what_came_out_may_be_put_back():
    made = Cloud(state(faults=[{"action": "*", "every": 5, "effect": "drop_response"}]))
    made.slb.modify("rsp-web", old(0), new(0))
    made.world.release("i-old1")
    assert Cloud(made.state()).state() == made.state()


def test_nothing_is_a_state_too():
    assert Cloud({}).state()["load_balancers"] == []


def test_whoever_is_only_mentioned_exists_and_runs():
    made = Cloud(state(scaling_groups=[{"scaling_group_id": "asg", "instances": [{"instance_id": "i-s"}]}]))
    assert {i.status for i in made.world.instances.values()} == {"Running"}
    assert {"i-old0", "i-s"} <= made.world.instances.keys()


def test_an_attachment_may_be_named_by_its_group_alone():
    made = Cloud(state(scaling_groups=[{"scaling_group_id": "asg", "vserver_groups": ["rsp-web"]}]))
    assert made.state()["scaling_groups"][0]["vserver_groups"] == [
        {"load_balancer_id": "lb-web", "vserver_group_id": "rsp-web", "port": 80, "weight": 50}
    ]


def changed(**change):
    balancer = {"load_balancer_id": "lb-a", **change}
    return {"load_balancers": [balancer]}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"loadbalancers": []}, "loadbalancers: unknown"),
        ({"load_balancers": {}}, "load_balancers: a list"),
        ({"load_balancers": [1]}, "load_balancers[0]: an object"),
        ({"load_balancers": [{}]}, "load_balancers[0].load_balancer_id: a string"),
        (changed(listeners=[{"port": "80"}]), "load_balancers[0].listeners[0].port: a whole number"),
        (changed(listeners=[{"port": 80, "health_check": 1}]), "load_balancers[0].listeners[0].health_check"),
        (
            changed(listeners=[{"port": 80}, {"port": 81, "vserver_group_id": "rsp-x"}]),
            "load_balancers[0].listeners[1].vserver_group_id: 'rsp-x' is no VServer group",
        ),
        (
            changed(
                listeners=[
                    {"port": 80, "rules": [{"rule_id": "a"}, {"rule_id": "b", "vserver_group_id": "rsp-x"}]}
                ]
            ),
            "load_balancers[0].listeners[0].rules[1].vserver_group_id: 'rsp-x' is no VServer group",
        ),
        (
            changed(listeners=[{"port": 80, "rules": [{"rule_id": "a", "healthcheck": False}]}]),
            "load_balancers[0].listeners[0].rules[0].healthcheck: unknown",
        ),
        (changed(backend_quota=-1), "load_balancers[0].backend_quota"),
        (changed(status="odd"), "load_balancers[0].status: 'odd' is not one of"),
        (
            changed(vserver_groups=[{"vserver_group_id": "g", "backends": [{"server_id": "i", "port": 0}]}]),
            "load_balancers[0].vserver_groups[0].backends[0].port",
        ),
        (
            changed(
                vserver_groups=[{"vserver_group_id": "g", "backends": [{"server_id": "i", "port": 1}] * 2}]
            ),
            "load_balancers[0].vserver_groups[0].backends[1]: ('i', 1, None) is there twice, first at "
            "load_balancers[0].vserver_groups[0].backends[0]",
        ),
        (
            changed(vserver_groups=[{"vserver_group_id": "g"}] * 2),
            "load_balancers[0].vserver_groups[1].vserver_group_id: 'g' is there twice",
        ),
        (
            {"load_balancers": [{"load_balancer_id": "lb"}] * 2},
            "load_balancers[1].load_balancer_id: 'lb' is there twice",
        ),
        ({"instances": [{"instance_id": "i"}] * 2}, "instances[1].instance_id: 'i' is there twice"),
        (
            {"scaling_groups": [{"scaling_group_id": "a"}] * 2},
            "scaling_groups[1].scaling_group_id: 'a' is there twice",
        ),
        ({"instances": [{"instance_id": "i", "locks": []}]}, "instances[0].locks: unknown"),
        ({"faults": [{"action": "*", "error": "SystemBusy", "when": 1}]}, "faults[0].when: unknown"),
        (
            {"faults": [{"action": "*", "effect": "reset"}, {"action": "DescribeRule", "effect": "reset"}]},
            "faults[1].action: 'DescribeRule' is no action of the local cloud, did you mean DescribeRules?",
        ),
        ({"faults": [{"action": "Xyzzy", "effect": "reset"}]}, "faults[0].action: 'Xyzzy' is no action"),
        ({"instances": [{"instance_id": "i", "health": "odd"}]}, "instances[0].health"),
        ({"instances": [{"instance_id": "i", "health_by_port": {"x": 1}}]}, "instances[0].health_by_port"),
        (
            {
                "scaling_groups": [
                    {"scaling_group_id": "a", "instances": [{"instance_id": "i", "lifecycle_state": "x"}]}
                ]
            },
            "scaling_groups[0].instances[0].lifecycle_state",
        ),
        ({"readings": {"odd": 1}}, "readings.odd: unknown"),
        ({"readings": {"modify_atomic": "maybe"}}, "readings.modify_atomic: 'maybe' is not one of"),
        ({"readings": {"busy_for": -1}}, "readings.busy_for"),
        ({"readings": {"max_per_call": 30}}, "readings.max_per_call"),
        ({"readings": []}, "readings: an object"),
        ({"faults": [{"action": "*"}]}, "faults[0].error: one of error and effect"),
    ],
)
def test_what_is_wrong_is_refused_with_its_key(given, key):
    with pytest.raises(FieldError) as caught:
        Cloud(given)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"odd": 1}', "odd: unknown"),
        ('{"faults": [{"action": "Odd", "effect": "reset"}]}', "faults[0].action: 'Odd' is no action"),
        ('{"readings": {"odd": 1}}', "readings.odd: unknown"),
        ("[]", "state: an object is needed"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name(tmp_path, text, told):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(FieldError) as caught:
        state_file.read(path)
    assert str(caught.value).startswith(f"{path}: {told}")


def test_a_file_holds_a_whole_state(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state(faults=[{"action": "*", "effect": "reset"}])))
    assert Cloud(state_file.read(path)).state()["faults"] == [{"action": "*", "effect": "reset"}]


def test_a_state_that_is_refused_changes_nothing():
    made = Cloud(state())
    before = made.state()
    with pytest.raises(FieldError):
        made.replace({"load_balancers": 1})
    assert made.state() == before


def test_every_reading_has_its_first_value_as_default():
    chosen = readings.validated({})
    assert chosen == {name: reading.values[0] for name, reading in readings.TABLE.items()}
    assert len(chosen) == 26
    assert all(reading.why for reading in readings.TABLE.values())


def test_truth_values_may_be_written_as_words():
    assert readings.validated({"modify_atomic": "true", "weight0_checked": False})["modify_atomic"] is True
