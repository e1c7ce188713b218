"""ECS' port: what is known of instances, and nothing concluded from an answer that hides some."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import pytest

from handler.cloud import ecs
from handler.cloud.client import Client
from handler.cloud.ecs import CloudEcs, DescribeInstancesRequest
from handler.cloud.endpoints import Endpoints
from handler.core.model.answers import CallFailed, Result
from handler.core.model.values import Instance
from localcloud.cloud import Cloud
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.ram import RamPolicy, Statement
from localcloud.rpc.session import InProcessSession
from tests.support.cloud import KEYS, Scripted, Server, client_of, error, failed, local

ACTION = "DescribeInstances"


def row(instance_id: str, status: str = "Running", **more: Any) -> dict[str, Any]:
    return {"InstanceId": instance_id, "Status": status, "OperationLocks": {"LockReason": []}, **more}


def answer(*rows: dict[str, Any], token: str = "") -> dict[str, Any]:
    return {"Instances": {"Instance": list(rows)}, "NextToken": token}


def ecs_of(given: Any) -> tuple[CloudEcs, Scripted]:
    scripted = Scripted({ACTION: given})
    return CloudEcs(cast("Client", scripted)), scripted


def refused(of: CloudEcs, *ids: str) -> tuple[Result, str]:
    with pytest.raises(CallFailed) as caught:
        of.instances(ids)
    return caught.value.answer.result, caught.value.answer.code


@pytest.mark.parametrize("status", ["Pending", "Starting", "Running", "Stopping", "Stopped"])
def test_each_documented_status_is_told(status: str) -> None:
    of, _ = ecs_of(answer(row("i-1", status)))
    assert of.instances(("i-1",)) == {"i-1": Instance("i-1", status.lower(), False)}  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["Migrating", "running"])
def test_a_status_that_no_document_names_is_waited_for(status: str) -> None:
    of, _ = ecs_of(answer(row("i-1", status)))
    assert of.instances(("i-1",))["i-1"].status == "pending"


LOCKS: list[tuple[Any, bool]] = [
    ({"LockReason": []}, False),
    ({}, False),
    (None, False),
    ({"LockReason": [{"LockReason": "Recycling"}]}, True),
    ({"LockReason": [{"LockReason": "recycling", "LockMsg": "x"}]}, True),
    ({"LockReason": {"LockReason": "Recycling"}}, True),
    ([{"LockReason": "Recycling"}], True),
    ({"LockReason": [{"LockReason": "financial"}, {"LockReason": "Recycling"}]}, True),
    ({"LockReason": [{"LockReason": "financial"}, {"LockReason": "security"}]}, False),
]


@pytest.mark.parametrize(("locks", "reclaimed"), LOCKS)
def test_reclaimed_is_what_is_locked_as_recycling(locks: Any, reclaimed: bool) -> None:
    of, _ = ecs_of(answer(row("i-1", OperationLocks=locks)))
    assert of.instances(("i-1",))["i-1"].reclaimed is reclaimed


def test_an_instance_that_is_unknown_is_absent() -> None:
    of, scripted = ecs_of(answer(row("i-2")))
    assert set(of.instances(("i-1", "i-2"))) == {"i-2"}
    assert scripted.calls == [
        (ACTION, {"InstanceIds": '["i-1","i-2"]', "MaxResults": "100"}),
    ], "who is answered with one instance may read them all"


def known(instances: int) -> Any:
    def page(given: Mapping[str, str]) -> dict[str, Any]:
        asked = json.loads(given["InstanceIds"])
        assert len(asked) <= 100
        return answer(*[row(one) for one in asked if int(one[2:]) < instances])

    return page


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (100, 1), (101, 2), (250, 3)])
def test_a_hundred_ids_are_asked_for_in_a_call(count: int, calls: int) -> None:
    of, scripted = ecs_of(known(240))
    asked = tuple(f"i-{n}" for n in range(count))
    assert set(of.instances((*asked, *asked))) == set(asked[:240])
    assert len(scripted.calls) == calls


def test_every_page_of_an_answer_is_read() -> None:
    def page(given: Mapping[str, str]) -> dict[str, Any]:
        asked, start = json.loads(given["InstanceIds"])[:5], int(given.get("NextToken", "0"))
        return answer(*map(row, asked[start : start + 2]), token=str(start + 2) if start < 4 else "")

    of, scripted = ecs_of(page)
    assert set(of.instances(tuple(f"i-{n}" for n in range(7)))) == {f"i-{n}" for n in range(5)}
    assert [given.get("NextToken") for _, given in scripted.calls] == [None, "2", "4"]


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    pages = {"": answer(row("i-1"), token="a"), "a": answer(token="b"), "b": answer(row("i-2"))}
    of, _ = ecs_of(lambda given: pages[given.get("NextToken", "")])
    assert set(of.instances(("i-1", "i-2", "i-3"))) == {"i-1", "i-2"}


def test_no_page_is_asked_for_once_all_are_found() -> None:
    of, scripted = ecs_of(answer(row("i-1"), token="again"))
    assert set(of.instances(("i-1",))) == {"i-1"}
    assert len(scripted.calls) == 1


MALFORMED: list[dict[str, Any]] = [
    {},
    {"TotalCount": 0},
    {"Instances": "none"},
    answer(row("i-1"), row("i-1")),
    answer(row("i-9")),
    answer({"InstanceId": "i-1"}),
    answer({"Status": "Running"}),
    answer(row("i-1", OperationLocks={"LockReason": [{}]})),
    answer(row("i-1", OperationLocks={"LockReason": ["Recycling"]})),
    answer(row("i-1"), token="again"),
    answer(token="again"),
]


@pytest.mark.parametrize("given", MALFORMED)
def test_an_answer_that_cannot_be_read_tells_of_no_instance(given: dict[str, Any]) -> None:
    of, _ = ecs_of(given)
    assert refused(of, "i-1", "i-2") == (Result.UNKNOWN, "MalformedAnswer")


def scripted_dry_run(told: Any) -> Any:
    def call(given: Mapping[str, str]) -> dict[str, Any]:
        if "DryRun" not in given:
            return answer()
        if isinstance(told, CallFailed):
            raise told
        return cast("dict[str, Any]", told)

    return call


def test_an_empty_list_is_believed_after_a_dry_run_that_is_allowed() -> None:
    of, scripted = ecs_of(scripted_dry_run(failed(Result.PERMANENT, "DryRunOperation")))
    assert of.instances(("i-1",)) == {}
    assert of.instances(("i-2",)) == {}
    dry = [given for _, given in scripted.calls if "DryRun" in given]
    assert dry == [{"InstanceIds": '["i-1"]', "DryRun": "true"}], "once is enough"


@pytest.mark.parametrize("result", [Result.PERMANENT, Result.THROTTLED, Result.UNKNOWN])
def test_an_empty_list_is_not_believed_where_the_dry_run_fails(result: Result) -> None:
    of, _ = ecs_of(scripted_dry_run(failed(result, "Forbidden.RAM")))
    assert refused(of, "i-1") == (result, "Forbidden.RAM")


def test_an_empty_list_is_not_believed_where_the_dry_run_says_nothing() -> None:
    of, _ = ecs_of(scripted_dry_run(answer()))
    assert refused(of, "i-1") == (Result.PERMANENT, "DryRunIgnored")


def over(state: dict[str, Any], *actions: str) -> tuple[CloudEcs, Gateway]:
    identity = new_identity("function", policy=RamPolicy((Statement("Allow", actions, ("*",)),)))
    gateway = Gateway(Cloud(state), Registry(identity))
    client = Client(KEYS, "cn-hangzhou", local("http://127.0.0.1:1"))
    client.renew(type(KEYS)(identity.access_key_id, identity.access_key_secret))
    client.transport.session = InProcessSession(gateway)
    return CloudEcs(client), gateway


@pytest.mark.parametrize("form", ["plain", "enveloped"])
def test_instances_are_read_through_the_sdk_in_every_form(form: str) -> None:
    instances = [
        {"instance_id": "i-1"},
        {"instance_id": "i-2", "status": "Stopped"},
        {"instance_id": "i-3", "operation_locks": ["Recycling"]},
        {"instance_id": "i-4", "operation_locks": ["financial", "Recycling"], "status": "Starting"},
        {"instance_id": "i-5", "status": "Released"},
    ]
    of, _ = over({"instances": instances, "readings": {"response_form": form}}, "ecs:DescribeInstances")
    expected = {
        "i-1": Instance("i-1", "running", False),
        "i-2": Instance("i-2", "stopped", False),
        "i-3": Instance("i-3", "running", True),
        "i-4": Instance("i-4", "starting", True),
    }
    assert of.instances(("i-1", "i-2", "i-3", "i-4", "i-5", "i-6")) == expected
    assert {one: found for i in expected for one, found in of.instances((i,)).items()} == expected
    assert of.instances(("i-5", "i-6")) == {}


@pytest.mark.parametrize("denied", ["refused", "empty_list"])
def test_without_the_right_no_instance_is_called_unknown(denied: str) -> None:
    of, gateway = over({"instances": [{"instance_id": "i-1"}], "readings": {"ecs_denied": denied}}, "slb:*")
    assert refused(of, "i-1", "i-2") == (Result.PERMANENT, "Forbidden.RAM")
    assert refused(of, "i-1") == (Result.PERMANENT, "Forbidden.RAM"), "and it is asked again the next time"
    assert len(gateway.calls) == (2 if denied == "refused" else 4)


def test_an_empty_list_is_believed_with_the_right() -> None:
    of, gateway = over({}, "ecs:DescribeInstances")
    assert of.instances(("i-1",)) == {}
    assert [call["code"] for call in gateway.calls] == [None, "DryRunOperation"]


def test_the_call_goes_to_ecs_of_the_region_and_is_signed(server: Server) -> None:
    server.reply(error("Throttling"))
    assert refused(CloudEcs(client_of(server)), "i-1") == (Result.THROTTLED, "Throttling")
    [seen] = server.seen
    params = seen.params
    assert (params["Action"], params["Version"], params["RegionId"]) == (ACTION, "2014-05-26", "cn-hangzhou")
    assert params["InstanceIds"] == '["i-1"]'
    assert {"Signature", "SecurityToken"} <= params.keys()


@pytest.mark.parametrize("status", [500, 503])
def test_nothing_is_sent_twice_by_the_sdk(server: Server, status: int) -> None:
    server.reply(error("ServiceUnavailable", status=status))
    assert refused(CloudEcs(client_of(server)), "i-1")[0] is Result.UNKNOWN
    assert len(server.seen) == 1, "the SDK would repeat calls to ECS, and to ECS alone"


@pytest.mark.parametrize(
    ("network", "host"),
    [("public", "ecs.cn-beijing.aliyuncs.com"), ("vpc", "ecs-vpc.cn-beijing.aliyuncs.com")],
)
def test_each_region_has_its_own_endpoint(network: Any, host: str) -> None:
    request = DescribeInstancesRequest()
    product = request.get_product().lower()
    assert Endpoints(network).rpc(product, "cn-beijing", request.endpoint_map).host == host


def test_a_hundred_ids_fit_into_a_request_line() -> None:
    ids = tuple(f"i-bp67acfmxazb4pd2x{n:03d}" for n in range(100))
    assert len(quote(ecs._as_json(ids), safe="")) < 4096


def test_nothing_more_is_imported_for_it() -> None:
    program = "\n".join(
        [
            "import handler.cloud.client, sys",
            "before = set(sys.modules)",
            "import handler.cloud.ecs",
            "print([name for name in set(sys.modules) - before if not name.startswith('handler')])",
        ]
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
