"""The gateway: signatures, parameters, forms of answers and errors, permissions, and what is recorded."""

import base64
import hashlib
import hmac
import json
import time
import xml.etree.ElementTree as ET
from urllib.parse import urlencode

import pytest

from localcloud.http import ConnectionCut, Headers, Request
from localcloud.rpc.credentials import new_identity
from tests.support.local_slb import enc, gateway, get, listed, post_form, signed, state

GROUP = {"VServerGroupId": "rsp-web"}
READ = "DescribeVServerGroupAttribute"
MODIFY = "ModifyVServerGroupBackendServers"
PAIR = {
    **GROUP,
    "OldBackendServers": listed({"ServerId": "i-old0", "Port": 8080}),
    "NewBackendServers": listed({"ServerId": "i-new0", "Port": 8080}),
}


def refused(made, **change):
    status, body = get(made, READ, GROUP, **change)
    return status, body["Code"]


# Signatures of V1


def test_a_signed_get_is_answered():
    status, body = get(gateway(), READ, GROUP)
    assert (status, body["VServerGroupId"], len(body["BackendServers"]["BackendServer"])) == (
        200,
        "rsp-web",
        2,
    )


def test_a_form_body_is_signed_like_a_query():
    status, body = post_form(gateway(), MODIFY, PAIR)
    assert (status, [r["ServerId"] for r in body["BackendServers"]["BackendServer"]]) == (
        200,
        ["i-old1", "i-new0"],
    )


def sent_in_both(made, signature_of, query, form):
    """Send parameters in the query and the form; the signature is over what `signature_of` makes of them."""
    common = {k: v for k, v in signed(made.admin, READ, {}).items() if k != "Signature"}
    pairs = signature_of({**common, **query}, form)
    text = "POST&%2F&" + enc("&".join(f"{enc(k)}={enc(v)}" for k, v in sorted(pairs)))
    key = f"{made.admin.access_key_secret}&".encode()
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha1).digest()).decode()
    headers = Headers({"Content-Type": "application/x-www-form-urlencoded"})
    url = urlencode({**common, **query, "Signature": signature})
    response = made.handle(Request("POST", "/", url, headers, urlencode(form).encode()))
    return response.status, json.loads(response.body)


def both(query, form):
    return [*query.items(), *form.items()]


def form_wins(query, form):
    return (query | form).items()


@pytest.mark.parametrize("signature_of", [both, form_wins], ids=lambda how: how.__name__)
@pytest.mark.parametrize("twice", [GROUP, {"RegionId": "cn-beijing"}], ids=["own", "common"])
def test_what_is_in_both_query_and_body_is_signed_as_both_or_once_as_the_sdks_do(signature_of, twice):
    status, body = sent_in_both(gateway(), signature_of, GROUP, {**twice, "Tag": ""})
    assert (status, body["VServerGroupId"]) == (200, "rsp-web")


def query_wins(query, form):
    return (form | query).items()


def the_query_alone(query, form):
    return query.items()


@pytest.mark.parametrize("signature_of", [query_wins, the_query_alone], ids=lambda how: how.__name__)
def test_a_value_that_nobody_signed_is_noticed(signature_of):
    answer = sent_in_both(gateway(), signature_of, GROUP, {"VServerGroupId": "rsp-other", "Extra": "x"})
    assert answer[1]["Code"] == "SignatureDoesNotMatch"


def test_a_wrong_signature_is_told_what_should_have_been_signed():
    made = gateway()
    query = signed(made.admin, READ, GROUP) | {"Signature": "d3Jvbmc="}
    response = made.handle(Request("GET", "/", urlencode(query)))
    body = json.loads(response.body)
    assert (response.status, body["Code"]) == (400, "SignatureDoesNotMatch")
    begin = "Specified signature is not matched with our calculation. server string to sign is:"
    assert body["Message"].startswith(begin + "GET&%2F&AccessKeyId%3D")


@pytest.mark.parametrize("change", [{"VServerGroupId": "rsp-other"}, {"Extra": ""}, {"SignatureType": None}])
def test_whatever_is_changed_after_signing_is_noticed(change):
    made = gateway()
    query = {k: v for k, v in (signed(made.admin, READ, GROUP) | change).items() if v is not None}
    body = json.loads(made.handle(Request("GET", "/", urlencode(query))).body)
    assert body["Code"] == "SignatureDoesNotMatch"


