"""Auto Scaling's port: every page, nothing concluded from half an answer."""

from __future__ import annotations

from typing import Any, cast

import pytest

from handler.cloud.client import Client
from handler.cloud.ess import CloudEss
from handler.core.model.answers import CallFailed, Result
from handler.core.model.values import Hook, Server
from tests.support.cloud import Scripted, failed

HOOK = Hook("ash-1", "token-1", "asa-1", "asg-1", "scale_in", ("i-1",))


def ess_of(**answers: Any) -> tuple[CloudEss, Scripted]:
    scripted = Scripted(answers)
    return CloudEss(cast("Client", scripted)), scripted


def instance(number: int, state: str = "InService", health: str = "Healthy") -> dict[str, Any]:
    return {"InstanceId": f"i-{number}", "LifecycleState": state, "HealthStatus": health}


def instances(*rows: dict[str, Any], total: Any) -> dict[str, Any]:
    return {"ScalingInstances": {"ScalingInstance": list(rows)}, "TotalCount": total}


def scaling_groups(*attached: str, **counts: Any) -> dict[str, Any]:
    attributes = [{"VServerGroupId": vserver_group_id, "Port": 80} for vserver_group_id in attached]
    balancers = [{"LoadBalancerId": "lb-1", "VServerGroupAttributes": {"VServerGroupAttribute": attributes}}]
    row = {
        "ScalingGroupId": "asg-1",
        "VServerGroups": {"VServerGroup": balancers if attached else []},
        **counts,
    }
    return {"ScalingGroups": {"ScalingGroup": [{"ScalingGroupId": "asg-0"}, row]}}


def paged(count: int, total: int | None = None) -> Any:
    def page(given: Any) -> dict[str, Any]:
        start, size = (int(given["PageNumber"]) - 1) * int(given["PageSize"]), int(given["PageSize"])
        rows = [instance(n) for n in range(start, min(start + size, count))]
        return instances(*rows, total=count if total is None else total)

    return page


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (50, 1), (51, 2), (120, 3)])
def test_every_page_is_read_and_counted(count: int, pages: int) -> None:
    ess, scripted = ess_of(DescribeScalingGroups=scaling_groups(), DescribeScalingInstances=paged(count))
    listing = ess.listing("asg-1")
    assert [server.id for server in listing.servers] == [f"i-{n}" for n in range(count)]
    assert listing.complete
    assert scripted.actions() == ["DescribeScalingGroups"] + ["DescribeScalingInstances"] * pages
    assert scripted.calls[1][1] == {"ScalingGroupId": "asg-1", "PageNumber": "1", "PageSize": "50"}


@pytest.mark.parametrize(("count", "total"), [(3, 5), (0, 4), (60, 61), (5, 3)])
def test_pages_that_do_not_add_up_are_not_complete(count: int, total: int) -> None:
    ess, _ = ess_of(DescribeScalingGroups=scaling_groups(), DescribeScalingInstances=paged(count, total))
    assert not ess.listing("asg-1").complete


def test_a_page_that_repeats_itself_ends_the_reading() -> None:
    same = instances(instance(1), instance(2), total=9)
    ess, scripted = ess_of(DescribeScalingGroups=scaling_groups(), DescribeScalingInstances=same)
    assert not ess.listing("asg-1").complete
    assert scripted.actions().count("DescribeScalingInstances") == 2


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("InService", "in_service"), ("Protected", "in_service"), ("Pending", "pending"),
        ("Pending:Wait", "pending"),
        ("Removing", "leaving"), ("Removing:Wait", "leaving"), ("Stopped", "leaving"), ("Standby", "standby"),
        ("SomethingNew", "standby"),
    ],
)  # fmt: skip
def test_state(state: str, word: Any) -> None:
    answer = instances(instance(1, state, "Unhealthy"), total=1)
    ess, _ = ess_of(DescribeScalingGroups=scaling_groups(), DescribeScalingInstances=answer)
    assert ess.listing("asg-1").servers == (Server("i-1", word, healthy=False),)


