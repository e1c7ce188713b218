"""Queued invocations, topics and timers: retried without waiting, and kept in a queue when they failed."""

import json

import pytest

from localcloud.http import Headers, Request
from tests.support.local_functions import drain, get, post, running


@pytest.fixture
def functions():
    with running() as found:
        yield found


def finished(functions):
    drain(functions)
    told = get(functions, "/_local/async")
    assert told["pending"] == []
    return [(one["function"], one["outcome"], one["attempts"]) for one in told["finished"]]


def test_a_message_of_the_topic_reaches_the_function_as_it_is(functions):
    assert post(functions, "/_local/topics/scaling-events", b'{"do": "print"}').status == 202
    assert finished(functions) == [("swap", "succeeded", 1)]
    assert "said on stdout" in get(functions, "/_local/logs", "function=swap")


def test_a_message_that_fails_is_retried_and_then_kept(functions):
    post(functions, "/_local/topics/scaling-events", b'{"do": "raise"}')
    assert finished(functions) == [("swap", "failed", 3)]
    (message,) = get(functions, "/_local/queues")["failed"]
    context = message["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("UnhandledInvocationError", 3)
    assert context["functionArn"] == "acs:fc:::services/slb-swap.LATEST/functions/swap"
    assert message["requestPayload"] == '{"do": "raise"}'
    assert json.loads(message["responsePayload"])["errorMessage"] == "something is wrong"
    assert message["responseContext"] == {"statusCode": 200, "functionError": "UnhandledInvocationError"}


def test_the_function_is_told_which_retry_it_is(functions):
    post(functions, "/_local/topics/scaling-events", b'{"do": "raise_unless_retried"}')
    assert finished(functions) == [("swap", "succeeded", 3)]
    assert get(functions, "/_local/queues") == {}


def test_a_process_that_dies_is_retried_in_a_new_one(functions):
    post(functions, "/_local/topics/scaling-events", b'{"do": "exit"}')
    assert finished(functions) == [("swap", "failed", 3)]


def test_a_message_with_attributes_is_wrapped(functions):
    post(functions, "/_local/topics/scaling", b"text", {"X-Mns-Attribute-Key": "value"})
    post(functions, "/_local/topics/scaling", b'{"do": "raise"}')
    finished(functions)
    (failed,) = get(functions, "/_local/queues")["failed"]
    assert failed["requestPayload"] == '{"do": "raise"}'


def test_a_trigger_of_format_json_tells_of_the_message_too():
    with running(
        params={"Format": "JSON"}, env={"FAIL_TO_INITIALIZE": "1"}, clock=lambda: 1_550_216_480.04
    ) as found:
        post(found, "/_local/topics/scaling-events", b"hello topic", {"X-Mns-Attribute-Key": "value"})
        drain(found)
        (failed,) = get(found, "/_local/queues")["failed"]
    message = json.loads(failed["requestPayload"])
    assert message.pop("MessageId")
    assert message == {
        "TopicOwner": "1234",
        "Message": "hello topic",
        "Subscriber": "1234",
        "PublishTime": 1550216480040,
        "SubscriptionName": "fc-scaling-events",
        "MessageMD5": "D6206122A430035E4EC1463CDD704B59",
        "TopicName": "scaling-events",
        "key": "value",
    }


@pytest.mark.parametrize(
    ("body", "payload"), [(b"", "from the template"), (b'{"targets": []}', '{"targets": []}')]
)
def test_a_timer_fires_with_its_payload_as_text(body, payload):
    with running(env={"FAIL_TO_INITIALIZE": "1"}, clock=lambda: 1_703_573_340) as found:
        post(found, "/_local/timers/tick", body)
        drain(found)
        (failed,) = get(found, "/_local/queues")["failed"]
    assert json.loads(failed["requestPayload"]) == {
        "triggerTime": "2023-12-26T06:49:00Z",
        "triggerName": "tick",
        "payload": payload,
    }


def test_a_destination_that_the_role_may_not_send_to_gets_nothing(tmp_path):
    from tests.support.local_functions import SAMPLE

    text = (
        SAMPLE.read_text()
        .replace("mns:SendMessage", "mns:Other")
        .replace("./code", str(SAMPLE.parent / "code"))
    )
    (tmp_path / "template.yml").write_text(text)
    with running(template_path=tmp_path / "template.yml") as found:
        post(found, "/_local/topics/scaling-events", b'{"do": "raise"}')
        drain(found)
        assert get(found, "/_local/queues") == {}
        assert any(
            "not authorized to do mns:SendMessage" in line for line in get(found, "/_local/logs")["swap"]
        )


def test_what_is_too_old_is_not_run_but_kept():
    now = [0.0]

    def clock():
        now[0] += 50_000
        return now[0]

    with running(clock=clock) as found:
        post(found, "/_local/topics/scaling-events", b'{"do": "raise"}')
        drain(found)
        told = get(found, "/_local/async")["finished"]
    assert [(one["outcome"], one["attempts"]) for one in told] == [("expired", 1)]


@pytest.mark.parametrize("path", ["/_local/topics/none", "/_local/timers/none", "/_local/deliver/none"])
def test_a_name_that_the_template_does_not_have_is_not_found(functions, path):
    assert post(functions, path, b"").status == 404


@pytest.mark.parametrize(
    "path", ["deliver/swap", "topics/scaling-events", "timers/tick", "events", "async/drain"]
)
def test_a_get_never_runs_anything(functions, path):
    for method in ("GET", "HEAD", "PUT"):
        answer = functions.handle(Request(method, f"/_local/{path}", "", Headers({}), b'{"do": "print"}'))
        assert (answer.status, json.loads(answer.body)) == (405, {"error": f"/_local/{path}: only POST"})
    assert get(functions, "/_local/async") == {"pending": [], "finished": []}
    assert not any(
        "said on stdout" in line for lines in get(functions, "/_local/logs").values() for line in lines
    )