def test_the_method_is_signed_too():
    made = gateway()
    query = signed(made.admin, READ, GROUP)
    assert (
        json.loads(made.handle(Request("POST", "/", urlencode(query))).body)["Code"]
        == "SignatureDoesNotMatch"
    )


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"AccessKeyId": "LTAInobody"}, (404, "InvalidAccessKeyId.NotFound")),
        ({"AccessKeyId": None}, (400, "MissingParameter")),
        ({"SignatureNonce": None}, (400, "MissingParameter")),
        ({"Timestamp": None}, (400, "IllegalTimestamp")),
        ({"Timestamp": "yesterday"}, (400, "InvalidTimeStamp.Format")),
        ({"Timestamp": ago(3600)}, (400, "InvalidTimeStamp.Expired")),
        ({"Timestamp": ago(-3600)}, (400, "InvalidTimeStamp.Expired")),
        ({"SignatureMethod": "HMAC-MD5"}, (400, "IncompleteSignature")),
        ({"SignatureVersion": "2.0"}, (400, "IncompleteSignature")),
        ({"SecurityToken": "CAISnotmine"}, (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        ({"Version": "2013-01-01"}, (400, "NoSuchVersion")),
        ({"Version": None}, (400, "MissingParameter")),
        ({"Version": "2014-08-28"}, (404, "InvalidAction.NotFound")),
    ],
)
def test_what_is_not_signed_as_it_must_be_is_refused(change, answer):
    assert refused(gateway(), **change) == answer


def test_a_nonce_is_used_once():
    made = gateway(clock=lambda: 1_700_000_000.0)
    same = {"SignatureNonce": "n", "Timestamp": "2023-11-14T22:13:20Z"}
    assert get(made, READ, GROUP, **same)[0] == 200
    assert refused(made, **same) == (400, "SignatureNonceUsed")


def test_a_temporary_key_needs_its_token():
    made = gateway()
    temporary = made._verifier.identities.add(new_identity("function", temporary=True))
    assert get(made, READ, GROUP, identity=temporary)[0] == 200
    assert refused(made, identity=temporary, SecurityToken=None) == (400, "MissingSecurityToken")
    wrong = refused(made, identity=temporary, SecurityToken="CAISother")
    assert wrong == (400, "InvalidSecurityToken.MismatchWithAccessKey")


def test_an_unknown_action_is_not_found():
    status, body = get(gateway(), "DescribeMoon")
    assert (status, body["Code"], body["Message"]) == (
        404,
        "InvalidAction.NotFound",
        "Specified api is not found, please check your url and method.",
    )


def test_an_unusual_method_is_refused():
    made = gateway()
    response = made.handle(Request("PUT", "/", urlencode(signed(made.admin, READ, GROUP, method="PUT"))))
    assert json.loads(response.body)["Code"] == "UnsupportedOperation"


# Signatures of ACS3


def acs3(made, change=None, after=None, body=b""):
    query = f"VServerGroupId={enc('rsp-web')}"
    headers = {
        "host": "slb.test",
        "x-acs-action": READ,
        "x-acs-version": "2014-05-15",
        "x-acs-date": ago(0),
        "x-acs-signature-nonce": "n3",
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        **(change or {}),
    }
    names = sorted(headers)
    lines = "".join(f"{n}:{headers[n]}\n" for n in names)
    payload = hashlib.sha256(body).hexdigest()
    whole = f"POST\n/\n{query}\n{lines}\n{';'.join(names)}\n{payload}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(whole.encode()).hexdigest()}"
    signature = hmac.new(made.admin.access_key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={made.admin.access_key_id},"
        f"SignedHeaders={';'.join(names)},Signature={signature}"
    )
    response = made.handle(Request("POST", "/", query, Headers(headers | (after or {})), body))
    return response.status, json.loads(response.body)


def test_acs3_is_answered_in_json():
    status, body = acs3(gateway())
    assert (status, body["VServerGroupId"]) == (200, "rsp-web")


