"""Clients that are not ours, as they are: aliyun-python-sdk-slb and -ess, alibabacloud_slb20140515."""

import json
import socket
import ssl

import pytest
import requests
from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdkcore.vendored.requests.packages.urllib3.util.ssl_ import HAS_SNI
from aliyunsdkess.request.v20140828.CompleteLifecycleActionRequest import CompleteLifecycleActionRequest
from aliyunsdkess.request.v20140828.DescribeScalingGroupsRequest import DescribeScalingGroupsRequest
from aliyunsdkess.request.v20140828.DescribeScalingInstancesRequest import DescribeScalingInstancesRequest
from aliyunsdkess.request.v20140828.RecordLifecycleActionHeartbeatRequest import (
    RecordLifecycleActionHeartbeatRequest,
)
from aliyunsdkslb.request.v20140515.DescribeLoadBalancerListenersRequest import (
    DescribeLoadBalancerListenersRequest,
)
from aliyunsdkslb.request.v20140515.DescribeVServerGroupAttributeRequest import (
    DescribeVServerGroupAttributeRequest,
)
from aliyunsdkslb.request.v20140515.ModifyVServerGroupBackendServersRequest import (
    ModifyVServerGroupBackendServersRequest,
)

from localcloud.rpc.session import InProcessSession
from localcloud.serving import LocalCloud
from tests.support.local_slb import gateway, listed, state

models = pytest.importorskip("alibabacloud_slb20140515.models")
from alibabacloud_slb20140515.client import Client  # noqa: E402
from alibabacloud_tea_openapi.models import Config  # noqa: E402


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module", params=["http", "https"])
def served(request):
    with LocalCloud(tls=request.param == "https") as running:
        yield running


@pytest.fixture
def fresh(served):
    action = {"lifecycle_hook_id": "ash-a", "lifecycle_action_token": "tok", "instance_ids": ["i-s"]}
    member = {"instance_id": "i-s", "lifecycle_state": "Pending:Wait"}
    scaling = {"scaling_group_id": "asg-web", "instances": [member], "lifecycle_actions": [action]}
    served.cloud.replace(state(scaling_groups=[scaling]))
    served.gateway.calls.clear()
    return served


class Acs:
    """aliyunsdkcore, pointed at the local cloud; over HTTPS it is told which authority to trust."""

    def __init__(self, running, secret=None):
        key, secret = running.admin.access_key_id, secret or running.admin.access_key_secret
        self.tls = running.ca_bundle is not None
        verify = str(running.ca_bundle) if self.tls else None
        self.client = AcsClient(key, secret, "cn-hangzhou", verify=verify)
        if self.tls and not HAS_SNI:  # on Python 3.12 and later the SDK's own session sends no server name
            self.client.session = requests.Session()
        self.host = running.endpoint.split("//")[1]

    def __call__(self, request, **settings):
        for name, value in settings.items():
            getattr(request, f"set_{name}")(value)
        request.set_endpoint(self.host)
        if self.tls:
            request.set_protocol_type(protocol_type.HTTPS)
        return json.loads(self.client.do_action_with_exception(request))


PAIR = {
    "VServerGroupId": "rsp-web",
    "OldBackendServers": listed({"ServerId": "i-old0", "Port": 8080}),
    "NewBackendServers": listed({"ServerId": "i-new0", "Port": 8080}),
}


def test_aliyunsdkslb_gets_its_answers(fresh):
    acs = Acs(fresh)
    answer = acs(ModifyVServerGroupBackendServersRequest(), **PAIR)
    assert [r["ServerId"] for r in answer["BackendServers"]["BackendServer"]] == ["i-old1", "i-new0"]
    listeners = acs(DescribeLoadBalancerListenersRequest(), LoadBalancerIds=["lb-web"])["Listeners"]
    assert listeners[0]["HTTPListenerConfig"] == {
        "HealthCheck": "on",
        "HealthCheckInterval": 2,
        "HealthyThreshold": 3,
    }


def test_lists_in_the_form_body_are_taken_too(fresh):
    request = ModifyVServerGroupBackendServersRequest()
    for name in ("OldBackendServers", "NewBackendServers"):
        request.add_body_params(name, PAIR[name])
    assert Acs(fresh)(request, VServerGroupId="rsp-web")["VServerGroupId"] == "rsp-web"


