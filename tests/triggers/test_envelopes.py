"""Envelopes are opened, one in another, up to their bounds; a bad record does not lose the others."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.model.values import Cause, ServerRef
from handler.triggers.envelopes import MAX_BYTES, MAX_RECORDS
from handler.triggers.messages import digest
from handler.triggers.reading import Delivery, read
from tests.support.triggers import WEB, deliver

EVENT: dict[str, object] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "acs.ess",
    "type": "ess:ScalingActivity:ScaleInSuccess",
    "data": {"scalingGroupId": "asg-web", "instanceIds": ["i-a"]},
}
TEXT = json.dumps(EVENT)


def b64(value: object) -> str:
    return base64.b64encode((value if isinstance(value, str) else json.dumps(value)).encode()).decode()


def topic(message: object, **attributes: object) -> dict[str, object]:
    return {"TopicName": "t", "MessageId": "m-1", "Message": message, **attributes}


def queue(message: object) -> dict[str, object]:
    data = {"requestId": "r", "messageId": "q-1", "messageBody": message}
    return {
        "specversion": "1.0",
        "id": "q-0",
        "source": "MNS-q",
        "type": "mns:Queue:SendMessage",
        "data": data,
    }


def failed(
    payload: object, condition: object = "UnhandledInvocationError", error: object = "x"
) -> dict[str, object]:
    context = {"requestId": "f-1", "condition": condition, "functionArn": "acs:fc:::services/s/functions/f"}
    return {"requestContext": context, "requestPayload": payload, "responseContext": {"functionError": error}}


def names(found: Delivery) -> list[str]:
    return [one.server_id for intent in found.intents for one in intent.terminated]


@pytest.mark.parametrize(
    "event",
    [
        TEXT.encode(),
        TEXT,
        "\ufeff" + TEXT,
        b"\xef\xbb\xbf " + TEXT.encode() + b"\n",
        b64(EVENT).encode(),
        b64(b64(EVENT)),
        "\n".join(b64(EVENT)[at : at + 76] for at in range(0, len(b64(EVENT)), 76)),
        json.dumps(TEXT),
        [EVENT],
        [TEXT],
        [b64(EVENT)],
        [[EVENT]],
        topic(TEXT),
        topic(b64(EVENT)),
        topic(EVENT),
        topic(TEXT, key="value"),
        topic(TEXT, specversion="1.0", type="ess:x", data="y"),
        {"Message": TEXT, "TopicName": "t"},
        {"body": TEXT, "attrs": {}},
        {"body": b64(EVENT), "attrs": {"Extend": "{}"}},
        {"body": EVENT, "attrs": {}},
        queue(TEXT),
        queue(b64(EVENT)),
        queue(EVENT),
        queue(TEXT)["data"],
        failed(TEXT),
        failed(b64(EVENT)),
        failed(EVENT),
        failed(TEXT, "EventAgeExceeded", None),
        failed(TEXT, "", "UnhandledInvocationError"),
        [queue(b64(failed(json.dumps(topic(b64(EVENT))))))],
    ],
)
def test_message_is_found_in_every_envelope(event: object) -> None:
    found = deliver(event)
    assert names(found) == ["i-a"]
    assert (found.rejected, found.ignored, found.event_ids) == ((), (), ("e-1",))


def test_direct_values_are_read_as_their_bytes() -> None:
    for event in (EVENT, [EVENT]):
        assert names(read(event, targets=(WEB,), region="", now=0, secrets=())) == ["i-a"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "ids"),
    [
        (EVENT, ("e-1",)),
        ({**EVENT, "id": "x" * 129}, ()),
        ({**EVENT, "id": "a b"}, ()),
        ({**EVENT, "id": 5}, ()),
        (topic({**EVENT, "id": None}), ("m-1",)),
        (queue({**EVENT, "id": None}), ("q-0",)),
        (queue({**EVENT, "id": None})["data"], ("q-1",)),
        (failed({**EVENT, "id": None}), ("f-1",)),
        ([EVENT, EVENT, {**EVENT, "id": "e-2"}], ("e-1", "e-2")),
    ],
)
def test_event_id_is_the_innermost(event: object, ids: tuple[str, ...]) -> None:
    assert deliver(event).event_ids == ids


def nested(levels: int) -> object:
    event: object = EVENT
    for _ in range(levels):
        event = failed(json.dumps(event))
    return event


def test_four_envelopes_are_opened_and_five_are_not() -> None:
    assert names(deliver(nested(4))) == ["i-a"]
    found = deliver(nested(5))
    assert ["4 envelopes" in one.reason for one in found.rejected] == [True]
    assert found.intents == ()


def test_own_success_never_comes_round_again() -> None:
    for event in (failed(TEXT, "Success", ""), failed(TEXT, "Success", "x"), failed(TEXT, "", None)):
        found = deliver(event)
        assert [(one.reason, one.event_ids) for one in found.ignored] == [
            ("own_destination_payload", ("f-1",))
        ]
        assert found.intents == ()
    event = failed(TEXT, None)
    event["responseContext"] = None
    event["requestContext"] = {"condition": None}
    assert [one.event_ids for one in deliver(event).ignored] == [()]


def test_bad_record_does_not_lose_the_others() -> None:
    bad = [None, 5, "text", "{", {}, {"unknown": 1}, [], True, 1.5, topic("hello"), topic("[" * 50_000)]
    found = deliver([EVENT, *bad, {**EVENT, "id": "e-2"}])
    assert names(found) == ["i-a", "i-a"]
    assert len(found.rejected) == len(bad) - 1
    assert [one.reason for one in found.ignored] == ["no_records"]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"hello topic", "neither JSON"),
        (b"hello", "neither JSON"),
        (b"{", "not JSON"),
        (b'{"a": tru', "not JSON"),
        (TEXT[:50].encode(), "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "a number"),
        (b'"\xff"', "neither JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b64(b64(b64("x!"))).encode(), "neither JSON"),
        (b"42", "neither JSON"),
        (b"-4.2", "expected a JSON object"),
        (b"{}", "looked for requestContext.http"),
        (b'{"requestContext": {}}', "looked for requestContext.http"),
        (b'{"requestContext": {"condition": "x"}}', "looked for"),
        (b'{"specversion": "1.0", "type": 5}', "looked for"),
        (b'{"triggerTime": "now"}', "looked for"),
        (b'{"Message": "{}"}', "looked for"),
        (b'{"body": "{}", "attrs": 5}', "looked for"),
        (b'{"target": "web", "pairs": [["i-old1", "i-new1"]]}', "looked for"),
        (b'{"product": "ESS", "content": {}}', "looked for"),
    ],
)
def test_what_is_not_known_is_rejected_with_what_was_looked_for(event: bytes, told: str) -> None:
    found = deliver(event)
    (rejected,) = found.rejected
    assert told in rejected.reason
    assert rejected.digest == hashlib.sha256(event).hexdigest()[:16]
    assert (found.intents, found.ignored, found.trigger, found.http) == ((), (), None, False)


def test_digest_is_of_the_record_and_not_of_the_batch() -> None:
    (rejected,) = deliver([EVENT, "no message!"]).rejected
    assert rejected.digest == hashlib.sha256(b"no message!").hexdigest()[:16]


def test_digest_is_had_of_anything() -> None:
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    assert {len(digest(one)) for one in (b"x", "x", "\ud800", {"a": "\ud800"}, {1}, deep)} == {16}


@pytest.mark.parametrize(
    "event",
    [
        {"specversion": "1.0", "id": "e-1", "type": "aliyuncvc:MeetingEvent:MemberOperate", "data": {}},
        {"specversion": "1.0", "id": "e-1", "type": "alikafka:Topic:Message", "data": "text"},
        {"specversion": "1.0", "id": "e-1", "type": "x"},
        {"id": "e-1", "product": "RDS", "name": "Instance_Failover", "content": {"instanceId": "rm-1"}},
    ],
)
def test_event_of_another_product_is_ignored(event: dict[str, object]) -> None:
    found = deliver(event)
    assert [(one.reason, one.event_ids) for one in found.ignored] == [("not_our_event", ("e-1",))]
    assert (found.intents, found.rejected, found.trigger) == ((), (), None)


def test_text_of_a_reason_is_escaped_and_short() -> None:
    kind = "x\n\u2028" + "y" * 1000
    (ignored,) = deliver({"specversion": "1.0", "type": kind, "data": {}}).ignored
    assert ignored.detail.isascii()
    assert ignored.detail.isprintable()
    assert len(ignored.detail) < 120


def test_only_so_many_records_are_read() -> None:
    found = deliver([EVENT] * (MAX_RECORDS + 5))
    assert len(found.intents) == MAX_RECORDS - 1  # the list is a record too
    assert ["records" in one.reason for one in found.rejected] == [True]
    assert len(deliver([[0] * MAX_RECORDS, [0] * MAX_RECORDS]).rejected) <= MAX_RECORDS


def test_first_record_gives_the_trigger() -> None:
    timer = {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "t"}
    assert deliver([{"specversion": "1.0", "type": "x"}, EVENT, timer]).trigger == "autoscaling"
    assert deliver([timer, EVENT]).trigger == "timer"
    state = {"resourceType": "ALIYUN::ECS::Instance", "state": "Deleted", "resourceId": "i-a"}
    assert deliver([timer, state]).trigger == "timer"
    assert deliver([timer, {"requestContext": {"http": {}}}]).trigger == "timer"


HOSTILE = [
    b"A" + b" " * (MAX_BYTES - 2) + b"!",
    b"A" * MAX_BYTES,
    b"1" * MAX_BYTES,
    b"[" + b"0," * (MAX_BYTES // 2 - 2) + b"0]",
    b"[" + b"{}," * (MAX_BYTES // 3 - 2) + b"{}]",
    b'"' + b"\\u0041" * (MAX_BYTES // 6 - 1) + b'"',
    json.dumps({**EVENT, "type": "ess:" + "[]:" * 1_000_000}).encode(),
    json.dumps({**EVENT, "data": {"scalingGroupId": "asg-web", "instanceIds": "," * 3_000_000}}).encode(),
    json.dumps({**EVENT, "data": {"resourceArn": "acs:ess:" + ":" * 3_000_000}}).encode(),
    json.dumps({**EVENT, "data": {}, "subject": "acs:" + "a" * 3_000_000}).encode(),
    b"[" + b",".join([TEXT.encode()] * (MAX_BYTES // (len(TEXT) + 2))) + b"]",
]


@pytest.mark.parametrize("event", HOSTILE, ids=range(len(HOSTILE)))
def test_largest_deliveries_take_no_quadratic_time(event: bytes) -> None:
    assert len(event) <= MAX_BYTES
    started = time.process_time()
    found = deliver(event)
    assert time.process_time() - started < 5  # a tenth of a second or so, but for coverage and slow machines
    assert found.intents or found.rejected or found.ignored


def test_terminated_of_one_batch_stay_apart_in_order() -> None:
    other = {**EVENT, "data": {"scalingGroupId": "asg-web", "instanceIds": ["i-b"]}}
    found = deliver([EVENT, other])
    assert [one.terminated for one in found.intents] == [
        (ServerRef("i-a", cause=Cause.FINISHED),),
        (ServerRef("i-b", cause=Cause.FINISHED),),
    ]


def test_events_and_timers_start_without_the_models_of_a_request() -> None:
    code = "import sys, handler.triggers.reading; sys.exit('handler.triggers.deployment' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_event_without_specversion_is_known_by_source_and_data() -> None:
    event = {key: value for key, value in EVENT.items() if key != "specversion"}
    assert [one.terminated[0].server_id for one in deliver(event).intents] == ["i-a"]


def test_timer_without_a_name_is_known_by_its_payload() -> None:
    found = deliver({"triggerTime": "2026-01-01T00:00:00Z", "payload": ""})
    assert found.trigger == "timer"


def in_base64(event: dict[str, object], **more: object) -> dict[str, object]:
    """A CloudEvent whose data is in base64."""
    left = {name: value for name, value in event.items() if name != "data"}
    return {**left, "data_base64": b64(event["data"]), **more}


@pytest.mark.parametrize(
    "event",
    [
        EVENT,
        {**EVENT, "data": {"content": EVENT["data"]}},
        {**EVENT, "data": json.dumps(EVENT["data"])},
        {
            **EVENT,
            "type": "ess:LifecycleHook:ScaleIn",
            "data": {"scalingGroupId": "asg-web", "lifecycleHookId": "ash-1"},
        },
        {**EVENT, "type": "mns:Queue:SendMessage", "data": {"messageBody": json.dumps(EVENT)}},
    ],
)
def test_data_in_base64_is_data(event: dict[str, object]) -> None:
    found = deliver(in_base64(event))
    assert found == deliver(event)
    assert (len(found.intents), found.rejected) == (1, ())


def test_event_without_specversion_is_known_by_its_data_in_base64() -> None:
    event = in_base64(EVENT)
    del event["specversion"]
    assert deliver(event) == deliver(EVENT)


@given(st.dictionaries(st.text(), st.text() | st.integers(-9, 9) | st.lists(st.text())), st.booleans())
def test_any_data_in_base64_is_read_as_data(data: dict[str, object], folded: bool) -> None:
    event = {**EVENT, "data": {"scalingGroupId": "asg-web", **data}}
    sent = in_base64(event)
    if folded:
        text = str(sent["data_base64"])
        sent["data_base64"] = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    read, plain = deliver(sent), deliver(event)
    assert (read.intents, [one.reason for one in read.rejected]) == (
        plain.intents,
        [one.reason for one in plain.rejected],
    )


@pytest.mark.parametrize(
    "kind", ["ess:ScalingActivity:ScaleInSuccess", "ecs:Instance:StateChange", "mns:Queue:x"]
)
@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        ("!", "expected base64 of JSON in UTF-8"),
        ("", "expected base64 of JSON in UTF-8"),
        (5, "expected base64 of JSON in UTF-8"),
        ({"scalingGroupId": "asg-web"}, "expected base64 of JSON in UTF-8"),
        ("/w==", "expected base64 of JSON in UTF-8"),
        ("eyJh", "not JSON: "),
    ],
)
def test_data_in_base64_that_cannot_be_read_is_rejected_with_its_path(
    kind: str, encoded: object, said: str
) -> None:
    event = {"specversion": "1.0", "source": "acs.x", "type": kind, "data_base64": encoded}
    (rejected,) = deliver(event).rejected
    assert rejected.reason.startswith(f"data_base64: {said}")


def test_data_in_base64_that_is_no_object_is_rejected_with_its_path() -> None:
    for value in ([], 5):
        (rejected,) = deliver(in_base64({**EVENT, "data": value})).rejected
        assert rejected.reason == "data_base64: expected an object"


def test_data_twice_is_rejected_and_null_is_none() -> None:
    (rejected,) = deliver({**EVENT, "data_base64": b64({})}).rejected
    assert rejected.reason == "data_base64: expected one of data and data_base64, got both"
    assert deliver({**EVENT, "data_base64": None}) == deliver(EVENT)
    assert deliver(in_base64(EVENT, data=None)) == deliver(EVENT)


def test_foreign_event_is_ignored_whatever_its_data_is() -> None:
    for data in (
        {"data_base64": "!"},
        {"data_base64": "", "data": 5},
        {"data": {"content": "{"}},
        {"data": "{"},
    ):
        found = deliver({"specversion": "1.0", "source": "acs.oss", "type": "oss:Object:Created", **data})
        assert ([one.reason for one in found.ignored], found.rejected) == (["not_our_event"], ())
    found = deliver({"product": "OSS", "name": "x", "content": "{"})
    assert [one.reason for one in found.ignored] == ["not_our_event"]


def test_content_that_is_no_json_is_rejected_with_its_path() -> None:
    for event, path in (
        ({**EVENT, "data": {"content": "{"}}, "data: content"),
        ({"product": "ESS", "name": "AUTOSCALING:SCALE_IN_SUCCESS", "content": "{"}, "content"),
        ({"scalingGroupId": "asg-web", "content": "{"}, "content"),
        ({**EVENT, "data": "{"}, "data"),
    ):
        (rejected,) = deliver(event).rejected
        assert rejected.reason.startswith(f"{path}: not JSON: ")
