"""Load balancers found by their tags, as controllers in a cluster look for theirs."""

import json

import pytest
from aliyunsdkcore.client import AcsClient
from aliyunsdkslb.request.v20140515.DescribeLoadBalancersRequest import DescribeLoadBalancersRequest
from aliyunsdkslb.request.v20140515.ListTagResourcesRequest import ListTagResourcesRequest

from localcloud.cloud import Cloud
from localcloud.rpc.session import InProcessSession
from tests.support.local_slb import gateway, get

TAGS = {
    "lb-a": {"env": "prod", "team": "web"},
    "lb-b": {"env": "prod"},
    "lb-c": {"env": "test", "team": "web"},
    "lb-d": {},
}


def state(tags=None):
    named = (tags or TAGS).items()
    return {"load_balancers": [{"load_balancer_id": one, "tags": given} for one, given in named]}


def found(params):
    status, body = get(gateway(state()), "DescribeLoadBalancers", params)
    assert status == 200, body
    return [row["LoadBalancerId"][3:] for row in body["LoadBalancers"]["LoadBalancer"]]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], "abcd"),
        ([("env", "prod")], "ab"),
        ([("env", "prod"), ("team", "web")], "a"),
        ([("team", None)], "ac"),
        ([("none", "x")], ""),
        ([("env", "PROD")], ""),
    ],
)
def test_load_balancers_are_found_by_all_of_the_tags(tags, expected):
    numbered = {f"Tag.{n}.Key": key for n, (key, _) in enumerate(tags, 1)}
    numbered |= {f"Tag.{n}.Value": value for n, (_, value) in enumerate(tags, 1) if value}
    for key, value in (("TagKey", "TagValue"), ("tagKey", "tagValue")):
        rows = [{key: k} | ({value: v} if v else {}) for k, v in tags]
        assert found({"Tags": json.dumps(rows)}) == list(expected)
    assert found(numbered) == list(expected)


@pytest.mark.parametrize("wrong", ["env", "{}", "[1]", '[{"TagValue":"x"}]', '[{"TagKey":1}]'])
def test_tags_that_cannot_be_read_are_refused(wrong):
    status, body = get(gateway(state()), "DescribeLoadBalancers", {"Tags": wrong})
    assert (status, body["Code"]) == (400, "InvalidParameter")


def test_a_value_without_its_key_is_refused():
    status, body = get(gateway(state()), "DescribeLoadBalancers", {"Tag.1.Value": "prod"})
    assert (status, body["Code"]) == (400, "MissingParameter")


def listed(**params):
    return get(gateway(state()), "ListTagResources", {"ResourceType": "instance", **params})


def rows(body):
    return [
        (row["ResourceId"][3:], row["TagKey"], row["TagValue"]) for row in body["TagResources"]["TagResource"]
    ]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"ResourceId.1": "lb-a"}, [("a", "env", "prod"), ("a", "team", "web")]),
        ({"ResourceId.1": "lb-d", "ResourceId.2": "lb-none"}, []),
        ({"Tag.1.Key": "team"}, [("a", "team", "web"), ("c", "team", "web")]),
        ({"Tag.1.Key": "env", "Tag.1.Value": "test"}, [("c", "env", "test")]),
        ({"ResourceId.1": "lb-a", "ResourceId.2": "lb-b", "Tag.1.Key": "team"}, [("a", "team", "web")]),
        ({"ResourceType": "listener", "ResourceId.1": "lb-a_http_80"}, []),
    ],
)
def test_tags_are_listed_by_resource_or_by_tag(params, expected):
    status, body = listed(**params)
    assert (status, rows(body), body["NextToken"]) == (200, expected, "")


def test_tags_come_in_pages_of_fifty():
    made = gateway(state({f"lb-{n}": {"env": "prod"} for n in range(60)}))
    asked = {"ResourceType": "instance", "Tag.1.Key": "env"}
    first = get(made, "ListTagResources", asked)[1]
    second = get(made, "ListTagResources", {**asked, "NextToken": first["NextToken"]})[1]
    assert [len(rows(page)) for page in (first, second)] == [50, 10]
    assert second["NextToken"] == ""


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "MissingParameter"),
        ({"ResourceType": "", "ResourceId.1": "lb-a"}, "MissingParameter"),
        ({"ResourceType": "server", "ResourceId.1": "lb-a"}, "InvalidParameter"),
        ({f"ResourceId.{n}": f"lb-{n}" for n in range(1, 22)}, "InvalidParameter"),
    ],
)
def test_what_cannot_be_listed_is_refused(params, code):
    assert listed(**params)[1]["Code"] == code


def test_aliyunsdkslb_finds_load_balancers_by_tags():
    made = gateway(state())
    client = AcsClient(made.admin.access_key_id, made.admin.access_key_secret, "cn-hangzhou")
    client.session = InProcessSession(made)
    request = ListTagResourcesRequest()
    request.set_ResourceType("instance")
    request.set_Tags([{"Key": "env", "Value": "test"}])
    assert rows(json.loads(client.do_action_with_exception(request))) == [("c", "env", "test")]
    request = DescribeLoadBalancersRequest()
    request.add_query_param("Tags", '[{"tagKey":"env","tagValue":"test"}]')
    (row,) = json.loads(client.do_action_with_exception(request))["LoadBalancers"]["LoadBalancer"]
    assert row["Tags"] == {
        "Tag": [{"TagKey": "env", "TagValue": "test"}, {"TagKey": "team", "TagValue": "web"}]
    }


def test_tags_come_back_as_they_were_put():
    assert [one["tags"] for one in Cloud(state()).state()["load_balancers"]] == list(TAGS.values())


@pytest.mark.parametrize(("wrong", "path"), [(["env"], "tags"), ({"env": 1}, "tags.env")])
def test_tags_that_there_cannot_be_are_refused_with_their_path(wrong, path):
    with pytest.raises(ValueError, match=rf"load_balancers\[0\].{path}"):
        Cloud(state({"lb-a": wrong}))