@pytest.mark.parametrize(
    ("change", "after", "code"),
    [
        ({"x-acs-date": ago(3600)}, {}, "InvalidTimeStamp.Expired"),
        ({"x-acs-content-sha256": "0" * 64}, {}, "SignatureDoesNotMatch"),
        ({"x-acs-security-token": "CAISnotmine"}, {}, "InvalidSecurityToken.MismatchWithAccessKey"),
        ({}, {"x-acs-date": ago(5)}, "SignatureDoesNotMatch"),
        ({}, {"x-acs-unsigned": "1"}, "IncompleteSignature"),
        ({}, {"authorization": "ACS3-HMAC-SHA256 nonsense"}, "IncompleteSignature"),
        ({}, {"host": "elsewhere"}, "SignatureDoesNotMatch"),
    ],
)
def test_acs3_negatives(change, after, code):
    status, body = acs3(gateway(), change, after)
    assert (status, body["Code"]) == (400, code)


def test_acs3_nonces_are_used_once():
    made = gateway()
    assert acs3(made)[0] == 200
    assert acs3(made)[1]["Code"] == "SignatureNonceUsed"


# Parameters and forms


def test_body_params_may_be_ignored():
    made = gateway(state(readings={"body_params": "ignored"}))
    status, body = post_form(made, MODIFY, PAIR)
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert body["Message"].startswith('The input parameter "VServerGroupId"')


def test_a_missing_parameter_is_named():
    status, body = get(gateway(), "AddVServerGroupBackendServers", GROUP)
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert '"BackendServers"' in body["Message"]


def test_an_error_has_the_documented_keys():
    _, body = get(gateway(), READ, {"VServerGroupId": "rsp-none"})
    assert body.keys() == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert (body["HostId"], body["Message"]) == ("slb.test", "The specified VServerGroupId does not exist.")


def test_xml_has_a_root_named_after_the_action():
    _, text = get(gateway(), READ, GROUP, Format="XML")
    root = ET.fromstring(text)
    assert root.tag == "DescribeVServerGroupAttributeResponse"
    assert [e.text for e in root.findall("BackendServers/BackendServer/ServerId")] == ["i-old0", "i-old1"]


def test_an_error_may_be_xml_too():
    status, text = get(gateway(), READ, {"VServerGroupId": "<&>"}, Format="xml")
    root = ET.fromstring(text)
    assert (status, root.tag, root.findtext("Code")) == (404, "Error", "InvalidParameter")


def test_json_may_be_asked_for_in_small_letters_or_not_at_all():
    for form in ("json", None):
        assert get(gateway(), READ, GROUP, Format=form)[1]["VServerGroupId"] == "rsp-web"


def test_the_old_form_has_an_envelope_strings_and_single_objects():
    made = gateway(state(old=1, readings={"response_form": "enveloped"}))
    _, body = get(made, READ, GROUP)
    assert body["DescribeVServerGroupAttributeResponse"]["BackendServers"] == {
        "BackendServer": {"ServerId": "i-old0", "Port": "8080", "Weight": "100"}
    }
    _, error = get(made, READ, {"VServerGroupId": "rsp-none"})
    assert error["Code"] == "InvalidParameter"


# Permissions


class Only:
    def __init__(self, *resources):
        self.resources, self.asked = resources, []

    def allows(self, action, resource):
        self.asked.append((action, resource))
        return any(resource.startswith(r) for r in self.resources)


PLACE = "cn-hangzhou:1234567890123456"
BALANCER = f"acs:slb:{PLACE}:loadbalancer/lb-web"


def asked(action, params, version="2014-05-15", allowed=("acs:", "*"), given=None):
    made = gateway(given or state())
    policy = Only(*allowed)
    identity = made._verifier.identities.add(new_identity("function", policy=policy))
    status, body = get(made, action, params, identity=identity, Version=version)
    return policy.asked, status, body.get("Code")


@pytest.mark.parametrize(
    ("action", "params", "resources"),
    [
        (MODIFY, PAIR, [BALANCER, f"acs:ecs:{PLACE}:instance/i-old0", f"acs:ecs:{PLACE}:instance/i-new0"]),
        (READ, GROUP, [BALANCER]),
        ("DescribeHealthStatus", {"LoadBalancerId": "lb-web"}, [BALANCER]),
        ("DescribeLoadBalancerListeners", {"LoadBalancerId.1": "lb-web"}, [BALANCER]),
        ("DescribeLoadBalancers", {}, [f"acs:slb:{PLACE}:loadbalancer/*"]),
        ("ListTagResources", {"ResourceType": "instance", "ResourceId.1": "lb-web"}, [BALANCER]),
        (READ, {"VServerGroupId": "rsp-none"}, []),
    ],
)
def test_the_resources_that_an_slb_call_needs(action, params, resources):
    assert asked(action, params)[0] == [(f"slb:{action}", r) for r in resources]


