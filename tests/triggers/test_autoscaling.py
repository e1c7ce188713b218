"""What Auto Scaling says, in each spelling, becomes intents for the targets that its scaling group feeds."""

from __future__ import annotations

import json

import pytest

from handler.core.model.values import Cause, Hook, Intent, Scope, ServerRef
from tests.support.triggers import WEB, deliver, target

LAUNCHED = ("launched", Cause.FINISHED)
TERMINATED = ("terminated", Cause.FINISHED)
ACTIVITIES = {
    "ScaleOutSuccess": LAUNCHED,
    "ScaleOutPartialSuccess": LAUNCHED,
    "ScaleOutWarn": LAUNCHED,
    "ScaleOutError": TERMINATED,
    "ScaleInSuccess": TERMINATED,
    "ScaleInPartialSuccess": TERMINATED,
    "ScaleInWarn": TERMINATED,
    "ScaleInError": None,
}
IGNORED = {
    "ScaleOutStart": "activity_started",
    "ScaleInStart": "activity_started",
    "ScaleReject": "activity_rejected",
    "ScheduleTaskExpiring": "scheduled_task_expiring",
}


def snake(word: str) -> str:
    return "".join("_" + one if one.isupper() else one for one in word).strip("_").upper()


def spellings(word: str) -> list[dict[str, object]]:
    data = {"scalingGroupId": "asg-web", "instanceIds": ["i-a", "i-b"]}

    def event(kind: str, body: object) -> dict[str, object]:
        return {"specversion": "1.0", "id": "e-1", "source": "acs.ess", "type": kind, "data": body}

    return [
        event(f"ess:ScalingActivity:{word}", data),
        event(f"ess:AutoScaling:{word}", data),
        event(f"ess:Autoscaling:{snake(word)}", data),
        event(f"ess:CloudMonitor:AUTOSCALING[{word.upper()}]", data),
        event(f"AUTOSCALING:{snake(word)}", data),
        {"id": "e-1", "product": "ESS", "name": f"AUTOSCALING:{snake(word)}", "content": data},
        {"id": "e-1", "product": "ess", "name": f"AUTOSCALING:{snake(word)}", **data},
    ]


@pytest.mark.parametrize("spelling", range(7))
@pytest.mark.parametrize("word", ACTIVITIES)
def test_activity_means_the_same_in_each_spelling(word: str, spelling: int) -> None:
    effect = ACTIVITIES[word]
    found = deliver(spellings(word)[spelling])
    named = (
        {}
        if effect is None
        else {effect[0]: tuple(ServerRef(one, cause=effect[1]) for one in ("i-a", "i-b"))}
    )
    assert found.intents == (Intent("web", "autoscaling", ("e-1",), Scope.RECONCILE, **named),)
    assert (found.rejected, found.ignored, found.trigger, found.event_ids) == (
        (),
        (),
        "autoscaling",
        ("e-1",),
    )


@pytest.mark.parametrize("spelling", range(7))
@pytest.mark.parametrize("word", IGNORED)
def test_activity_that_brings_and_takes_nothing_is_ignored(word: str, spelling: int) -> None:
    found = deliver(spellings(word)[spelling])
    assert [(one.reason, one.event_ids) for one in found.ignored] == [(IGNORED[word], ("e-1",))]
    assert (found.intents, found.rejected, found.trigger) == ((), (), "autoscaling")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("ess:ActionTrail:ApiCall", "audit_record"),
        ("ess:ActionTrail:ConsoleOperation", "audit_record"),
        ("ess:ActionTrail:AliyunServiceEvent", "audit_record"),
        ("ess:Config:NonCompliantNotification", "configuration_record"),
        ("ess:Config:ConfigurationItemChangeNotification", "configuration_record"),
        ("ess:LifecycleHook:Test", "lifecycle_test"),
        ("SCALING_GROUP_DIAGNOSE", "scaling_group_diagnosed"),
    ],
)
def test_other_types_are_ignored(kind: str, reason: str) -> None:
    found = deliver(
        {"specversion": "1.0", "source": "acs.ess", "type": kind, "data": {"scalingGroupId": "asg-web"}}
    )
    assert [one.reason for one in found.ignored] == [reason]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ess:LifecycleHook:Test"},
        {"type": "ess:LifecycleHook:TEST", "data": {}},
        {"type": "ess:LifecycleHook:Test", "data": "test"},
        {"type": "ess:LifecycleHook:Test", "data": []},
        {"type": "ess:LifecycleHook:Test", "data_base64": "!"},
        {"type": "ess:LifecycleHook:Test", "data": {"content": "{"}},
        {"type": "ess:Lifecycle_Hook:Test", "data": {"instanceIds": 5}},
        {"type": "ess:CloudMonitor:AUTOSCALING[LIFECYCLEHOOKTEST]", "data": {}},
        {"type": "AUTOSCALING:LIFECYCLE_HOOK_TEST", "data": {}},
        {"type": "AUTOSCALING:TEST_LIFECYCLE_HOOK", "data": {}},
        {"type": "ess:LifecycleHook", "data": {"lifecycleTransition": "Test"}},
        {"type": "ess:LifecycleHook:Test", "data": {}, "aliyunregionid": "us-west-1"},
    ],
)
def test_hooks_test_message_in_any_spelling_is_ignored(event: dict[str, object]) -> None:
    found = deliver({"specversion": "1.0", "source": "acs.ess", **event})
    assert ([one.reason for one in found.ignored], found.rejected, found.intents) == (
        ["lifecycle_test"],
        (),
        (),
    )