def test_native_attachments_are_told_and_read_once() -> None:
    ess, scripted = ess_of(
        DescribeScalingGroups=scaling_groups("rsp-1", "rsp-2"), DescribeScalingInstances=paged(1)
    )
    assert ess.listing("asg-1").attached == {"rsp-1", "rsp-2"}
    ess.listing("asg-1")
    assert scripted.calls[0] == ("DescribeScalingGroups", {"ScalingGroupId.1": "asg-1"})
    assert scripted.actions().count("DescribeScalingGroups") == 1


@pytest.mark.parametrize(
    ("counts", "counted"),
    [
        ({"TotalInstanceCount": 4, "TotalCapacity": 12}, 4),
        ({"TotalInstanceCount": "0", "TotalCapacity": "0"}, 0),
        ({"TotalCapacity": 3}, 3),
        ({"ActiveCapacity": 3}, None),
    ],
)
def test_how_many_instances_the_scaling_group_counts_is_told(
    counts: dict[str, Any], counted: int | None
) -> None:
    ess, _ = ess_of(DescribeScalingGroups=scaling_groups(**counts), DescribeScalingInstances=paged(1))
    assert ess.listing("asg-1").counted == counted


def test_the_count_beside_an_empty_listing_is_never_an_old_one() -> None:
    full, none = instances(instance(1), total=1), instances(total=0)
    counts, pages = iter((3, 2, 0)), iter((full, full, none, none))
    ess, scripted = ess_of(
        DescribeScalingGroups=lambda _: scaling_groups(TotalInstanceCount=next(counts)),
        DescribeScalingInstances=lambda _: next(pages),
    )
    seen = [ess.listing("asg-1") for _ in range(4)]
    assert [(len(one.servers), one.counted) for one in seen] == [(1, 3), (1, 3), (0, 2), (0, 0)]
    assert scripted.actions().count("DescribeScalingGroups") == 3


def test_a_first_listing_that_is_empty_has_its_count_from_the_one_call_before() -> None:
    ess, scripted = ess_of(
        DescribeScalingGroups=scaling_groups(TotalInstanceCount=0), DescribeScalingInstances=paged(0)
    )
    assert (ess.listing("asg-1").servers, ess.listing("asg-1").counted) == ((), 0)
    assert scripted.actions()[:2] == ["DescribeScalingGroups", "DescribeScalingInstances"]


def test_a_scaling_group_that_is_deleted_meanwhile_is_gone_not_empty() -> None:
    answers = iter((scaling_groups(TotalInstanceCount=1), {"ScalingGroups": {}}))
    ess, _ = ess_of(DescribeScalingGroups=lambda _: next(answers), DescribeScalingInstances=paged(0))
    ess.listing("asg-1")
    with pytest.raises(CallFailed) as caught:
        ess.listing("asg-1")
    assert (caught.value.answer.result, caught.value.answer.code) == (
        Result.GONE,
        "InvalidScalingGroupId.NotFound",
    )


def test_a_scaling_group_that_is_not_there_is_gone_not_empty() -> None:
    ess, _ = ess_of(DescribeScalingGroups={"ScalingGroups": {}})
    with pytest.raises(CallFailed) as caught:
        ess.listing("asg-1")
    assert caught.value.answer.result is Result.GONE


MALFORMED = [
    {"DescribeScalingGroups": {"ScalingGroups": 7}},
    {"DescribeScalingGroups": scaling_groups(TotalInstanceCount=-1)},
    {"DescribeScalingGroups": scaling_groups(TotalCapacity="many")},
    {"DescribeScalingInstances": {"ScalingInstances": 7, "TotalCount": 1}},
    {"DescribeScalingInstances": instances(instance(1), total=None)},
    {"DescribeScalingInstances": instances({"InstanceId": "i-1"}, total=1)},
]


@pytest.mark.parametrize("answers", MALFORMED)
def test_a_listing_that_cannot_be_read_is_none(answers: dict[str, Any]) -> None:
    ess, _ = ess_of(**{"DescribeScalingGroups": scaling_groups(), **answers})
    with pytest.raises(CallFailed) as caught:
        ess.listing("asg-1")
    assert caught.value.answer.result is Result.UNKNOWN


