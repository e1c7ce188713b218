"""The page's server without a browser: what it shows, what it does, and to whom it answers."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.serving import LocalCloud
from show.page import desk
from show.page.desk import Desk
from show.page.server import LIMIT, PageServer
from show.page.world import deliveries


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    shown = Desk()
    running = PageServer(shown)
    threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
    yield running
    running.close()
    shown.close()


@pytest.fixture
def fresh(server: PageServer) -> PageServer:
    server.desk.reset()
    server.desk.put("faults", [])
    return server


def ask(server: PageServer, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json"} if data is not None else {}
    connection.request(method, path, data, {**given, **headers})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return (
        reply.status,
        reply.headers,
        json.loads(text) if reply.headers["Content-Type"].endswith("json") else text,
    )


def post(server: PageServer, path: str, body: Any) -> Any:
    status, _, answer = ask(server, "POST", f"/api/{path}", body)
    assert 200 == status, answer
    return answer["answer"]


def servers(server: PageServer) -> list[str]:
    return [b["server_id"] for b in server.desk.shown()["groups"][0]["backends"]]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "elsewhere.example"},
        {"Host": "127.0.0.1.elsewhere.example"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/events"), ("POST", "/api/reset")])
def test_another_origin_is_refused_whatever_it_asks(server, method: str, path: str, headers: dict[str, str]):
    assert 403 == ask(server, method, path, {} if method == "POST" else None, **headers)[0]


def test_a_form_of_another_site_cannot_post(server):
    body, kind = b"{}", {"Content-Type": "text/plain"}
    assert 403 == ask(server, "POST", "/api/reset", body, **kind)[0]


def test_the_page_itself_may_ask(server):
    assert (
        200
        == ask(server, "GET", "/", Origin=f"http://localhost:{server.port}", Host=f"localhost:{server.port}")[
            0
        ]
    )


def test_it_listens_on_loopback_alone(server):
    assert "127.0.0.1" == server.server_address[0]


def test_nothing_from_elsewhere_may_be_loaded_or_framed(server):
    _, headers, page = ask(server, "GET", "/")
    policy = headers["Content-Security-Policy"]
    assert all(
        part in policy for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
    )
    assert b"http://" not in page
    assert b"https://" not in page


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/none.js", "/etc/passwd"]
)
def test_only_its_own_files_are_served(server, path: str):
    assert 404 == ask(server, "GET", path)[0]


def test_a_body_that_is_too_long_or_no_object_is_refused(server):
    assert 413 == ask(server, "POST", "/api/reset", b" " * (LIMIT + 1))[0]
    assert 400 == ask(server, "POST", "/api/reset", b"[1]")[0]
    assert 400 == ask(server, "POST", "/api/deliver", {"name": "../state.json"})[0]
    assert 400 == ask(server, "POST", "/api/nothing", {})[0]


def test_every_delivery_of_the_folder_is_offered_with_its_outcome():
    found = {one["name"]: one["outcome"] for one in deliveries()}
    assert "applied" == found["webhook-pairs.json"]
    assert len(found) > 100


def test_a_plan_writes_nothing_and_what_is_delivered_then_is_what_it_said(fresh):
    before = servers(fresh)
    planned = post(fresh, "deliver", {"name": "webhook-pairs.json", "plan": True})
    assert ("planned", before) == (planned["outcome"], servers(fresh))
    done = post(fresh, "deliver", {"name": "webhook-pairs.json"})
    assert "applied" == done["outcome"]
    assert planned["targets"][0]["pairs"] == done["targets"][0]["pairs"]


def test_an_event_can_be_planned_too(fresh):
    before = servers(fresh)
    planned = post(fresh, "deliver", {"name": "eventbridge-ess-scale-in-success.json", "plan": True})
    assert ("planned", before) == (planned["outcome"], servers(fresh))


def test_a_run_has_its_pairs_its_waves_and_its_story_and_can_be_undone(fresh):
    before = servers(fresh)
    post(fresh, "request", {"request": {"target": "web", "pairs": [["i-old1", "i-new1"]]}})
    (run,) = fresh.desk.shown()["runs"]
    target = run["targets"][0]
    assert ("applied", ["i-old1"]) == (run["outcome"], [pair["old"] for pair in target["pairs"]])
    assert [("step", 1), ("wait", 1)] == [(step["kind"], step["wave"]) for step in target["story"]]
    post(fresh, "undo", {"run": run["id"], "target": "web"})
    assert sorted(before) == sorted(servers(fresh))


def test_a_run_that_ends_while_the_page_looks_is_not_ended_beside_a_group_of_before(fresh, monkeypatch):
    read = desk.log
    runs: list[Any] = []

    def ends_meanwhile(cloud: LocalCloud) -> list[str]:
        if not runs:
            runs.append(fresh.desk.request({"target": "web", "pairs": [["i-old1", "i-new1"]]}, plan=False))
        return read(cloud)

    monkeypatch.setattr(desk, "log", ends_meanwhile)
    shown = fresh.desk.shown()
    assert ["applied"] == [run["outcome"] for run in shown["runs"]]
    assert "i-new1" in [backend["server_id"] for backend in shown["groups"][0]["backends"]]


def test_a_fault_is_seen_in_the_story_as_a_retry(fresh):
    fault = {"action": "ModifyVServerGroupBackendServers", "error": "BackendServer.configuring", "times": 1}
    ask(fresh, "POST", "/api/put", {"what": "faults", "value": [fault]})
    post(fresh, "request", {"request": {"target": "web", "pairs": [["i-old1", "i-new1"]]}})
    story = fresh.desk.shown()["runs"][0]["targets"][0]["story"]
    assert ["trouble", "wait", "step", "wait"] == [step["kind"] for step in story]
    assert "busy" in story[0]["result"]


def test_a_refusal_says_why_and_what_it_means(fresh):
    body = {"target": "web", "terminated": ["i-old1", "i-old2", "i-old3"]}
    answer = post(fresh, "request", {"request": body})
    reasons = {one["reason"] for one in answer["targets"][0]["refused"]}
    assert reasons
    assert reasons <= fresh.desk.fixed()["meanings"].keys()


def test_readings_and_faults_that_cannot_be_are_refused_with_the_reason(fresh):
    status, _, answer = ask(
        fresh, "POST", "/api/put", {"what": "readings", "value": {"modify_atomic": "perhaps"}}
    )
    assert (200, 400) == (status, answer["status"])
    assert "modify_atomic" in answer["answer"]["error"]


def test_the_stream_begins_with_all_there_is_and_tells_of_changes(fresh):
    connection = http.client.HTTPConnection("127.0.0.1", fresh.port, timeout=30)
    connection.request("GET", "/events")
    reply = connection.getresponse()
    first = json.loads(reply.fp.readline().removeprefix(b"data: "))
    assert ["i-old1", "i-old2", "i-old3"] == [b["server_id"] for b in first["groups"][0]["backends"]]
    fresh.desk.happen("health", {"instance_id": "i-old2", "health": "abnormal"})
    assert b"\n" == reply.fp.readline()
    second = json.loads(reply.fp.readline().removeprefix(b"data: "))
    assert "abnormal" == second["groups"][0]["backends"][1]["health"]
    connection.close()


def test_a_scaling_group_acts_when_it_is_told_to(fresh):
    post(fresh, "happen", {"what": "out", "order": {"count": 1, "hooks": False}})
    for _ in range(600):
        if (
            any(i.startswith("i-0") for i in servers(fresh))
            and fresh.desk.shown()["runs"][-1]["outcome"] == "applied"
        ):
            break
        threading.Event().wait(0.05)
    assert any(i.startswith("i-0") for i in servers(fresh))