def test_aliyunsdkess_gets_its_answers(fresh):
    acs = Acs(fresh)
    found = acs(DescribeScalingInstancesRequest(), ScalingGroupId="asg-web", InstanceIds=["i-s", "i-x"])
    assert [r["LifecycleState"] for r in found["ScalingInstances"]["ScalingInstance"]] == ["Pending:Wait"]
    token = {"lifecycleHookId": "ash-a", "lifecycleActionToken": "tok"}
    assert acs(RecordLifecycleActionHeartbeatRequest(), **token).keys() == {"RequestId"}
    done = {"LifecycleHookId": "ash-a", "LifecycleActionToken": "tok", "LifecycleActionResult": "CONTINUE"}
    acs(CompleteLifecycleActionRequest(), **done)
    (group,) = acs(DescribeScalingGroupsRequest(), ScalingGroupIds=["asg-web"])["ScalingGroups"][
        "ScalingGroup"
    ]
    assert group["ActiveCapacity"] == 1
    with pytest.raises(ServerException) as caught:
        acs(CompleteLifecycleActionRequest(), **done)
    assert caught.value.error_code == "LifecycleHookIdAndLifecycleActionToken.Invalid"


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"error": "BackendServer.configuring"}, "BackendServer.configuring", 409),
        ({"error": "InvalidParameter", "status": 503}, "InvalidParameter", 503),
        ({"error": "Throttling.User"}, "Throttling.User", 400),
        ({"error": "SystemBusy"}, "SystemBusy", 449),
    ],
)
def test_aliyunsdkcore_sees_code_and_status(fresh, fault, code, status):
    fresh.cloud.put_faults([{"action": "*", **fault}])
    with pytest.raises(ServerException) as caught:
        Acs(fresh)(DescribeVServerGroupAttributeRequest(), VServerGroupId="rsp-web")
    assert (caught.value.error_code, caught.value.http_status) == (code, status)
    assert caught.value.request_id == fresh.gateway.calls[-1]["request_id"]


@pytest.mark.parametrize("effect", ["reset", "drop_response", "kill"])
def test_aliyunsdkcore_sees_a_connection_that_is_cut(fresh, effect):
    fresh.cloud.put_faults([{"action": "*", "nth": 1, "effect": effect}])
    acs = Acs(fresh)
    with pytest.raises(ClientException) as caught:
        acs(DescribeVServerGroupAttributeRequest(), VServerGroupId="rsp-web")
    assert caught.value.error_code == "SDK.HttpError"
    assert acs(DescribeVServerGroupAttributeRequest(), VServerGroupId="rsp-web")


def test_aliyunsdkcore_sees_garbage(fresh):
    fresh.cloud.put_faults([{"action": "*", "effect": "garbage"}])
    with pytest.raises(ValueError, match="Expecting value"):
        Acs(fresh)(DescribeVServerGroupAttributeRequest(), VServerGroupId="rsp-web")


def test_a_wrong_secret_is_told_by_aliyunsdkcore(fresh):
    acs = Acs(fresh, secret="wrong")
    with pytest.raises((ServerException, ClientException)) as caught:
        acs(DescribeVServerGroupAttributeRequest(), VServerGroupId="rsp-web")
    assert caught.value.error_code in {"SignatureDoesNotMatch", "InvalidAccessKeySecret"}


def test_many_calls_use_one_connection(fresh, monkeypatch):
    opened = []
    real = fresh.server.process_request
    monkeypatch.setattr(fresh.server, "process_request", lambda *a: (opened.append(1), real(*a)))
    acs = Acs(fresh)
    for _ in range(20):
        acs(DescribeVServerGroupAttributeRequest(), VServerGroupId="rsp-web")
    assert len(opened) == 1


# alibabacloud_slb20140515, in both of its signature modes


@pytest.fixture(params=["v2", "ACS3-HMAC-SHA256"])
def tea(fresh, request):
    config = Config(
        access_key_id=fresh.admin.access_key_id,
        access_key_secret=fresh.admin.access_key_secret,
        region_id="cn-hangzhou",
        endpoint=fresh.endpoint.split("//")[1],
        protocol=fresh.endpoint.split(":")[0],
        signature_algorithm=request.param,
        ca=str(fresh.ca_bundle) if fresh.ca_bundle else None,
    )
    return Client(config)


REGION = {"region_id": "cn-hangzhou"}


def rows(response):
    return [(r.server_id, r.port, r.weight) for r in response.body.backend_servers.backend_server]


def test_tea_writes_and_reads_a_group(tea):
    group = {"vserver_group_id": "rsp-web", **REGION}
    add = models.AddVServerGroupBackendServersRequest(
        **group, backend_servers=listed({"ServerId": "i-new1", "Port": 8080, "Weight": 5})
    )
    assert rows(tea.add_vserver_group_backend_servers(add))[-1] == ("i-new1", 8080, 5)
    modify = models.ModifyVServerGroupBackendServersRequest(
        **group, old_backend_servers=PAIR["OldBackendServers"], new_backend_servers=PAIR["NewBackendServers"]
    )
    assert ("i-new0", 8080, 100) in rows(tea.modify_vserver_group_backend_servers(modify))
    named = models.SetVServerGroupAttributeRequest(**group, vserver_group_name="blue")
    assert tea.set_vserver_group_attribute(named).body.vserver_group_name == "blue"
    remove = models.RemoveVServerGroupBackendServersRequest(
        **group, backend_servers=listed({"ServerId": "i-old1", "Port": 8080})
    )
    assert rows(tea.remove_vserver_group_backend_servers(remove)) == [
        ("i-new1", 8080, 5),
        ("i-new0", 8080, 100),
    ]
    read = tea.describe_vserver_group_attribute(models.DescribeVServerGroupAttributeRequest(**group))
    assert (read.body.load_balancer_id, len(rows(read))) == ("lb-web", 2)