@pytest.mark.parametrize(
    "message",
    [
        {"product": "ESS", "name": "LIFECYCLE_HOOK_TEST", "content": {}},
        {"product": "ESS", "name": "LIFECYCLE-HOOK-TEST", "content": "{"},
        {"lifecycleHookId": "ash-1", "lifecycleTransition": "TEST"},
        {"lifecycleTransition": "TEST"},
        {"content": {"scalingGroupId": "asg-nobody", "lifecycleTransition": "Test_Notification"}},
        {"content": {"lifecycleHookId": "ash-1", "lifecycleTransition": "LifecycleHook:Test"}},
    ],
)
def test_hooks_test_message_is_known_without_its_envelope_too(message: dict[str, object]) -> None:
    found = deliver({"TopicName": "t", "MessageId": "m", "Message": json.dumps(message)})
    assert ([one.reason for one in found.ignored], found.rejected) == (["lifecycle_test"], ())


@pytest.mark.parametrize("word", IGNORED)
def test_what_brings_and_takes_nothing_needs_no_data_that_can_be_read(word: str) -> None:
    for data in ({"data": 5}, {"data": "{"}, {"data_base64": "?"}, {"data": {"content": "{"}}):
        event = {"specversion": "1.0", "source": "acs.ess", "type": f"ess:ScalingActivity:{word}", **data}
        found = deliver(event)
        assert ([one.reason for one in found.ignored], found.rejected) == ([IGNORED[word]], ())


def ess(data: object, kind: str = "ess:ScalingActivity:ScaleInSuccess", **more: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "e-1", "source": "acs.ess", "type": kind, "data": data, **more}


ARN = "acs:ess:cn-hangzhou:1234:scalingGroup/asg-web"


@pytest.mark.parametrize(
    "event",
    [
        ess({"scalingGroupId": "asg-web", "instanceIds": ["i-a"]}),
        ess({"scalingGroupId": "asg-web", "instanceIds": ["i-a", "i-a"]}),
        ess({"content": {"scalingGroupId": "asg-web", "instanceIds": ["i-a"]}}),
        ess({"content": '{"scalingGroupId": "asg-web", "instanceIds": ["i-a"]}'}),
        ess('{"scalingGroupId": "asg-web", "instanceIds": ["i-a"]}'),
        ess({"scalingGroupId": "asg-web", "content": {"instanceIds": ["i-a"]}}),
        ess({"scalingGroupId": "asg-web", "content": {"instanceIds": None}, "instanceIds": ["i-a"]}),
        ess({"scalingGroupId": "asg-web", "instanceIds": '["i-a"]'}),
        ess({"scalingGroupId": "asg-web", "instanceIds": "i-a"}),
        ess({"scalingGroupId": "asg-web", "instanceIds": " i-a, "}),
        ess({"scalingGroupId": "asg-web", "instanceId": "i-a"}),
        ess({"instanceIds": ["i-a"]}, subject=ARN),
        ess({"instanceIds": ["i-a"], "resourceArn": ARN.lower()}),
        ess({"instanceIds": ["i-a"], "resourceId": ARN}),
        ess({"instanceIds": ["i-a"], "scalingGroupId": None}, subject=ARN),
    ],
)
def test_ids_are_found_wherever_they_are(event: dict[str, object]) -> None:
    assert [one.terminated for one in deliver(event).intents] == [(ServerRef("i-a", cause=Cause.FINISHED),)]