def test_the_resources_that_an_ess_call_needs():
    action = {"lifecycle_hook_id": "h", "lifecycle_action_token": "t"}
    given = state(scaling_groups=[{"scaling_group_id": "asg", "lifecycle_actions": [action]}])
    one = f"acs:ess:{PLACE}:scalinggroup/asg"
    for name, params, resources in [
        ("CompleteLifecycleAction", {"LifecycleHookId": "h", "LifecycleActionToken": "t"}, [one]),
        ("DescribeScalingInstances", {"ScalingGroupId": "asg"}, [one]),
        ("DescribeScalingGroups", {}, ["*"]),
    ]:
        found, status, _ = asked(name, params, "2014-08-28", given=given)
        assert (found, status) == ([(f"ess:{name}", r) for r in resources], 200)


@pytest.mark.parametrize("allowed", [(), (BALANCER,), ("acs:ecs:",)])
def test_modify_needs_the_load_balancer_and_its_instances(allowed):
    assert asked(MODIFY, PAIR, allowed=allowed)[1:] == (403, "Forbidden.RAM")


# Faults and the record


def test_every_call_is_recorded_without_keys_and_signatures():
    made = gateway()
    get(made, READ, GROUP)
    get(made, READ, {"VServerGroupId": "rsp-none"})
    first, second = made.calls
    assert first["params"] == {**GROUP, "RegionId": "cn-hangzhou"}
    assert (first["action"], first["version"], first["status"], first["code"]) == (
        READ,
        "2014-05-15",
        200,
        None,
    )
    assert (second["status"], second["code"]) == (404, "InvalidParameter")
    assert first["request_id"] != second["request_id"]
    everything = json.dumps(made.calls)
    assert made.admin.access_key_id not in everything
    assert "Signature" not in everything


def test_history_names_the_request_that_made_each_state():
    made = gateway()
    _, body = get(made, MODIFY, PAIR)
    start, between, after = made.cloud.history("rsp-web")
    assert (start["action"], start["request_id"]) == (None, None)
    assert between["request_id"] == after["request_id"] == body["RequestId"]
    assert [b["server_id"] for b in between["backends"]] == ["i-old1"]


@pytest.mark.parametrize("effect", ["reset", "drop_response"])
def test_a_cut_connection_is_recorded_without_a_status(effect):
    made = gateway(state(faults=[{"action": MODIFY, "effect": effect}]))
    with pytest.raises(ConnectionCut):
        get(made, MODIFY, PAIR)
    assert (made.calls[0]["status"], made.calls[0]["fault"]) == (None, effect)
    applied = "i-new0" in [b.server_id for b in made.cloud.slb.backends("rsp-web")]
    assert applied == (effect == "drop_response")


def test_garbage_is_no_json():
    made = gateway(state(faults=[{"action": READ, "effect": "garbage"}]))
    response = made.handle(Request("GET", "/", urlencode(signed(made.admin, READ, GROUP))))
    with pytest.raises(ValueError):
        json.loads(response.body)


def test_a_delay_sleeps_only_where_a_sleep_was_given():
    faults = [{"action": READ, "effect": "delay", "seconds": 9}]
    slept = []
    assert get(gateway(state(faults=faults), sleep=slept.append), READ, GROUP)[0] == 200
    assert get(gateway(state(faults=faults)), READ, GROUP)[0] == 200
    assert slept == [9]


def test_nothing_that_could_be_sent_is_an_exception():
    made = gateway()
    for request in (
        Request("GET", "/", "Action=%FF%FE&&&=&x"),
        Request("POST", "/", "", Headers({"Content-Type": "application/x-www-form-urlencoded"}), b"\xff"),
        Request("POST", "/", "", Headers({"Authorization": "ACS3"}), b""),
        Request("GET", "/", urlencode(signed(made.admin, READ, {"VServerGroupId": "\x00\ud7ff" * 9}))),
    ):
        assert made.handle(request).status in {400, 404}


def test_a_request_line_of_40_backends_is_answered():
    given = state(new=40, readings={"max_per_call": 40, "unequal_modify": "accepted"})
    entries = [{"ServerId": f"i-new{n}", "Port": 8080, "Description": "d" * 80} for n in range(40)]
    status, _ = get(gateway(given), MODIFY, {**GROUP, "NewBackendServers": listed(*entries)})
    assert status == 200
