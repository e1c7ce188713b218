"""Each command against the local cloud: with a right key and a wrong one, and without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from handler.triggers.deployment import MAX_ENTRIES
from swapctl import sending
from swapctl.ending import WrongUse
from swapctl.undo import parts
from tests.support.level_c import ROOT, SECRET
from tests.swapctl.conftest import EVENTS, STATE, TARGETS, Command, Local

SCALED_IN = EVENTS / "eventbridge-ess-scale-in-success.json"
SWAP = ("--target", "web", "--terminated", "i-old1", "--launched", "i-new1")
NOBODY = "http://127.0.0.1:1"


def test_check_finds_the_cloud_as_it_should_be(cloud: Local, command: Command) -> None:
    ended = command("check", "--json")
    levels = {(one["about"], one["level"]) for one in ended.json()}
    assert (0, []) == (ended.code, [about for about, level in levels if level == "wrong"])
    assert {("web: group", "good"), ("web: listeners", "good"), ("web: asg-web", "good")} <= levels
    assert not cloud.http.writes()


def test_check_tells_what_is_in_the_way(cloud: Local, command: Command) -> None:
    state = json.loads(json.dumps(STATE))
    state["load_balancers"][0]["listeners"][0]["health_check"] = False
    state["scaling_groups"][0]["vserver_groups"] = [
        {"vserver_group_id": "rsp-web", "port": 8080, "weight": 50}
    ]
    state["instances"][1]["status"] = "Stopped"
    cloud.http.put_state(state)
    ended = command("check")
    assert ended.code == 1
    for words in (
        "Auto Scaling itself has the group attached",
        "none checks health",
        "not running: i-old2 stopped",
    ):
        assert words in ended.out


@pytest.mark.parametrize(("timeout_s", "patient"), [(5, False), (6, False), (7, True)])
def test_check_compares_the_time_for_health_with_what_a_check_takes(
    cloud: Local, command: Command, tmp_path: Path, timeout_s: int, patient: bool
) -> None:
    (web,) = json.loads(TARGETS.read_text())
    settings = tmp_path / "targets.json"
    settings.write_text(json.dumps([{**web, "health": {"timeout_s": timeout_s}}]))
    ended = command("check", settings, "--json")
    found = [one for one in ended.json() if one["about"] == "web: health.timeout_s"]
    assert (0, [] if patient else ["look"]) == (ended.code, [one["level"] for one in found])
    for one in found:
        assert "takes 3 checks, 2 s apart" in one["what"]


def test_of_a_check_that_does_not_tell_its_times_nothing_is_said(
    cloud: Local, command: Command, tmp_path: Path
) -> None:
    (web,) = json.loads(TARGETS.read_text())
    settings = tmp_path / "targets.json"
    settings.write_text(json.dumps([{**web, "health": {"timeout_s": 2}}]))
    state = json.loads(json.dumps(STATE))
    for listener in state["load_balancers"][0]["listeners"]:
        listener["health_check"] = False
    cloud.http.put_state(state)
    told = command("check", settings, "--json").json()
    assert "web: health.timeout_s" not in [one["about"] for one in told]


def test_check_names_a_group_that_is_not_there(cloud: Local, command: Command, tmp_path: Path) -> None:
    settings = tmp_path / "targets.json"
    settings.write_text('[{"vserver_group_id": "rsp-none", "scaling_group_ids": ["asg-none"]}]')
    ended = command("check", settings)
    assert (1, True) == (ended.code, "wrong rsp-none: group:" in ended.out)


def test_check_compares_the_load_balancer_that_a_target_says(
    cloud: Local, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWAP_WRITERS", "2")
    (web,) = json.loads(TARGETS.read_text())
    settings = tmp_path / "targets.json"
    for said, level, what in (
        ({}, "look", "not said: two writers may wait for one load balancer"),
        ({"load_balancer_id": "lb-other"}, "wrong", "lb-other, but the group is of lb-web"),
        ({"load_balancer_id": "lb-web"}, None, None),
    ):
        settings.write_text(json.dumps([{**web, **said}]))
        ended = command("check", settings, "--json")
        found = {one["about"]: one for one in ended.json()}
        told = found.get("web: load_balancer_id", {})
        assert (told.get("level"), told.get("what")) == (level, what)
        assert told.get("remedy", 'say "lb-web"') == 'say "lb-web"'
        assert ended.code == (level == "wrong")
        assert re.fullmatch(r"[12] has 1 target", found["writers"]["what"])
    monkeypatch.delenv("SWAP_WRITERS")
    settings.write_text(json.dumps([web]))
    assert "load_balancer_id" not in command("check", settings).out


def test_check_tells_which_targets_change_their_writer(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = {"name": "web", "vserver_group_id": "rsp-web", "load_balancer_id": "lb-web"}
    auth = {"name": "auth", "vserver_group_id": "rsp-auth", "load_balancer_id": "lb-auth"}
    now, before = tmp_path / "targets.json", tmp_path / "before.json"
    before.write_text(json.dumps([web, auth]))
    now.write_text(json.dumps([web, {**auth, "load_balancer_id": "lb-web"}, {"vserver_group_id": "rsp-new"}]))
    monkeypatch.setenv("SWAP_WRITERS", "4")
    ended = command("check", now, "--before", before, "--offline")
    assert (ended.code, ended.out.count("goes from")) == (0, 1)
    assert "auth: goes from writer 2 to 3" in ended.out
    feed = {"name": "feed", "vserver_group_id": "rsp-feed", "load_balancer_id": "lb-new"}
    before.write_text(json.dumps([{**web, "load_balancer_id": "lb-auth"}]))
    now.write_text(
        json.dumps([{**web, "load_balancer_id": "lb-web"}, {**feed, "load_balancer_id": "lb-web"}])
    )
    ended = command("check", now, "--before", before, "--offline")
    assert {"web: goes from writer 2 to 3", "feed: waits for writer 3"} <= {
        line[6:].strip() for line in ended.out.splitlines()
    }
    monkeypatch.delenv("SWAP_WRITERS")
    assert "goes from" not in command("check", now, "--before", before, "--offline").out


def test_check_names_a_target_that_had_another_name(command: Command, tmp_path: Path) -> None:
    now, before = tmp_path / "targets.json", tmp_path / "before.json"
    web = {"name": "web", "vserver_group_id": "rsp-web"}
    now.write_text(json.dumps([web]))
    before.write_text(json.dumps([{**web, "name": "old"}]))
    assert "was old" in command("check", now, "--before", before, "--offline").out
    before.write_text(json.dumps([web]))
    assert "was " not in command("check", now, "--before", before, "--offline").out


def test_check_offline_and_without_a_key_asks_nobody(command: Command) -> None:
    for also in ((), ("--offline",)):
        ended = command("check", TARGETS, *also)
        assert (0, "not asked: no credentials" in ended.out) == (ended.code, not also)


@pytest.mark.parametrize(
    "file", ["eventbridge-list.json", "mns-topic-stream-plain.json", "webhook-pairs.json"]
)
def test_explain_says_what_is_asked(command: Command, file: str) -> None:
    ended = command("explain", EVENTS / file, "--targets", TARGETS, "--json")
    (asked,) = ended.json()["asks"]
    assert (0, "web") == (ended.code, asked["target"])
    assert "i-old1" in {one["server_id"] for one in asked["terminated"]}


@pytest.mark.parametrize(
    "beside", sorted(EVENTS.glob("*.expect.json")), ids=lambda path: path.name.split(".")[0]
)
def test_explain_knows_every_form_of_a_delivery(
    command: Command, monkeypatch: pytest.MonkeyPatch, beside: Path
) -> None:
    name, expect = beside.name.removesuffix(".expect.json"), json.loads(beside.read_text())
    file = next(path for path in EVENTS.glob(f"{name}.*") if path != beside)
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", SECRET)
    ended = command("explain", file, "--targets", TARGETS, "--region", "cn-hangzhou", "--json")
    told = ended.json()
    assert told["envelopes"]
    if "sign" not in expect and expect["via"] == "deliver":  # else the signature decides
        asked = bool(told["asks"])
        assert (expect["outcome"] in {"ignored", "rejected"}) == (not asked), told
        assert (ended.code == 1) == (expect["outcome"] == "rejected")


def test_explain_opens_the_envelopes(command: Command) -> None:
    ended = command("explain", EVENTS / "destination-failure-base64.json", "--targets", TARGETS)
    assert ended.out.splitlines()[0].startswith("the payload of an asynchronous destination")
    assert ended.out.splitlines()[1].startswith("  base64 of a bare message")


def test_explain_says_why_a_delivery_is_ignored_or_rejected(command: Command, tmp_path: Path) -> None:
    ignored = command("explain", EVENTS / "eventbridge-ess-foreign-group.json", "--targets", TARGETS)
    assert (0, True) == (ignored.code, "not_our_scaling_group" in ignored.out)
    body = tmp_path / "request.json"
    body.write_text('{"target": "web", "terminated": ["i-1"]}')
    rejected = command("explain", body, "--targets", TARGETS)
    assert (1, True) == (rejected.code, "plan --request FILE" in rejected.out)


def test_plan_shows_waves_and_floor_and_writes_nothing(cloud: Local, command: Command) -> None:
    ended = command("plan", SCALED_IN)
    assert ended.code == 2
    assert "swap      i-old1:8080 (100) -> i-new1:8080 (100)" in ended.out
    assert "wave 1    Modify" in ended.out
    assert "never below 2" in ended.out
    assert not cloud.http.writes()
    assert {"i-old1", "i-old2", "i-old3"} == set(cloud.http.servers())


def test_plan_of_the_timer_is_the_default(cloud: Local, command: Command) -> None:
    assert command("plan").out == command("plan", "--timer").out


def test_plan_tells_refusals_with_numbers_and_override(
    cloud: Local, command: Command, tmp_path: Path
) -> None:
    body = tmp_path / "request.json"
    body.write_text(
        '{"target": "web", "terminated": ["i-old1", "i-old2", "i-old3"], "force": ["still_in_service"]}'
    )
    ended = command("plan", "--request", body)
    assert (2, "refused") == (ended.code, ended.out.split()[0])
    assert 'removed 3, of 3, allowed 1; "force": ["max_removed"] overrides it' in ended.out


def test_plan_sees_unknown_and_stopped_servers(cloud: Local, command: Command, tmp_path: Path) -> None:
    state = json.loads(json.dumps(STATE))
    state["instances"][3]["status"] = "Stopped"
    cloud.http.put_state(state)
    body = tmp_path / "request.json"
    body.write_text('{"target": "web", "terminated": ["i-old1", "i-zzz"], "launched": ["i-new1"]}')
    ended = command("plan", "--request", body)
    assert "i-new1  not_running" in ended.out
    assert "ECS       i-zzz: unknown to ECS" in ended.out
    body.write_text('{"target": "web", "terminated": ["i-old1", "i-zzz"]}')
    assert "not_in_group: i-zzz" in command("plan", "--request", body).out


def test_a_plan_with_nothing_to_do_ends_with_0(cloud: Local, command: Command, tmp_path: Path) -> None:
    body = tmp_path / "request.json"
    body.write_text('{"target": "web", "launched": ["i-old2"]}')
    assert 0 == command("plan", "--request", body).code


@pytest.mark.parametrize("way", ["webhook", "swap", "door"])
def test_send_is_a_dry_run_until_apply_is_said(cloud: Local, command: Command, way: str) -> None:
    by = {
        "webhook": ("--webhook", cloud.webhook),
        "swap": ("--function", cloud.functions["swap"]),
        "door": ("--function", cloud.functions["webhook"]),
    }[way]
    dry = command("send", *by, *SWAP)
    assert (2, "planned", []) == (dry.code, dry.out.split()[0], cloud.http.writes())
    done = command("send", *by, *SWAP, "--apply", "--json")
    assert (0, "applied") == (done.code, done.json()["outcome"])
    assert {"i-new1", "i-old2", "i-old3"} == set(cloud.http.servers())


def test_send_does_not_write_what_a_request_file_asks_for(
    cloud: Local, command: Command, tmp_path: Path
) -> None:
    body = tmp_path / "request.json"
    body.write_text('{"target": "web", "terminated": ["i-old1"], "launched": ["i-new1"], "dry_run": false}')
    assert 2 == command("send", "--webhook", cloud.webhook, "--request", body).code
    assert not cloud.http.writes()


def test_send_of_an_event_shows_its_plan_and_hands_it_over_with_apply(cloud: Local, command: Command) -> None:
    by = ("--function", cloud.functions["swap"])
    assert (2, []) == (command("send", SCALED_IN, *by).code, cloud.http.writes())
    assert (0, 1) == (command("send", SCALED_IN, *by, "--apply").code, len(cloud.http.writes()))


def test_send_follows_what_is_only_queued(cloud: Local, command: Command) -> None:
    ended = command("send", "--webhook", cloud.webhook, *SWAP, "--apply", "--no-wait", "--json")
    assert (0, "applied") == (ended.code, ended.json()["outcome"])


def test_undo_takes_back_what_a_result_or_the_log_tells(
    cloud: Local, command: Command, tmp_path: Path
) -> None:
    done = command("send", "--webhook", cloud.webhook, *SWAP, "--apply", "--json")
    lines = "\n".join(cloud.http.send("GET", "/_local/logs?function=" + cloud.functions["swap"]).json())
    carried = [{"message": line, "__time__": "1"} for line in lines.splitlines()]
    for text in (done.out, lines, json.dumps(carried), json.dumps({"meta": {}, "data": carried})):
        kept = tmp_path / "result"
        kept.write_text(text)
        assert "i-new1" in command("undo", kept).out
    shown = command("undo", kept, "--webhook", cloud.webhook)
    assert (2, 1) == (shown.code, len(cloud.http.writes()))
    assert 0 == command("undo", kept, "--webhook", cloud.webhook, "--apply").code
    assert {"i-old1", "i-old2", "i-old3"} == set(cloud.http.servers())


def _told(at: str, event_ids: list[str], reverse: Any, request_id: str = "r", **also: Any) -> str:
    target = {"target": "web", "vserver_group_id": "rsp-web", "outcome": "applied", "event_ids": event_ids}
    line = {"event": "swap.completed", "time": at, "request_id": request_id, "outcome": "applied"}
    return json.dumps({**line, "targets": [{**target, "reverse": reverse}], **also})


def _reverse(launched: str) -> dict[str, Any]:
    return {"target": "web", "terminated": [], "launched": [launched], "pairs": [], "force": []}


def test_undo_puts_long_lists_together_again(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "log"
    counted = {"target": "web", "terminated": 0, "launched": 3, "pairs": 0, "force": 0}
    line = {"event": "swap.detail", "of": "swap.completed", "request_id": "r"}
    parts = [["i-1", "i-2"], ["i-3"]]
    details = [
        json.dumps({**line, "list": "targets[0].reverse.launched", "part": at, "parts": 2, "items": items})
        for at, items in enumerate(parts, 1)
    ]
    others = [
        json.dumps({**line, "list": f"targets[0].reverse.{name}", "part": 1, "parts": 1, "items": []})
        for name in ("terminated", "pairs", "force")
    ]
    told = _told("2026-01-01T00:00:00Z", ["e"], counted)
    for order in (1, -1):
        kept.write_text("\n".join([told, *details, *others][::order]))
        assert ["i-1", "i-2", "i-3"] == command("undo", kept, "--json").json()["launched"]
    kept.write_text(told)
    ended = command("undo", kept)
    assert (1, True) == (ended.code, "swap.detail lines of request_id r" in ended.err)


def test_each_try_of_a_delivery_gets_its_own_lists(command: Command, tmp_path: Path) -> None:
    kept, lines = tmp_path / "log", []
    for number, launched in enumerate((["i-1"], ["i-2", "i-3"])):
        counted = {**_reverse(""), "launched": len(launched)}
        lines.append(_told(f"2026-01-01T00:0{number}:00Z", ["e"], counted, details=str(number)))
        detail = {"event": "swap.detail", "of": "swap.completed", "request_id": "r", "details": str(number)}
        lines.append(
            json.dumps({**detail, "list": "targets[0].reverse.launched", "part": 1, "items": launched})
        )
    for order in (1, -1):
        kept.write_text("\n".join(lines[::order]))
        assert [["i-2", "i-3"], ["i-1"]] == [
            json.loads(line)["launched"] for line in command("undo", kept).out.splitlines()
        ]


def test_undo_splits_what_has_too_many_entries() -> None:
    many = [{"server_id": f"i-{number}"} for number in range(MAX_ENTRIES + 1)]
    found = parts({"target": "web", "terminated": many, "launched": [], "pairs": [], "force": []})
    assert all(len(one["terminated"]) <= MAX_ENTRIES for one in found)
    assert many == [entry for one in found for entry in one["terminated"]]


def test_undo_takes_the_last_run_and_says_what_it_leaves(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "log"
    first = _told("2026-01-01T00:00:00Z", ["one"], _reverse("i-1"))
    second = _told("2026-01-01T00:01:00Z", ["two"], _reverse("i-2"))
    for order in (1, -1):
        kept.write_text("\n".join([first, second][::order]))
        ended = command("undo", kept)
        assert ("i-2" in ended.out, "i-1" in ended.out) == (True, False)
        assert "1 earlier run in" in ended.err


def test_undo_takes_all_tries_of_a_delivery_the_last_first(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "log"
    first = _told("2026-01-01T00:00:00Z", ["one"], _reverse("i-1"), event="swap.unfinished")
    kept.write_text("\n".join([first, _told("2026-01-01T00:01:00Z", ["one"], _reverse("i-2"))]))
    shown = command("undo", kept).out
    assert 0 < shown.index("i-2") < shown.index("i-1")


def test_a_reverse_too_large_for_a_request_is_sent_in_parts_that_keep_pairs_together() -> None:
    def entry(name: str, port: int) -> dict[str, Any]:
        return {"server_id": name, "port": port, "weight": 100, "description": "slb-swap/web"}

    whole = {
        "target": "web",
        "terminated": [entry(f"i-new{n}", port) for n in range(21) for port in (80, 81)],
        "launched": [entry(f"i-old{n}", port) for n in range(30) for port in (80, 81)],
        "pairs": [[f"i-new{n}", f"i-old{n}"] for n in range(20)],
        "force": [],
    }
    found = parts(whole, 1500)
    assert len(found) > 4
    for key in ("terminated", "launched", "pairs"):
        assert [one for part in found for one in part[key]] == whole[key]
    for part in found:
        assert len(json.dumps(part)) <= 1500
        named = {one["server_id"] for one in (*part["terminated"], *part["launched"])}
        assert {server for pair in part["pairs"] for server in pair} <= named
    for one in ({"terminated": [entry("i-1", 80)]}, {"launched": [entry("i-1", 80)]}):
        alone = {"target": "web", "terminated": [], "launched": [], "pairs": [], "force": [], **one}
        assert parts(alone, 10) == [alone]


def test_logs_of_another_target_tell_nothing(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "log"
    kept.write_text(_told("2026-01-01T00:00:00Z", ["one"], _reverse("i-1")))
    assert (1, True) == ((ended := command("logs", kept, "--target", "api")).code, "about api" in ended.err)
    assert 0 == command("logs", kept, "--target", "web").code
    kept.write_text('{"outcome": "applied", "targets": [{"a": 1}]}')
    assert (1, True) == ((ended := command("logs", kept)).code, "no log line" in ended.err)


def test_a_queued_request_is_not_called_failed_where_its_log_cannot_be_read(
    cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWAP_ENDPOINT", NOBODY)
    ended = command("send", "--webhook", cloud.webhook, *SWAP, "--apply", "--no-wait")
    cloud.http.send("POST", "/_local/async/drain?timeout=30")
    assert (0, True) == (ended.code, "Queued as slb-swap-" in ended.out), ended.err


def test_plan_and_send_judge_a_request_alike(cloud: Local, command: Command, tmp_path: Path) -> None:
    body = tmp_path / "request.json"
    ways = [("plan", "--targets", TARGETS), ("send", "--webhook", cloud.webhook)]
    body.write_bytes(b'\xef\xbb\xbf{"target": "web", "terminated": ["i-old1"], "launched": ["i-new1"]}')
    assert [2, 2] == [command(*way, "--request", body).code for way in ways]
    body.write_text('{"target": "web", "dry_run": true, "launched": ["i-new1"], "dry_run": false}')
    for way in ways:
        ended = command(*way, "--request", body)
        assert (64, True) == (ended.code, "'dry_run' is twice" in ended.err)
    body.write_text(json.dumps({"target": "web", "launched": ["i-new1"], "force": ["x" * 128] * 600}))
    for way in ways:
        ended = command(*way, "--request", body)
        assert (1, True) == (ended.code, "body: more than 65536 bytes" in ended.out + ended.err)


@pytest.mark.parametrize("name", ["SWAP_TARGETS", "SWAP_NETWORK", "SWAP_ENDPOINTS", "LOG_LEVEL"])
def test_a_secret_in_the_wrong_variable_is_not_told(
    name: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b"
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", secret)
    monkeypatch.setenv("SWAP_TARGETS", TARGETS.read_text())
    monkeypatch.setenv(name, secret)
    ended = command("check", "--offline")
    assert (1, True) == (ended.code, name in ended.out)
    assert secret[6:14].lower() not in (ended.out + ended.err).lower()


def test_a_bundle_that_cannot_be_read_is_named(
    cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bundle in ("/no/such/file", str(TARGETS), str(TARGETS.parent)):
        monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", bundle)
        said = "ALIBABA_CLOUD_CA_BUNDLE: cannot read certificates from"
        ended = command("send", "--webhook", "https://127.0.0.1:1/", *SWAP)
        assert (64, True) == (ended.code, said in ended.err), ended.err
        ended = command("check", TARGETS, "--offline")
        assert (1, True) == (ended.code, said in ended.out)


def test_logs_tells_the_story_of_a_run(cloud: Local, command: Command, tmp_path: Path) -> None:
    command("send", "--webhook", cloud.webhook, *SWAP, "--apply")
    lines = cloud.http.send("GET", "/_local/logs?function=" + cloud.functions["swap"]).json()
    file = tmp_path / "log"
    file.write_text("\n".join([f"2026-01-01 stdout {lines[0]}", *lines[1:], "FC Invoke End"]))
    ended = command("logs", file)
    for words in ("plan ", "replace: Modify i-old1:8080 (100) -> i-new1:8080 (100)  applied", "undo "):
        assert words in ended.out
    assert 1 == command("logs", EVENTS / "state.json").code


def test_a_picture_is_drawn_or_what_is_missing_is_said(
    cloud: Local, command: Command, tmp_path: Path
) -> None:
    command("send", "--webhook", cloud.webhook, *SWAP, "--apply")
    lines = cloud.http.send("GET", "/_local/logs?function=" + cloud.functions["swap"]).json()
    log, svg = tmp_path / "log", tmp_path / "run.svg"
    log.write_text("\n".join(lines))
    ended = command("logs", log, "--picture", svg)
    assert svg.is_file() if ended.code == 0 else "pip install matplotlib" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("plan",), ("plan", SCALED_IN), ("send", "--function", "slb-swap-swap", *SWAP)],
    ids=lambda arguments: " ".join(map(str, arguments[:2])),
)
@pytest.mark.parametrize("trouble", ["key", "network"])
def test_a_wrong_key_and_no_network_are_said(
    cloud: Local,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    trouble: str,
) -> None:
    if trouble == "key":
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "a-secret-that-is-not-right")
    else:
        monkeypatch.setattr("swapctl.planning.PATIENCE_S", 0.5)
        monkeypatch.setenv("SWAP_ENDPOINT", NOBODY)
    ended = command(*arguments)
    said = ended.out + ended.err
    assert ended.code == 1
    assert any(
        code in said
        for code in (
            "SignatureDoesNotMatch",
            "InvalidAccessKeySecret",
            "SignatureNotMatch",
            "SDK.HttpError",
            "unknown",
        )
    )
    assert "a-secret-that-is-not-right" not in said


def test_a_wrong_secret_is_said(cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
    ended = command("send", "--webhook", cloud.webhook, *SWAP, "--apply")
    assert (1, True, []) == (ended.code, "no v1 signature matches" in ended.out, cloud.http.writes())
    ended = command("send", "--webhook", f"{NOBODY}/", *SWAP)
    assert (1, True) == (ended.code, "no answer" in ended.err)
    ended = command("send", "--webhook", f"{cloud.http.endpoint}/", *SWAP)
    assert (1, True) == (ended.code, "not by slb-swap" in ended.err)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan",), "no settings"),
        (("plan", "--targets", "none.json"), "none.json: No such file"),
        (("plan", "--timer", "x"), "expected one of EVENT"),
        (("plan", "--nope"), "No such option: --nope"),
        (("send", *SWAP), "expected one of --webhook URL and --function NAME"),
        (("send", "--webhook", "ftp://x", *SWAP), "--webhook: expected a URL"),
        (("send", "--webhook", "http://x"), "expected one of EVENT, --request FILE"),
        (("send", "--webhook", "http://x", "--launched", "i-1"), "need --target NAME"),
        (("send", "--webhook", "http://x", *SWAP), "set SWAP_WEBHOOK_SECRETS"),
        (("send", SCALED_IN, "--webhook", "http://x"), "an EVENT goes to --function NAME"),
        (("send", "--function", "f", "--endpoint", "http://1.2.3.4", *SWAP), "expected a loopback address"),
        (("send", "--webhook", "http://x", "--target", "web", "--terminated", "i-1", "--launched", ""),
         "--launched: empty, expected an id"),
        (("send", "--webhook", "http://x", "--request", "f", "--target", "web"), "go with --terminated"),
        (("send", "--webhook", "http://u:hunter2@x/", *SWAP), "--webhook: expected a URL without user"),
        (("plan", "--targets", TARGETS, "--endpoint", "x"), "--endpoint: expected a URL"),
        (("check", TARGETS, "--targets", TARGETS), "expected one of FILE and --targets"),
        (("local", "--port", "99999"), "--port: expected 0 to 65535"),
        (("local", "--env", "/no/such/folder/x"), "--env: /no/such/folder/x: No such file"),
        (("undo",), "Missing argument"),
        (("plan", "--targets", TARGETS, "--region", "Hangzhou"), "such as cn-hangzhou, got 'Hangzhou'"),
        (("check", TARGETS, "--region", "cn hangzhou"), "such as cn-hangzhou, got 'cn hangzhou'"),
        (("explain", SCALED_IN, "--targets", TARGETS, "--region", "cn"), "such as cn-hangzhou, got 'cn'"),
        (("nothing",), "No such command"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_wrong_use_ends_with_64(command: Command, arguments: tuple[object, ...], words: str) -> None:
    ended = command(*arguments)
    assert (64, True) == (ended.code, words in ended.err), ended.err


def test_no_credentials_are_said(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> None:
        raise RuntimeError("no provider: secret words")

    monkeypatch.setattr("alibabacloud_credentials.provider.DefaultCredentialsProvider.get_credentials", none)
    ended = command("plan", "--targets", TARGETS, "--region", "cn-hangzhou")
    assert (64, True) == (ended.code, "no credentials: set ALIBABA_CLOUD_ACCESS_KEY_ID" in ended.err)
    assert "secret words" not in ended.err


def test_key_and_region_come_from_the_profile(
    cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_ID")
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    profile = {
        "name": "ops", "mode": "AK", "region_id": "cn-hangzhou",
        "access_key_id": cloud.key[0], "access_key_secret": cloud.key[1],
    }  # fmt: skip
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "ops", "profiles": [profile]}))
    monkeypatch.setattr("alibabacloud_credentials.utils.auth_constant.HOME", str(tmp_path))
    assert 2 == command("plan", SCALED_IN).code


def test_nothing_secret_is_printed(cloud: Local, command: Command, tmp_path: Path) -> None:
    said = ""
    for arguments in (
        ("check",),
        ("plan", EVENTS / "eventbridge-ess-hook-scale-in.json"),
        ("explain", EVENTS / "eventbridge-ess-hook-scale-in.json"),
        ("explain", EVENTS / "eventbridge-ess-hook-scale-in.json", "--json"),
        ("send", "--webhook", cloud.webhook, *SWAP),
        ("send", "--function", cloud.functions["swap"], *SWAP, "--json"),
        ("send", "--webhook", f"{NOBODY}/{SECRET}", *SWAP),
    ):
        ended = command(*arguments)
        said += ended.out + ended.err
    token = json.loads((EVENTS / "eventbridge-ess-hook-scale-in.json").read_text())["data"][
        "lifecycleActionToken"
    ]
    for secret in (*cloud.key, SECRET, SECRET.removeprefix("whsec_"), token):
        assert secret not in said


def test_check_says_where_the_rights_are(cloud: Local, command: Command) -> None:
    named = re.search(r"(docs/\w+\.md), (\w+), lists them", command("check").out)
    assert named
    assert f"\n## {named[2]}\n" in (ROOT / named[1]).read_text(encoding="utf-8")


def test_a_plan_of_a_silent_cloud_says_what_to_do(
    cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swapctl.planning.PATIENCE_S", 0.5)
    monkeypatch.setenv("SWAP_ENDPOINT", NOBODY)
    ended = command("plan")
    assert (1, True) == (ended.code, "The connection was refused: check the network" in ended.out)


@pytest.mark.parametrize("url", ["https://...", "http://[::1", "http://a b/", "http://a:b/"])
def test_an_address_that_is_none_is_said(command: Command, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SWAP_WEBHOOK_SECRETS", SECRET)
    ended = command("send", "--webhook", url, *SWAP)
    assert (1, True) == (ended.code, ended.err.startswith(f"slb-swap: {url}: not an address"))


@pytest.mark.parametrize("function", ["swap", "slb-swap/swap"])
def test_a_function_is_invoked_where_the_settings_say(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    way = sending.chosen(None, function, None, "cn-hangzhou", "12")
    at = lambda: sending._endpoint(way).host  # noqa: E731
    assert "12.cn-hangzhou.fc.aliyuncs.com" == at()
    monkeypatch.setenv("SWAP_NETWORK", "vpc")
    assert "12.cn-hangzhou-internal.fc.aliyuncs.com" == at()
    monkeypatch.setenv("SWAP_ENDPOINTS", "fc=fc.aliyuncs.com")
    assert "fc.aliyuncs.com" == at()
    monkeypatch.setenv("SWAP_ENDPOINTS", "fc=elsewhere.example")
    with pytest.raises(WrongUse, match="SWAP_ENDPOINTS: expected a host that ends"):
        at()
