import pytest

from localcloud.rpc.ram import RamPolicy, statement


def policy(*raw):
    return RamPolicy(tuple(statement(one) for one in raw))


def allow(action, resource):
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def test_what_no_statement_allows_is_denied():
    assert not policy().allows("slb:DescribeRules", "*")


def test_a_statement_speaks_of_its_actions_and_resources_only():
    found = policy(allow(["slb:DescribeRules", "slb:Add*"], "acs:slb:r:a:loadbalancer/lb-1"))
    assert found.allows("slb:DescribeRules", "acs:slb:r:a:loadbalancer/lb-1")
    assert found.allows("slb:AddVServerGroupBackendServers", "acs:slb:r:a:loadbalancer/lb-1")
    assert not found.allows("slb:DescribeRules", "acs:slb:r:a:loadbalancer/lb-11")
    assert not found.allows("slb:DescribeRule", "acs:slb:r:a:loadbalancer/lb-1")


def test_wildcards_stand_for_any_characters_and_the_rest_for_itself():
    found = policy(allow("slb:*", "acs:slb:*:*:loadbalancer/lb-?.x"))
    assert found.allows("slb:Anything", "acs:slb:cn:12:loadbalancer/lb-1.x")
    assert not found.allows("slb:Anything", "acs:slb:cn:12:loadbalancer/lb-1_x")
    assert not found.allows("ess:Anything", "acs:slb:cn:12:loadbalancer/lb-1.x")


def test_action_names_have_no_case_and_resources_have():
    found = policy(allow("SLB:describerules", "acs:slb:r:a:loadbalancer/lb-A"))
    assert found.allows("slb:DescribeRules", "acs:slb:r:a:loadbalancer/lb-A")
    assert not found.allows("slb:DescribeRules", "acs:slb:r:a:loadbalancer/lb-a")


def test_a_deny_wins_over_any_allow():
    deny = {"Effect": "Deny", "Action": ["slb:Remove*"], "Resource": "*"}
    found = policy(allow("*", "*"), deny)
    assert not found.allows("slb:RemoveVServerGroupBackendServers", "*")
    assert found.allows("slb:AddVServerGroupBackendServers", "*")


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ({"Effect": "allow", "Action": "*", "Resource": "*"}, "Effect"),
        ({"Effect": "Allow", "Action": [], "Resource": "*"}, "Action"),
        ({"Effect": "Allow", "Action": "*"}, "Resource"),
        ({"Effect": "Allow", "Action": [1], "Resource": "*"}, "Action"),
    ],
)
def test_a_malformed_statement_is_refused_by_the_key_that_is_wrong(raw, key):
    with pytest.raises(ValueError, match=key):
        statement(raw)
