"""What a test sees and turns under /_local, the HTTP server itself, and `python -m localcloud serve`."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from localcloud.http import Headers, Request, Response
from localcloud.serving import LocalCloud
from tests.support.local_slb import listed, row, signed, state

ROOT = Path(__file__).parents[2]
MODIFY = "ModifyVServerGroupBackendServers"
PAIR = {
    "VServerGroupId": "rsp-web",
    "OldBackendServers": listed({"ServerId": "i-old0", "Port": 8080}),
    "NewBackendServers": listed({"ServerId": "i-new0", "Port": 8080}),
}


@pytest.fixture(scope="module")
def served():
    with LocalCloud() as running:
        yield running


@pytest.fixture
def local(served):
    def ask(method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=30)
        connection.request(method, path, body if isinstance(body, bytes | None) else json.dumps(body))
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    assert ask("PUT", "/_local/state", state())[0] == 200
    return ask


def rpc(served, local, action, params):
    query = "&".join(
        f"{k}={urllib.request.quote(v)}" for k, v in signed(served.admin, action, params).items()
    )
    return local("GET", f"/?{query}")


def test_a_state_that_was_put_is_the_state(local):
    status, given = local("GET", "/_local/state")
    assert (status, given["load_balancers"][0]["vserver_groups"][0]["backends"][0]["server_id"]) == (
        200,
        "i-old0",
    )
    assert given["readings"]["busy_for"] == 0


def test_putting_a_state_begins_history_calls_and_counts_anew(served, local):
    local("PUT", "/_local/faults", [{"action": "*", "nth": 1, "error": "OperationBusy"}])
    assert rpc(served, local, MODIFY, PAIR)[0] == 400
    assert rpc(served, local, MODIFY, PAIR)[0] == 200
    assert len(local("GET", "/_local/calls")[1]) == 2
    assert len(local("GET", "/_local/history?vserver_group_id=rsp-web")[1]) == 3
    local("PUT", "/_local/state", state(faults=[{"action": "*", "nth": 1, "error": "OperationBusy"}]))
    assert local("GET", "/_local/calls")[1] == []
    assert len(local("GET", "/_local/history")[1]) == 1
    assert rpc(served, local, MODIFY, PAIR)[0] == 400


def test_calls_may_be_emptied(served, local):
    rpc(served, local, MODIFY, PAIR)
    (call,) = local("GET", "/_local/calls")[1]
    assert {"action", "version", "params", "status", "code", "request_id"} <= call.keys()
    local("DELETE", "/_local/calls")
    assert local("GET", "/_local/calls")[1] == []


def test_history_shows_each_instant_with_its_backends(served, local):
    rpc(served, local, MODIFY, PAIR)
    _, instants = local("GET", "/_local/history?vserver_group_id=rsp-web")
    assert [[b["server_id"] for b in i["backends"]] for i in instants] == [
        ["i-old0", "i-old1"],
        ["i-old1"],
        ["i-old1", "i-new0"],
    ]
    assert instants[2]["backends"][1] == row(
        "i-new0", weight=100, type="ecs", server_ip=None, description="", health="normal", used=True
    )
    assert local("GET", "/_local/history?vserver_group_id=rsp-none")[0] == 404


def test_readings_and_faults_are_put_and_given_back(local):
    assert local("PUT", "/_local/readings", {"read_lag": 2})[1]["read_lag"] == 2
    assert local("GET", "/_local/readings")[1]["read_lag"] == 2
    faults = [{"action": "*", "every": 5, "effect": "drop_response"}]
    assert local("PUT", "/_local/faults", faults)[1] == faults
    assert local("GET", "/_local/faults")[1] == faults


def test_an_instance_may_change_while_all_goes_on(local):
    assert local("PUT", "/_local/instances/i-old0", {"status": "Stopped"})[0] == 200
    instants = local("GET", "/_local/history?vserver_group_id=rsp-web")[1]
    assert [b["health"] for b in instants[-1]["backends"]] == ["abnormal", "normal"]
    local("DELETE", "/_local/instances/i-old0")
    assert local("GET", "/_local/state")[1]["instances"][-1] == {
        "instance_id": "i-old0",
        "status": "Released",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("PUT", "/_local/state", b"{", 400, "not JSON"),
        ("PUT", "/_local/state", [], 400, "an object"),
        ("PUT", "/_local/state", {"odd": 1}, 400, "odd: unknown"),
        ("PUT", "/_local/faults", [{"action": "*"}], 400, "faults[0]"),
        ("PUT", "/_local/readings", {"odd": 1}, 400, "readings.odd"),
        ("PUT", "/_local/instances/i-a", {"status": "odd"}, 400, "instance.status"),
        ("POST", "/_local/state", {}, 405, "GET, PUT"),
        ("GET", "/_local/moon", None, 404, "/_local/moon"),
        ("GET", "/moon", None, 404, "/moon"),
    ],
)
def test_what_is_wrong_is_said(local, method, path, body, status, word):
    got, answer = local(method, path, body)
    assert (got, word in answer["error"]) == (status, True)


# The server


def raw(served, data):
    with socket.create_connection(("127.0.0.1", served.server.port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_two_requests_may_follow_each_other_on_a_connection(served):
    one = b"GET /_local/readings HTTP/1.1\r\nHost: x\r\n\r\n"
    assert raw(served, one + one).count(b"HTTP/1.1 200") == 2


def test_a_target_in_absolute_form_is_taken(served):
    assert (
        b" 200 "
        in raw(served, b"GET http://slb.aliyuncs.com/_local/readings HTTP/1.1\r\nHost: x\r\n\r\n")[:20]
    )
    assert b'"HostId"' in raw(served, b"GET http://slb.aliyuncs.com HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_request_line_of_16_kb_is_taken(served):
    assert (
        b" 200 "
        in raw(served, b"GET /_local/readings?" + b"x" * 16_384 + b" HTTP/1.1\r\nHost: x\r\n\r\n")[:20]
    )


def test_a_chunked_body_is_taken(served):
    body = b'{"busy_for": 3}'
    head = b"PUT /_local/readings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"busy_for": 3' in raw(served, head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


def test_it_listens_on_loopback_alone(served):
    assert served.server.server_address[0] == "127.0.0.1"


class Spy:
    """Stands where the functions stand."""

    def __init__(self):
        self.seen, self.killed, self.reloads = [], [], 0

    def owns(self, path):
        return path.startswith(("/2016-08-15/", "/_local/deliver/"))

    def handle(self, request: Request) -> Response:
        self.seen.append(request)
        return Response.of_json({"path": request.path, "body": request.body.decode()}, 202)

    def kill(self, worker_id):
        self.killed.append(worker_id)
        return True

    def reload(self):
        self.reloads += 1

    def close(self):
        pass


def test_function_compute_and_deliveries_are_handed_on():
    with LocalCloud(state()) as running:
        running.functions = spy = Spy()
        answer = running.handle(Request("POST", "/_local/deliver/swap", "", Headers(), b"{}"))
        assert (answer.status, json.loads(answer.body)["body"]) == (202, "{}")
        assert running.handle(Request("GET", "/2016-08-15/proxy/s/f/")).status == 202
        running.handle(Request("PUT", "/_local/state", "", Headers(), b"{}"))
        assert spy.reloads == 1


LOOKS = ("state", "calls", "history", "faults", "readings")


@pytest.mark.parametrize("path", ["/_local", "/_local/"])
def test_what_there_is_under_local_is_listed_and_documented(local, path):
    status, answer = local("GET", path)
    assert status == 200
    named = {key.split()[-1].partition("?")[0] for key in answer["endpoints"]}
    assert {f"/_local/{name}" for name in LOOKS} <= named
    page = (ROOT / "docs" / "local-cloud.md").read_text()
    assert [one for one in named if one not in page] == []


def test_a_path_that_is_not_there_says_where_to_look(local):
    status, answer = local("GET", "/_local/sate")
    assert (status, "GET /_local/ lists" in answer["error"]) == (404, True)
    assert local("POST", "/_local/", {})[0] == 404


def test_looking_changes_nothing(served, local):
    rpc(served, local, MODIFY, PAIR)
    before = [local("GET", f"/_local/{name}") for name in LOOKS]
    for name in (*LOOKS, "", "instances/i-old0", "unknown"):
        local("GET", f"/_local/{name}")
    assert [local("GET", f"/_local/{name}") for name in LOOKS] == before
    assert local("GET", "/_local/instances/i-old0")[0] == 405


@pytest.mark.parametrize("body", [[1], "x", 7, None])
def test_an_instance_that_is_no_object_is_refused(local, body):
    status, answer = local("PUT", "/_local/instances/i-old0", body)
    assert (status, "instance: an object" in answer["error"] or "not JSON" in answer["error"]) == (400, True)


# The command


def serve(*arguments, **options):
    command = [sys.executable, "-m", "localcloud", "serve", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True, **options
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_ends_when_told(tmp_path, number):
    (tmp_path / "state.json").write_text(json.dumps(state()))
    process = serve("--port", "0", "--state", "state.json", cwd=tmp_path)
    try:
        told = json.loads(process.stdout.readline())
        keys = {"endpoint", "region_id", "access_key_id", "access_key_secret"}
        assert told.keys() == keys | {"webhook_url", "functions"}
        assert (told["webhook_url"], told["functions"]) == (None, {})
        with urllib.request.urlopen(f"{told['endpoint']}/_local/state", timeout=30) as answer:
            assert json.load(answer)["load_balancers"][0]["load_balancer_id"] == "lb-web"
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stdout.read() + process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


def test_serve_with_tls_says_which_authority_to_trust(tmp_path):
    process = serve("--tls", cwd=tmp_path)
    try:
        told = json.loads(process.stdout.readline())
        assert told["endpoint"].startswith("https://localhost:")
        assert Path(told["ca_bundle"]).read_text().startswith("-----BEGIN CERTIFICATE")
        process.terminate()
        process.wait(30)
        assert not Path(told["ca_bundle"]).exists()
    finally:
        process.kill()
        process.communicate()


def test_serve_refuses_a_state_it_cannot_read(tmp_path):
    (tmp_path / "bad.json").write_text('{"odd": 1}')
    process = serve("--state", "bad.json", cwd=tmp_path)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert "bad.json: odd: unknown" in err
    process = serve("--param", "novalue", cwd=tmp_path)
    assert "NAME=VALUE" in process.communicate(timeout=30)[1]


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("template.yml", {"swap": "slb-swap-swap", "webhook": "slb-swap-webhook"}),
        ("template.fc2.yml", {"swap": "slb-swap/swap", "webhook": "slb-swap-webhook/webhook"}),
    ],
)
def test_what_serve_prints_can_be_used_at_once(template, names):
    process = serve("--template", template, cwd=ROOT)
    try:
        told = json.loads(process.stdout.readline())
        assert told["functions"] == names
        posted = urllib.request.Request(told["webhook_url"], b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(posted, timeout=60)
        assert refused.value.code == 415
        tick = json.dumps({"triggerTime": "2026-01-01T00:00:00Z", "triggerName": "t", "payload": ""})
        posted = urllib.request.Request(f"{told['endpoint']}/_local/deliver/swap", tick.encode())
        with urllib.request.urlopen(posted, timeout=60) as answer:
            assert json.load(answer)["outcome"] == "applied"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert "state and targets are those of events" in process.stderr.read()
    finally:
        process.kill()
        process.communicate()