@pytest.mark.parametrize(
    "event",
    [
        ess({"scalingGroupId": "asg-web"}),
        ess({"scalingGroupId": "asg-web", "instanceIds": []}),
        ess({"scalingGroupId": "asg-web", "instanceIds": ""}),
        ess({"scalingGroupId": "asg-web", "instanceIds": None}),
        ess({}, subject=ARN),
        ess(None, subject=ARN),
        ess({"scalingGroupId": "asg-web", "instanceIds": ["i-a"]}, "ess:ScalingActivity:Unheard"),
        ess({"scalingGroupId": "asg-web", "instanceIds": ["i-a"]}, "ess"),
        ess({"scalingGroupId": "asg-web", "lifecycleHookId": "ash-1"}, "ess:LifecycleHook:Unheard"),
        {"scalingGroupId": "asg-web", "instanceIds": ["i-a"]},
        {"resourceArn": ARN, "content": {"instanceIds": ["i-a"]}},
        {"lifecycleHookId": "ash-1", "scalingGroupId": "asg-web", "instanceIds": ["i-a"]},
    ],
)
def test_nothing_is_taken_from_ids_whose_side_is_not_known(event: dict[str, object]) -> None:
    (intent,) = deliver(event).intents
    assert (intent.target, intent.scope) == ("web", Scope.RECONCILE)
    assert (intent.terminated, intent.launched, intent.hooks) == ((), (), ())


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ess({"instanceIds": ["i-a"]}), "looked for scalingGroupId"),
        (
            ess({"instanceIds": ["i-a"]}, subject="acs:ecs:cn-hangzhou:1:instance/i-a"),
            "looked for scalingGroupId",
        ),
        (ess({"instanceIds": ["i-a"]}, subject=5), "looked for scalingGroupId"),
        (ess({"scalingGroupId": 5}), "scalingGroupId: expected"),
        (ess({"scalingGroupId": "asg web"}), "scalingGroupId: expected"),
        (ess({}, subject=ARN + " x"), "the scaling group's ARN: expected"),
        (ess({"scalingGroupId": "asg-web", "instanceIds": 5}), "instanceIds: expected"),
        (ess({"scalingGroupId": "asg-web", "instanceIds": {"i-a": 1}}), "instanceIds: expected"),
        (ess({"scalingGroupId": "asg-web", "instanceIds": ["i-a", None]}), "instanceIds[1]: expected"),
        (ess({"scalingGroupId": "asg-web", "instanceIds": "[i-a]"}), "instanceIds: not JSON"),
        (ess({"scalingGroupId": "asg-web", "instanceIds": "[" * 100_000}), "instanceIds: not JSON"),
        (ess({"scalingGroupId": "asg-web", "instanceIds": ["i-a"] * 1001}), "instanceIds: more than"),
        (ess(["i-a"]), "data: expected an object"),
        (ess("i-a"), "not JSON"),
        (ess("ia"), "neither JSON"),
        (ess({"content": "{"}, subject=ARN), "not JSON"),
        (ess({"scalingGroupId": "asg-web", "lifecycleTransition": "UP"}), "lifecycleTransition: expected"),
        (ess({"scalingGroupId": "asg-web", "lifecycleTransition": 1}), "lifecycleTransition: expected"),
        (
            ess(
                {"scalingGroupId": "asg-web", "lifecycleTransition": "SCALE_IN"}, "ess:LifecycleHook:ScaleOut"
            ),
            "contradicts",
        ),
        (ess({"scalingGroupId": "asg-web", "lifecycleTransition": "SCALE_IN"}), "contradicts"),
    ],
)
def test_shape_that_is_not_known_is_rejected_with_what_was_looked_for(
    event: dict[str, object], told: str
) -> None:
    found = deliver(event)
    assert [told in one.reason for one in found.rejected] == [True]
    assert (found.intents, found.ignored) == ((), ())


HOOK = {
    "lifecycleHookId": "ash-1",
    "lifecycleActionToken": "token-1",
    "scalingGroupId": "asg-web",
    "lifecycleTransition": "SCALE_OUT",
    "defaultResult": "ABANDON",
    "requestId": "r-1",
    "scalingActivityId": "asa-1",
    "instanceIds": ["i-a"],
}


