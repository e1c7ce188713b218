"""What the cloud answered is told, with a remedy that fits it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.swapctl.conftest import Command, Local


def _fail(cloud: Local, **fault: Any) -> None:
    assert cloud.http.send("PUT", "/_local/faults", [fault]).status == 200


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("InvalidSecurityToken.Expired", "renew the token"),
        ("InvalidTimeStamp.Expired", "set the clock of this machine"),
        ("Throttling.User", "who else calls this API?"),
        ("Forbidden.RAM", "docs/deploying.md, Rights, lists them"),
        ("InvalidAccessKeyId.NotFound", "check the access key"),
        ("Something.New", ""),
    ],
)
def test_check_has_the_remedy_of_each_code(cloud: Local, command: Command, error: str, remedy: str) -> None:
    _fail(cloud, action="DescribeVServerGroupAttribute", error=error, status=400)
    found = {one["about"]: one for one in command("check", "--json").json()}["web: group"]
    assert ("wrong", remedy) == (found["level"], found["remedy"])
    assert found["what"].startswith(f"{error} slb:DescribeVServerGroupAttribute")


@pytest.mark.parametrize("error", ["InvalidSecurityToken.Expired", "InvalidTimeStamp.Expired"])
def test_an_expired_token_is_not_waited_for(cloud: Local, command: Command, error: str) -> None:
    _fail(cloud, action="*", error=error, status=400)
    ended = command("plan")
    assert (1, True) == (ended.code, error in ended.out)
    assert len(cloud.http.calls("DescribeVServerGroupAttribute")) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"error": "Throttling.User", "status": 400}, "web: Throttling.User slb:DescribeHealthStatus"),
        ({"effect": "garbage"}, "web: MalformedAnswer slb:DescribeHealthStatus"),
    ],
)
def test_a_plan_ends_with_what_the_cloud_answered_last(
    cloud: Local, command: Command, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr("swapctl.planning.PATIENCE_S", 0.5)
    _fail(cloud, action="DescribeHealthStatus", **fault)
    ended = command("plan")
    assert (1, True, False) == (ended.code, said in ended.out, "did not answer" in ended.out), ended.out
    (target,) = json.loads(command("plan", "--json").out)["targets"]
    assert target["problem"]["message"].startswith("slb:DescribeHealthStatus")


def test_health_that_may_not_be_read_is_no_fault_of_the_listeners(cloud: Local, command: Command) -> None:
    _fail(cloud, action="DescribeHealthStatus", error="Forbidden.RAM", status=403)
    ended = command("check", "--json")
    found = {one["about"]: one for one in ended.json() if one["level"] == "wrong"}
    assert ["web: health"] == list(found)
    assert "slb:DescribeHealthStatus" in found["web: health"]["what"]