def test_tea_creates_and_deletes_a_group(tea):
    create = models.CreateVServerGroupRequest(load_balancer_id="lb-web", vserver_group_name="x", **REGION)
    group_id = tea.create_vserver_group(create).body.vserver_group_id
    assert group_id.startswith("rsp-")
    delete = models.DeleteVServerGroupRequest(vserver_group_id=group_id, **REGION)
    assert tea.delete_vserver_group(delete).body.request_id


def test_tea_reads_health_and_what_uses_a_group(tea):
    health = tea.describe_health_status(
        models.DescribeHealthStatusRequest(load_balancer_id="lb-web", **REGION)
    )
    first = health.body.backend_servers.backend_server[0]
    assert (first.listener_port, first.port, first.server_health_status) == (80, 8080, "normal")
    groups = tea.describe_vserver_groups(
        models.DescribeVServerGroupsRequest(load_balancer_id="lb-web", include_listener=True, **REGION)
    ).body.vserver_groups.vserver_group
    assert groups[0].associated_objects.listeners.listener[0].port == 80
    listeners = tea.describe_load_balancer_listeners(
        models.DescribeLoadBalancerListenersRequest(load_balancer_id=["lb-web"], **REGION)
    ).body.listeners
    assert (listeners[0].scheduler, listeners[0].vserver_group_id) == ("wrr", "rsp-web")
    rules = tea.describe_rules(
        models.DescribeRulesRequest(load_balancer_id="lb-web", listener_port=80, **REGION)
    ).body.rules.rule
    assert rules == []


def test_tea_reads_load_balancers(tea):
    found = tea.describe_load_balancers(models.DescribeLoadBalancersRequest(**REGION)).body
    assert (found.total_count, found.load_balancers.load_balancer[0].load_balancer_id) == (1, "lb-web")
    one = tea.describe_load_balancer_attribute(
        models.DescribeLoadBalancerAttributeRequest(load_balancer_id="lb-web", **REGION)
    ).body
    pairs = one.listener_ports_and_protocol.listener_port_and_protocol
    assert (one.load_balancer_status, pairs[0].listener_port) == ("active", 80)


def test_tea_sees_code_and_status(tea, fresh):
    read = models.DescribeVServerGroupAttributeRequest(vserver_group_id="rsp-none", **REGION)
    with pytest.raises(Exception) as caught:
        tea.describe_vserver_group_attribute(read)
    assert (caught.value.code, caught.value.status_code) == ("InvalidParameter", 404)
    fresh.cloud.put_faults([{"action": "*", "error": "BackendServer.configuring"}])
    with pytest.raises(Exception) as caught:
        tea.describe_vserver_group_attribute(read)
    assert (caught.value.code, caught.value.status_code) == ("BackendServer.configuring", 409)


# TLS, and no wire at all


def handshake(running, name, cafile):
    context = ssl.create_default_context(cafile=cafile)
    context.check_hostname = name is not None
    with (
        socket.create_connection(("127.0.0.1", running.server.port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=name) as wrapped,
    ):
        wrapped.sendall(b"GET /_local/readings HTTP/1.0\r\n\r\n")
        return wrapped.recv(12)


def test_tls_wants_the_name_localhost_and_a_client_that_trusts_it(served):
    if served.ca_bundle is None:
        pytest.skip("plain HTTP")
    assert handshake(served, "localhost", str(served.ca_bundle)) == b"HTTP/1.1 200"
    for name, cafile in (
        (None, str(served.ca_bundle)),
        ("slb.aliyuncs.com", str(served.ca_bundle)),
        ("localhost", None),
    ):
        with pytest.raises(ssl.SSLError):
            handshake(served, name, cafile)


def in_process(given=None):
    made = gateway(given)
    client = AcsClient(made.admin.access_key_id, made.admin.access_key_secret, "cn-hangzhou")
    client.session = InProcessSession(made)
    return client, made


def test_the_sdk_may_be_driven_without_a_socket():
    client, made = in_process()
    request = ModifyVServerGroupBackendServersRequest()
    request.set_VServerGroupId("rsp-web")
    request.set_OldBackendServers(PAIR["OldBackendServers"])
    request.add_body_params("NewBackendServers", PAIR["NewBackendServers"])
    assert json.loads(client.do_action_with_exception(request))["VServerGroupId"] == "rsp-web"
    assert made.calls[0]["status"] == 200


def test_a_cut_connection_in_process_is_what_the_sdk_knows():
    client, _ = in_process(state(faults=[{"action": "*", "effect": "reset"}]))
    request = DescribeVServerGroupAttributeRequest()
    request.set_VServerGroupId("rsp-web")
    with pytest.raises(ClientException) as caught:
        client.do_action_with_exception(request)
    assert caught.value.error_code == "SDK.HttpError"