@pytest.mark.parametrize(
    ("event", "event_id"),
    [
        (ess(HOOK, "ess:LifecycleHook:ScaleOut"), "e-1"),
        ({"userId": "1", "regionId": "cn-hangzhou", "resourceArn": ARN, "content": HOOK}, "r-1"),
        (HOOK, "r-1"),
        (ess({**HOOK, "lifecycleTransition": None}, "ess:LifecycleHook:ScaleOut"), "e-1"),
        (ess(HOOK, "ess:LifecycleHook:Unheard"), "e-1"),
    ],
)
def test_hook_tells_its_direction_by_type_or_transition(event: dict[str, object], event_id: str) -> None:
    assert deliver(event).intents == (
        Intent(
            "web",
            "autoscaling",
            (event_id,),
            Scope.RECONCILE,
            launched=(ServerRef("i-a", cause=Cause.HOOK),),
            hooks=(Hook("ash-1", "token-1", "asa-1", "asg-web", "scale_out", ("i-a",)),),
        ),
    )


def test_scale_in_hook_names_what_leaves() -> None:
    (intent,) = deliver({**HOOK, "lifecycleTransition": "SCALE_IN"}).intents
    assert (intent.terminated, intent.launched) == ((ServerRef("i-a", cause=Cause.HOOK),), ())
    assert intent.hooks[0].transition == "scale_in"


def test_hook_may_have_lost_its_token_and_more() -> None:
    kept = {"lifecycleHookId", "scalingGroupId", "lifecycleTransition"}
    (intent,) = deliver({key: value for key, value in HOOK.items() if key in kept}).intents
    assert intent.hooks == (Hook("ash-1", None, None, "asg-web", "scale_out", ()),)


def test_hook_without_its_id_still_names_its_instances() -> None:
    data = {key: value for key, value in HOOK.items() if key != "lifecycleHookId"}
    (intent,) = deliver(ess(data, "ess:LifecycleHook:ScaleOut")).intents
    assert (intent.launched, intent.hooks) == ((ServerRef("i-a", cause=Cause.HOOK),), ())


@pytest.mark.parametrize("field", ["lifecycleHookId", "lifecycleActionToken", "scalingActivityId"])
def test_hook_with_an_id_that_is_none_is_rejected(field: str) -> None:
    (rejected,) = deliver({**HOOK, field: ["x"]}).rejected
    assert rejected.reason.startswith(f"{field}: expected")


def test_each_target_of_the_scaling_group_has_its_intent() -> None:
    targets = (target("a", "asg-web", "asg-b"), target("b", "asg-b"), target("c", "asg-web"))
    assert [one.target for one in deliver(spellings("ScaleInSuccess")[0], *targets).intents] == ["a", "c"]


def test_target_that_is_off_is_told_beside_the_others() -> None:
    targets = (target("a", "asg-web", mode="off"), target("b", "asg-web", mode="plan"))
    found = deliver(spellings("ScaleInSuccess")[0], *targets)
    assert [one.target for one in found.intents] == ["b"]
    assert [(one.reason, "'a'" in one.detail) for one in found.ignored] == [("target_off", True)]


def test_scaling_group_of_nobody_is_ignored() -> None:
    found = deliver(ess({"scalingGroupId": "asg-other", "instanceIds": 5}))
    assert [one.reason for one in found.ignored] == ["not_our_scaling_group"]
    assert found.rejected == ()


@pytest.mark.parametrize(
    "event",
    [
        ess({"scalingGroupId": "asg-web"}, aliyunregionid="cn-beijing"),
        ess({"scalingGroupId": "asg-web", "regionId": "cn-beijing"}, aliyunregionid="cn-hangzhou"),
        ess({"scalingGroupId": "asg-web", "content": {"regionId": "cn-beijing"}}),
        ess({"scalingGroupId": "asg-web"}, subject=ARN.replace("hangzhou", "beijing")),
        {"regionId": "cn-beijing", "content": HOOK},
        {"resourceArn": ARN.replace("hangzhou", "beijing"), "content": HOOK},
    ],
)
def test_region_that_is_not_ours_is_ignored(event: dict[str, object]) -> None:
    found = deliver(event)
    assert [one.reason for one in found.ignored] == ["not_our_region"]
    assert found.intents == ()


def test_region_that_nobody_says_is_ours() -> None:
    from handler.triggers.reading import read

    event = ess({"scalingGroupId": "asg-web"}, aliyunregionid="cn-beijing")
    assert read(
        event, targets=(WEB,), region="", now=0, secrets=()
    ).intents  # the function does not know its own
    assert deliver(ess({"scalingGroupId": "asg-web"})).intents