def test_some_are_asked_for_by_id_twenty_at_a_time() -> None:
    def known(given: Any) -> dict[str, Any]:
        ids = [value for name, value in given.items() if name.startswith("InstanceId.")]
        rows = [{"InstanceId": i, "LifecycleState": "InService"} for i in ids if i != "i-7"]
        return instances(*rows, total=len(rows))

    ess, scripted = ess_of(DescribeScalingInstances=known)
    listed = ess.listed("asg-1", tuple(f"i-{n}" for n in range(45)))
    assert [server.id for server in listed] == [f"i-{n}" for n in range(45) if n != 7]
    assert [sum(name.startswith("InstanceId.") for name in given) for _, given in scripted.calls] == [
        20,
        20,
        5,
    ]
    assert scripted.calls[2][1]["InstanceId.1"] == "i-40"
    assert ess.listed("asg-1", ()) == ()


def test_hooks_whose_pages_lead_to_no_end_are_unreadable() -> None:
    ess, _ = ess_of(DescribeLifecycleActions={"LifecycleActions": {}, "NextToken": "again"})
    with pytest.raises(CallFailed) as caught:
        ess.pending_hooks("asa-1")
    assert caught.value.answer.result is Result.UNKNOWN


def test_hooks_that_still_wait_are_found_on_every_page() -> None:
    def page(given: Any) -> dict[str, Any]:
        number = "2" if "NextToken" in given else "1"
        row = {
            "LifecycleHookId": f"ash-{number}",
            "LifecycleActionToken": f"token-{number}",
            "InstanceIds": {"InstanceId": ["i-1"]},
        }
        more = {"NextToken": "next"} if number == "1" else {}
        return {"LifecycleActions": {"LifecycleAction": [row]}, **more}

    ess, scripted = ess_of(DescribeLifecycleActions=page)
    hooks = ess.pending_hooks("asa-1")
    assert [(hook.id, hook.token, hook.activity_id, hook.instance_ids) for hook in hooks] == [
        ("ash-1", "token-1", "asa-1", ("i-1",)),
        ("ash-2", "token-2", "asa-1", ("i-1",)),
    ]
    assert scripted.calls[0][1] == {
        "ScalingActivityId": "asa-1",
        "LifecycleActionStatus": "Pending",
        "MaxResults": "50",
    }


def test_hooks_that_cannot_be_read_are_no_hooks() -> None:
    ess, _ = ess_of(DescribeLifecycleActions={"LifecycleActions": {"LifecycleAction": [{}]}})
    with pytest.raises(CallFailed) as caught:
        ess.pending_hooks("asa-1")
    assert caught.value.answer.result is Result.UNKNOWN


def test_a_hook_is_completed() -> None:
    ess, scripted = ess_of(CompleteLifecycleAction={"RequestId": "r"})
    answer = ess.complete(HOOK, "CONTINUE")
    assert (answer.result, answer.request_id) == (Result.APPLIED, "r")
    assert scripted.calls[0][1] == {
        "LifecycleHookId": "ash-1",
        "LifecycleActionToken": "token-1",
        "LifecycleActionResult": "CONTINUE",
    }


def test_a_heartbeat_spells_its_parameters_as_that_action_does() -> None:
    ess, scripted = ess_of(RecordLifecycleActionHeartbeat={})
    assert ess.heartbeat(HOOK).result is Result.APPLIED
    assert scripted.calls[0][1] == {"lifecycleHookId": "ash-1", "lifecycleActionToken": "token-1"}


def test_a_hook_call_that_fails_is_answered_not_raised() -> None:
    ess, _ = ess_of(CompleteLifecycleAction=failed(Result.GONE))
    assert ess.complete(HOOK, "ABANDON").result is Result.GONE


def test_a_hook_without_its_token_is_not_guessed_at() -> None:
    ess, scripted = ess_of()
    lost = Hook("ash-1", None, "asa-1", "asg-1", "scale_out", ())
    assert ess.complete(lost, "CONTINUE").code == "MissingToken"
    assert ess.heartbeat(lost).result is Result.PERMANENT
    assert scripted.calls == []
