"""What ECS says of single instances concerns every target; what may come back is only reported."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handler.core.model.values import Cause, Intent, Scope, ServerRef
from tests.support.triggers import deliver, target

ARN = "acs:ecs:cn-hangzhou:1234:instance/i-a"


def eventbridge(name: str, data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "e-1", "source": "acs.ecs", "type": f"ecs:{name}", "data": data}


def nested(name: str, data: object) -> dict[str, object]:
    return eventbridge(name, {"content": data})


def cloudmonitor(name: str, data: object) -> dict[str, object]:
    return {
        "id": "e-1",
        "product": "ECS",
        "name": name,
        "resourceId": ARN,
        "regionId": "cn-hangzhou",
        "content": data,
    }


FORMS = [eventbridge, nested, cloudmonitor]
Form = Callable[[str, object], dict[str, object]]


def state(word: object, **more: object) -> dict[str, object]:
    return {"resourceId": "i-a", "resourceType": "ALIYUN::ECS::Instance", "state": word, **more}


def intents(cause: Cause, *names: str, event_ids: tuple[str, ...] = ("e-1",)) -> tuple[Intent, ...]:
    return tuple(
        Intent(name, "autoscaling", event_ids, Scope.RECONCILE, terminated=(ServerRef("i-a", cause=cause),))
        for name in names
    )


@pytest.mark.parametrize("form", FORMS)
def test_deleted_instance_is_gone_for_every_target(form: Form) -> None:
    found = deliver(
        form("Instance:StateChange", state("Deleted")), target("a"), target("b", mode="off"), target("c")
    )
    assert found.intents == intents(Cause.DELETED, "a", "c")
    assert [one.reason for one in found.ignored] == ["target_off"]
    assert found.trigger == "autoscaling"


def test_change_of_state_is_known_without_its_envelope() -> None:
    assert deliver(state("Deleted")).intents == intents(Cause.DELETED, "web", event_ids=())
    assert deliver({"content": state("deleted", resourceId=ARN)}).intents == intents(
        Cause.DELETED, "web", event_ids=()
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("Created", "ecs_state_created"),
        ("Pending", "ecs_state_pending"),
        ("Starting", "ecs_state_starting"),
        ("Running", "ecs_state_running"),
        ("Stopping", "ecs_stopped_reported"),
        ("Stopped", "ecs_stopped_reported"),
    ],
)
def test_other_states_take_nothing_out(form: Form, word: str, reason: str) -> None:
    found = deliver(form("Instance:StateChange", state(word)))
    assert [(one.reason, "'i-a'" in one.detail) for one in found.ignored] == [(reason, True)]
    assert (found.intents, found.rejected) == ((), ())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("word", ["Dreaming", "", None, 5, ["Deleted"]])
def test_state_that_is_not_known_is_rejected(form: Form, word: object) -> None:
    (rejected,) = deliver(form("Instance:StateChange", state(word))).rejected
    assert rejected.reason.startswith("state: expected Created")


def test_state_of_something_else_is_ignored() -> None:
    for kind in ("ALIYUN::ECS::Disk", ["ALIYUN::ECS::Instance"]):
        found = deliver(eventbridge("Instance:StateChange", state("Deleted", resourceType=kind)))
        assert [one.reason for one in found.ignored] == ["not_an_instance"]


def test_state_without_a_type_is_an_instances() -> None:
    data = {"resourceId": "i-a", "state": "Deleted"}
    assert deliver(eventbridge("Instance:StateChange", data)).intents == intents(Cause.DELETED, "web")


@pytest.mark.parametrize("form", FORMS)
def test_interruption_is_for_every_target(form: Form) -> None:
    event = form("Instance:PreemptibleInstanceInterruption", {"instanceId": "i-a", "action": "delete"})
    assert deliver(event, target("a"), target("b")).intents == intents(Cause.INTERRUPTED, "a", "b")


def test_interruption_finds_its_instance_in_the_arn() -> None:
    event = cloudmonitor("Instance:PreemptibleInstanceInterruption", {"action": "delete"})
    assert deliver(event).intents == intents(Cause.INTERRUPTED, "web")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "name",
    [
        "Instance:SystemMaintenance.Reboot:Scheduled",
        "Instance:SystemFailure.Reboot:Executing",
        "Instance:SystemFailure.Redeploy:Executed",
        "Instance:SystemFailure.Delete:Scheduled",
        "Instance:InstanceFailure.Reboot:Executed",
    ],
)
def test_system_event_is_reported(form: Form, name: str) -> None:
    found = deliver(form(name, {"eventId": "e-9", "instanceId": "i-a"}))
    assert [(one.reason, one.event_ids) for one in found.ignored] == [("ecs_system_event_reported", ("e-1",))]
    assert found.intents == ()


@pytest.mark.parametrize(
    "data",
    [{}, {"instanceId": ["i-a"]}, {"resourceId": "acs:ecs:cn-hangzhou:1:disk/d-1"}, {"instanceId": "a b"}],
)
@pytest.mark.parametrize("form", FORMS)
def test_what_brings_and_takes_no_instance_is_ignored_though_it_names_none(form: Form, data: object) -> None:
    event = form("Instance:SystemMaintenance.Reboot:Scheduled", data)
    del event["id"]
    event.pop("resourceId", None)
    found = deliver(event)
    assert ([one.reason for one in found.ignored], found.rejected) == (["ecs_system_event_reported"], ())
    for word, reason in (("Running", "ecs_state_running"), ("Stopped", "ecs_stopped_reported")):
        event = form("Instance:StateChange", {**data, "state": word})  # type: ignore[dict-item]
        event.pop("resourceId", None)
        found = deliver(event)
        assert ([one.reason for one in found.ignored], found.rejected) == ([reason], ())
        assert found.ignored[0].detail.startswith("no instance is ")


def test_system_event_whose_data_cannot_be_read_is_ignored() -> None:
    for data in ({"data": 5}, {"data_base64": "!"}, {"data": {"content": "{"}}):
        kind = "ecs:Instance:SystemFailure.Reboot:Executed"
        found = deliver({"specversion": "1.0", "source": "acs.ecs", "type": kind, **data})
        assert [one.reason for one in found.ignored] == ["ecs_system_event_reported"]


def test_other_events_of_ecs_are_ignored() -> None:
    found = deliver(eventbridge("Snapshot:CreateSnapshotCompleted", {}))
    assert [one.reason for one in found.ignored] == ["ecs_event_not_used"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "looked for instanceId and resourceId"),
        ({"instanceId": None}, "looked for instanceId and resourceId"),
        ({"instanceId": 5}, "instanceId: expected"),
        ({"instanceId": "i a"}, "instanceId: expected"),
        ({"resourceId": "acs:ecs:cn-hangzhou:1234:disk/d-a"}, "resourceId: expected"),
        ({"resourceId": "acs:ecs:cn-hangzhou:1234:instance/"}, "resourceId: expected"),
        (["i-a"], "data: expected"),
    ],
)
def test_instance_that_is_not_found_is_rejected(data: object, told: str) -> None:
    (rejected,) = deliver(eventbridge("Instance:PreemptibleInstanceInterruption", data)).rejected
    assert told in rejected.reason


def test_interruption_without_its_envelope_is_not_guessed_at() -> None:
    found = deliver({"instanceId": "i-a", "action": "delete"})
    assert (len(found.rejected), found.intents, found.trigger) == (1, (), None)


@pytest.mark.parametrize(
    "event",
    [
        {**cloudmonitor("Instance:StateChange", state("Deleted")), "regionId": "cn-beijing"},
        {**eventbridge("Instance:StateChange", state("Deleted")), "aliyunregionid": "cn-beijing"},
        eventbridge("Instance:StateChange", state("Deleted", resourceId=ARN.replace("hangzhou", "beijing"))),
    ],
)
def test_instance_of_another_region_is_ignored(event: dict[str, object]) -> None:
    assert [one.reason for one in deliver(event).ignored] == ["not_our_region"]
