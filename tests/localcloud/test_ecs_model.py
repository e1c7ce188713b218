"""ECS as the local cloud answers it: which instances there are, their status and their locks."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from localcloud.cloud import Cloud
from localcloud.http import Headers, Request
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.errors import ApiError
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.ram import RamPolicy, Statement
from tests.support.local_slb import gateway, signed

EVIDENCE = Path(__file__).parents[1] / "evidence" / "ecs"
ECS = "2014-05-26"


def sample(name):
    return json.loads((EVIDENCE / f"{name}.json").read_text(encoding="utf-8"))


def state(*instances, **top):
    return {"instances": [{"instance_id": one} if isinstance(one, str) else one for one in instances], **top}


def asked(made, action="DescribeInstances", *, identity=None, **params):
    query = signed(identity or made.admin, action, params, Version=ECS)
    response = made.handle(Request("GET", "/", urlencode(query), Headers({"Host": "ecs.test"})))
    return response.status, json.loads(response.body)


def ids(*wanted):
    return json.dumps(wanted)


def found(body):
    return [row["InstanceId"] for row in body["Instances"]["Instance"]]


def test_every_sample_says_where_it_is_from_and_how_sure_it_is():
    for path in EVIDENCE.glob("*.json"):
        assert {"source", "confidence"} <= json.loads(path.read_text(encoding="utf-8")).keys()


def test_an_answer_has_the_documented_keys():
    status, body = asked(gateway(state("i-1")))
    assert (status, body.keys()) == (200, set(sample("instances_sample")["answer_keys"]))
    assert body["Instances"]["Instance"][0].keys() == set(sample("instances_sample")["instance_keys"])


@pytest.mark.parametrize(("locks", "shape"), [([], "unlocked"), (["Recycling"], "locked")])
def test_a_preemptible_instance_that_is_about_to_be_reclaimed_is_locked(locks, shape):
    _, body = asked(gateway(state({"instance_id": "i-1", "operation_locks": locks})))
    [row] = body["Instances"]["Instance"]
    assert {"OperationLocks": row["OperationLocks"]} == sample("instances_sample")[shape]


@pytest.mark.parametrize("status", ["Pending", "Starting", "Running", "Stopping", "Stopped"])
def test_each_status_is_told(status):
    _, body = asked(gateway(state({"instance_id": "i-1", "status": status})))
    assert [row["Status"] for row in body["Instances"]["Instance"]] == [status]


def test_ids_that_are_unknown_are_left_out():
    made = gateway(state("i-1", "i-2", {"instance_id": "i-3", "status": "Released"}))
    assert found(asked(made, InstanceIds=ids("i-2", "i-3", "i-4"))[1]) == ["i-2"]


def test_a_released_instance_is_unknown_at_once():
    made = gateway(state("i-1", "i-2"))
    made.cloud.world.release("i-1")
    assert found(asked(made)[1]) == ["i-2"]


def test_network_interfaces_and_containers_are_no_instances():
    made = gateway(state("i-1", "eni-1", "eci-1"))
    assert found(asked(made)[1]) == ["i-1"]
    assert found(asked(made, InstanceIds=ids("eni-1", "eci-1", "i-1"))[1]) == ["i-1"]


def test_an_empty_list_of_ids_finds_nothing():
    assert asked(gateway(state("i-1")), InstanceIds="[]")[1]["Instances"] == {"Instance": []}


def test_filters_are_met_together():
    given = [
        {"instance_id": "i-1", "status": "Stopped"},
        {"instance_id": "i-2", "operation_locks": ["Recycling"]},
        {"instance_id": "i-3", "status": "Stopped", "operation_locks": ["financial", "Recycling"]},
    ]
    made = gateway(state(*given))
    assert found(asked(made, Status="Stopped")[1]) == ["i-1", "i-3"]
    assert found(asked(made, LockReason="recycling")[1]) == ["i-2", "i-3"]
    assert found(asked(made, LockReason="recycling", Status="Stopped")[1]) == ["i-3"]


def test_pages_by_number_hold_ten_and_a_hundred_at_most():
    made = gateway(state(*[f"i-{n}" for n in range(120)]))
    first = asked(made)[1]
    assert (len(found(first)), first["TotalCount"], first["PageNumber"], first["PageSize"]) == (
        10,
        120,
        1,
        10,
    )
    assert found(asked(made, PageNumber="2", PageSize="100")[1]) == [f"i-{n}" for n in range(100, 120)]
    assert asked(made, PageSize="101")[0] == 400


def test_with_tokens_the_pages_by_number_and_the_total_do_not_count():
    made = gateway(state(*[f"i-{n}" for n in range(5)]))
    seen, token, totals = [], None, set()
    while token != "":
        given = {"NextToken": token} if token else {}
        body = asked(made, MaxResults="2", PageNumber="7", **given)[1]
        seen += found(body)
        token = body["NextToken"]
        totals.add("TotalCount" in body)
    assert (seen, totals) == ([f"i-{n}" for n in range(5)], {False})


@pytest.mark.parametrize("wrong", ["i-1", "{}", "[1]", '[""]', json.dumps([f"i-{n}" for n in range(101)])])
def test_ids_are_a_json_array_of_a_hundred_at_most(wrong):
    status, body = asked(gateway(state("i-1")), InstanceIds=wrong)
    assert (status, body["Code"]) == (400, "InvalidInstanceIds.Malformed")


@pytest.mark.parametrize("row", sample("errors")["errors"], ids=lambda row: row["code"])
def test_errors_are_the_documented_ones(row):
    status, body = asked(gateway(state("i-1")), **row["params"])
    assert (status, body["Code"], body["Message"]) == (row["status"], row["code"], row["message"])


def test_an_instance_that_is_only_mentioned_exists_and_runs():
    mentioned = {"scaling_groups": [{"scaling_group_id": "asg", "instances": [{"instance_id": "i-7"}]}]}
    assert found(asked(gateway(state(**mentioned)))[1]) == ["i-7"]


def test_locks_and_health_by_listener_and_group_come_back_as_they_were_put():
    given = {
        "instance_id": "i-1",
        "operation_locks": ["Recycling"],
        "health_by_listener": {"443": "abnormal"},
        "health_by_group": {"rsp-api": "abnormal"},
    }
    [back] = Cloud(state(given)).state()["instances"]
    assert {key: back[key] for key in given} == given


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"operation_locks": ["Recyling"]}, r"instances\[0\].operation_locks\[0\]"),
        ({"operation_locks": "Recycling"}, r"instances\[0\].operation_locks"),
        ({"health_by_listener": {"https": "abnormal"}}, r"instances\[0\].health_by_listener"),
        ({"health_by_listener": {"443": "sick"}}, r"instances\[0\].health_by_listener"),
        ({"health_by_group": {"rsp-api": "sick"}}, r"instances\[0\].health_by_group"),
    ],
)
def test_what_an_instance_cannot_have_is_refused_with_its_path(wrong, path):
    with pytest.raises(ValueError, match=path):
        Cloud(state({"instance_id": "i-1", **wrong}))


def limited(given, *actions, resource="*", **readings):
    """A gateway, and an identity that may do just these actions."""
    policy = RamPolicy((Statement("Allow", actions, (resource,)),))
    identity = new_identity("role", policy=policy)
    return Gateway(Cloud({**given, "readings": readings}), Registry(identity)), identity


def test_without_the_right_the_call_is_forbidden():
    made, identity = limited(state("i-1"), "slb:*")
    status, body = asked(made, identity=identity)
    assert (status, body["Code"]) == (403, "Forbidden.RAM")


def test_the_right_is_one_on_all_instances():
    made, identity = limited(state("i-1"), "ecs:DescribeInstances", resource="acs:ecs:*:*:instance/*")
    assert found(asked(made, identity=identity)[1]) == ["i-1"]
    made, identity = limited(state("i-1"), "ecs:DescribeInstances", resource="acs:ecs:*:*:instance/i-1")
    assert asked(made, identity=identity)[0] == 403


def test_without_the_right_an_empty_list_may_come_and_only_a_dry_run_tells():
    made, identity = limited(state("i-1"), "slb:*", ecs_denied="empty_list")
    status, body = asked(made, identity=identity, InstanceIds=ids("i-1"))
    assert (status, body["Instances"], body["TotalCount"]) == (200, {"Instance": []}, 0)
    status, body = asked(made, identity=identity, InstanceIds=ids("i-1"), DryRun="true")
    assert (status, body["Code"]) == (403, "Forbidden.RAM")


def test_ecs_is_asked_in_process_as_well():
    made = Cloud(state("i-1", "i-2"))
    assert [one.instance_id for one in made.ecs.instances(["i-2"])] == ["i-2"]
    assert made.call("DescribeInstances", {"Status": "Running"})["TotalCount"] == 2
    with pytest.raises(ApiError):
        made.call("DescribeInstances", {"DryRun": "true"})
