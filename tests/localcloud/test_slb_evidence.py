"""The local cloud against samples transcribed from documents; each file says where from and how sure."""

import hashlib
import hmac
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from localcloud.http import Headers, Request
from localcloud.rpc import errors, signatures
from localcloud.state import readings
from tests.support.local_slb import gateway, get, listed, row

EVIDENCE = Path(__file__).parents[1] / "evidence" / "slb"


def sample(name):
    return json.loads((EVIDENCE / f"{name}.json").read_text(encoding="utf-8"))


def test_every_sample_says_where_it_is_from_and_how_sure_it_is():
    for path in EVIDENCE.glob("*.json"):
        assert {"source", "confidence"} <= json.loads(path.read_text(encoding="utf-8")).keys()


def cloud(group_id, *backends, instances=(), port=80, **readings):
    balancer = {
        "load_balancer_id": "lb-a",
        "listeners": [{"port": port, "vserver_group_id": group_id}],
        "vserver_groups": [{"vserver_group_id": group_id, "backends": list(backends)}],
    }
    given = {"load_balancers": [balancer], "instances": list(instances), "readings": readings}
    return gateway(given, new_id=lambda: "9DEC9C28-AB05-4DDF-9A78-6B08EC9CE18C")


def test_the_documented_request_to_modify_is_understood():
    wanted = sample("modify_sample")["request"]
    given = [row("vm-233", 80), row("vm-232", 90), row("vm-1", 1)]
    made = cloud("rsp-cige6j5e7p", *given, instances=[{"instance_id": i} for i in ("vm-235", "vm-236")])
    status, body = get(made, wanted.pop("Action"), wanted)
    assert (status, body["BackendServers"]["BackendServer"]) == (
        200,
        [
            {"ServerId": "vm-1", "Port": 1, "Weight": 100, "Type": "ecs"},
            {"ServerId": "vm-235", "Port": 8080, "Weight": 100, "Type": "ecs"},
            {"ServerId": "vm-236", "Port": 70, "Weight": 100, "Type": "ecs"},
        ],
    )


def modified(form, **readings):
    """The answer to a call whose outcome the sample answers show."""
    made = cloud(
        "rsp-cige6j5e7p",
        row("vm-1", 80),
        row("vm-2", 90),
        instances=[{"instance_id": i} for i in ("vm-400", "vm-401")],
        **readings,
    )
    params = {
        "VServerGroupId": "rsp-cige6j5e7p",
        "OldBackendServers": listed({"ServerId": "vm-1", "Port": 80}, {"ServerId": "vm-2", "Port": 90}),
        "NewBackendServers": listed(
            {"ServerId": "vm-400", "Port": "80"}, {"ServerId": "vm-401", "Port": "90"}
        ),
    }
    return get(made, "ModifyVServerGroupBackendServers", params, Format=form)[1]


def test_the_enveloped_form_is_the_old_json_sample_to_the_letter():
    assert modified("JSON", response_form="enveloped") == sample("modify_sample")["answer_json"]


def test_the_enveloped_form_is_the_old_xml_sample_to_the_letter():
    declaration, text = modified("XML", response_form="enveloped").split("?>")
    assert declaration == '<?xml version="1.0" encoding="UTF-8"'
    assert text == sample("modify_sample")["answer_xml"]


def test_the_plain_form_is_the_same_answer_without_envelope_and_with_numbers():
    (old,) = sample("modify_sample")["answer_json"].values()
    rows = [
        {"ServerId": r["ServerId"], "Port": int(r["Port"]), "Weight": int(r["Weight"]), "Type": "ecs"}
        for r in old["BackendServers"]["BackendServer"]
    ]
    assert modified("JSON") == {**old, "BackendServers": {"BackendServer": rows}}


def test_the_plain_form_in_xml_has_the_type_that_the_table_of_the_page_lists():
    root = ET.fromstring(modified("XML"))
    old = ET.fromstring(sample("modify_sample")["answer_xml"])
    for backend in root.iter("BackendServer"):
        backend.remove(backend.find("Type"))
    assert ET.tostring(root) == ET.tostring(old)


def test_set_answers_as_its_sample():
    wanted = sample("set_sample")["answer_json"]
    made = cloud("rsp-bp1d2e3", row("i-bp1ek6yd7jvkx", 80))
    params = {"VServerGroupId": "rsp-bp1d2e3", "VServerGroupName": "test1"}
    body = get(made, "SetVServerGroupAttribute", params)[1]
    assert {**body, "RequestId": wanted["RequestId"]} == wanted


def test_groups_are_listed_as_in_their_sample():
    wanted = sample("groups_sample")["answer_json"]["VServerGroups"]["VServerGroup"]
    groups = [{"vserver_group_id": g["VServerGroupId"], "name": g["VServerGroupName"]} for g in wanted]
    made = gateway({"load_balancers": [{"load_balancer_id": "lb-a", "vserver_groups": groups}]})
    rows = get(made, "DescribeVServerGroups", {"LoadBalancerId": "lb-a"})[1]["VServerGroups"]["VServerGroup"]
    assert [{k: r[k] for k in w} for r, w in zip(rows, wanted, strict=True)] == wanted


def test_health_is_shown_as_in_its_sample():
    (wanted,) = sample("health_sample")["answer_json"]["BackendServers"]["BackendServer"]
    sick = {"instance_id": wanted["ServerId"], "health": "abnormal"}
    made = cloud("rsp-a", row(wanted["ServerId"], 80), instances=[sick], port=443)
    (found,) = get(made, "DescribeHealthStatus", {"LoadBalancerId": "lb-a"})[1]["BackendServers"][
        "BackendServer"
    ]
    assert {k: found[k] for k in wanted} == wanted


@pytest.mark.parametrize("wanted", sample("errors_common")["rows"], ids=lambda r: f"{r[1]}-{r[0]}")
def test_the_common_errors_have_the_documented_status_and_message(wanted):
    status, code, message = wanted
    assert (status, message) in {(r.status, r.message) for r in errors.TABLE[code]}


def test_an_error_in_xml_has_the_documented_form():
    wanted = ET.fromstring(sample("error_form")["answer_xml"])
    _, text = get(cloud("rsp-a"), "DescribeVServerGroupAttribute", {}, Format="XML")
    found = ET.fromstring(text)
    assert [e.tag for e in found][:4] == [e.tag for e in wanted]
    assert found.tag == wanted.tag == "Error"


def test_v1_signs_as_documented():
    known = sample("signature_v1")
    text = signatures.v1_string(known["method"], known["params"].items())
    assert text == known["string_to_sign"]
    assert signatures.v1_signature(known["secret"], text) == known["signature"]


def test_acs3_signs_as_documented():
    known = sample("signature_acs3")
    request = Request(known["method"], "/", "", Headers(known["headers"]))
    text = signatures.acs3_string(request, known["query"].items(), sorted(known["headers"]))
    assert text == known["string_to_sign"]
    signature = hmac.new(known["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()
    assert signature == known["signature"]


DOCS = Path(__file__).parents[2] / "docs"


def test_the_documents_name_every_error_and_every_reading():
    evidence = (DOCS / "api-evidence.md").read_text(encoding="utf-8")
    assert [code for code in errors.TABLE if f"`{code}`" not in evidence] == []
    local = (DOCS / "local-cloud.md").read_text(encoding="utf-8")
    assert [name for name in readings.TABLE if f"- `{name}`: " not in local] == []
