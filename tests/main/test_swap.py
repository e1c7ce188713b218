"""``handler.main.swap``: what it returns, raises and logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handler import main
from handler.outcome import NotYet
from handler.settings import BadSettings
from tests.support.deliveries import http_event, signed
from tests.support.entrance import TARGETS, Entrance
from tests.support.level_b import World

TIMER = {"triggerTime": "2026-01-01T00:00:00Z", "triggerName": "reconcile", "payload": ""}


def scaled_in(*ids: str) -> dict[str, Any]:
    return {
        "id": "event-1",
        "source": "acs.ess",
        "specversion": "1.0",
        "type": "ess:ScalingActivity:ScaleInSuccess",
        "aliyunregionid": "cn-hangzhou",
        "data": {"scalingGroupId": "asg-web", "instanceIds": list(ids)},
    }


def hook(*ids: str, token: str = "token-1") -> dict[str, Any]:
    content = {
        "lifecycleHookId": "ash-1",
        "lifecycleActionToken": token,
        "scalingGroupId": "asg-web",
        "lifecycleTransition": "SCALE_OUT",
        "defaultResult": "ABANDON",
        "instanceIds": list(ids),
    }
    return {"resourceArn": "acs:ess:cn-hangzhou:1:scalinggroup/asg-web", "content": content}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_applied_swap_has_every_key(entrance: Entrance) -> None:
    result = entrance.swap(scaled_in("i-old1"))
    assert {"outcome", "reason", "request_id", "targets", "rejected"} == set(result)
    assert {
        "target",
        "vserver_group_id",
        "trigger",
        "event_ids",
        "outcome",
        "reason",
        "plan_id",
        "pairs",
        "added",
        "removed",
        "refused",
        "unmanaged",
        "before",
        "after",
        "api_calls",
        "attempts",
        "duration_ms",
        "reverse",
    } == set(result["targets"][0])
    target = result["targets"][0]
    assert ("applied", "web", "autoscaling", 1) == (
        target["outcome"],
        target["target"],
        target["trigger"],
        target["attempts"],
    )
    assert len(entrance.cloud.calls()) == target["api_calls"]


def test_every_line_carries_the_invocation(entrance: Entrance, capsys: pytest.CaptureFixture[str]) -> None:
    entrance.swap(scaled_in("i-old1"))
    told = lines(capsys)
    assert ["swap.planned", "swap.step", "swap.completed"] == [line["event"] for line in told]
    for line in told:
        assert ("request-1", "swap", "cn-hangzhou", "autoscaling", ["event-1"]) == (
            line["request_id"],
            line["function_name"],
            line["region"],
            line["trigger"],
            line["event_ids"],
        )


def test_keys_of_one_invocation_are_not_in_the_next(
    entrance: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    entrance.swap(scaled_in("i-old1"))
    lines(capsys)
    entrance.swap(TIMER)
    assert all((line["trigger"], line["event_ids"]) == ("timer", []) for line in lines(capsys))


def test_what_may_pass_is_raised_and_logged_with_the_same_keys(
    entrance: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = {"action": "ModifyVServerGroupBackendServers", "error": "BackendServer.configuring"}
    entrance.cloud.send("PUT", "/_local/faults", [busy])
    with pytest.raises(NotYet, match="web: busy"):
        entrance.swap(scaled_in("i-old1"))
    last = lines(capsys)[-1]
    assert ("swap.unfinished", "raised", "busy") == (last["event"], last["outcome"], last["reason"])
    assert ["i-old1"] == entrance.cloud.servers()[:1]


def test_http_event_is_answered_and_never_raised(entrance: Entrance) -> None:
    busy = {"action": "ModifyVServerGroupBackendServers", "error": "BackendServer.configuring"}
    entrance.cloud.send("PUT", "/_local/faults", [busy])
    body = json.dumps({"target": "web", "pairs": [["i-old1", "i-new1"]]}).encode()
    response = entrance.swap(http_event(body, signed(body)))
    assert (503, "30") == (response["statusCode"], response["headers"]["Retry-After"])
    assert "raised" == json.loads(response["body"])["outcome"]


def test_rejected_event_is_logged_as_an_error_with_its_digest(
    entrance: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    result = entrance.swap(b"no delivery")
    assert ("rejected", 1) == (result["outcome"], len(result["rejected"]))
    first = lines(capsys)[0]
    assert ("swap.rejected", "error") == (first["event"], first["level"])
    assert result["rejected"][0]["digest"] == first["digest"]


def test_ignored_event_makes_no_call(entrance: Entrance, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = {**scaled_in("i-old1"), "aliyunregionid": "cn-beijing"}
    result = entrance.swap(foreign)
    assert ("ignored", "not_our_region") == (result["outcome"], result["reason"])
    assert [] == entrance.cloud.calls()
    assert "swap.ignored" == lines(capsys)[0]["event"]


def test_bad_record_does_not_lose_the_others(entrance: Entrance) -> None:
    result = entrance.swap([{"what": "is this"}, scaled_in("i-old1")])
    assert ("partial", ["applied"]) == (result["outcome"], [one["outcome"] for one in result["targets"]])


def test_hook_is_completed_and_logged(entrance: Entrance, capsys: pytest.CaptureFixture[str]) -> None:
    result = entrance.swap(hook("i-new2"))
    assert "applied" == result["outcome"]
    completed = next(line for line in lines(capsys) if line["event"].startswith("hook."))
    assert ("hook.completed", "ash-1", "CONTINUE") == (
        completed["event"],
        completed["hook_id"],
        completed["result"],
    )


def test_hook_that_cannot_be_completed_is_raised(entrance: Entrance) -> None:
    fault = {"action": "CompleteLifecycleAction", "error": "Throttling"}
    entrance.cloud.send("PUT", "/_local/faults", [fault])
    with pytest.raises(NotYet, match="hook_not_completed"):
        entrance.swap(hook("i-new2"))


def test_broken_run_does_not_stop_the_others(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two = [*TARGETS, {"name": "other", "vserver_group_id": "rsp-other", "scaling_group_ids": ["asg-web"]}]
    monkeypatch.setenv("SWAP_TARGETS", json.dumps(two[::-1]))
    main.initialize(None)
    real = main.CloudSlb

    class Broken(real):  # type: ignore[misc,valid-type]
        def group(self, vserver_group_id: str) -> Any:
            if vserver_group_id == "rsp-other":
                raise ZeroDivisionError
            return super().group(vserver_group_id)

    monkeypatch.setattr(main, "CloudSlb", Broken)
    with pytest.raises(NotYet, match="other: unexpected: ZeroDivisionError"):
        entrance.swap(scaled_in("i-old1"))
    assert ["i-old2", "i-old3", "i-new1"] == entrance.cloud.servers()
    assert "swap.failed" in [line["event"] for line in lines(capsys)]


def test_bad_settings_are_raised_by_each_invocation_and_not_when_the_instance_starts(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWAP_TARGETS", '[{"name": "web"}]')
    main.initialize(entrance.context)
    for _ in range(2):
        with pytest.raises(BadSettings, match="vserver_group_id"):
            entrance.swap(TIMER)


def test_instance_keeps_its_connection_from_invocation_to_invocation(entrance: Entrance) -> None:
    entrance.swap(TIMER)
    client = main._instance.client if main._instance else None
    entrance.swap(TIMER)
    assert main._instance is not None
    assert client is main._instance.client is not None


def test_settings_that_do_not_fit_into_the_function_s_time_are_refused_at_start() -> None:
    world = World("i-1 i-2", fresh="i-9", timeout_s=60)
    with pytest.raises(BadSettings, match=r"take 135 s, expected at most 50 s: the function's time is 60 s"):
        world.request(terminated=["i-1"], launched=["i-9"])
    assert [] == world.calls()


def test_where_the_context_tells_no_time_the_settings_are_believed() -> None:
    world = World("i-1 i-2", fresh="i-9", timeout_s=None)  # type: ignore[arg-type]
    assert "applied" == world.request(terminated=["i-1"], launched=["i-9"]).outcome


def test_of_a_target_that_only_plans_no_time_is_asked() -> None:
    world = World("i-1 i-2", fresh="i-9", policy={"mode": "plan"}, timeout_s=60)
    assert "planned" == world.request(terminated=["i-1"], launched=["i-9"]).outcome
