"""Function Compute 3.0: invocations by its API, HTTP triggers, EventBridge, and what no document says."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from pathlib import Path

import pytest

from localcloud.http import Headers, Request
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.signatures import acs3_string
from tests.support.local_functions import await_start, deliver, drain, get, let_go_on, pipes_in, running

TEMPLATE = Path(__file__).parent / "sample_function" / "code" / "template.yml"
PATH = "/2023-03-30/functions/{}/invocations"


class Cloud:
    """The functions, and a key that may do everything."""

    def __init__(self, functions, owner, readings):
        self.functions, self.owner, self.readings = functions, owner, readings

    def invoke(self, body=b"x", name="sample-swap", query="", identity=None, secret=None, **headers):
        who = identity or self.owner
        fields = {
            "host": "127.0.0.1",
            "x-acs-action": "InvokeFunction",
            "x-acs-version": "2023-03-30",
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "x-acs-signature-nonce": secrets.token_hex(8),
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            **({"x-acs-security-token": who.security_token} if who.security_token else {}),
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        request = Request("POST", PATH.format(name), query, Headers(fields), body)
        pairs = [tuple(part.split("=")) for part in query.split("&") if part]
        text = acs3_string(request, pairs, sorted(fields))
        key = (secret or who.access_key_secret).encode()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        fields["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={who.access_key_id},"
            f"SignedHeaders={';'.join(sorted(key for key in fields))},Signature={signature}"
        )
        return self.functions.handle(Request("POST", PATH.format(name), query, Headers(fields), body))

    def trigger(self, body=b"", method="POST", path="/", query="", name="sample-hook", **headers):
        fields = Headers({key.replace("_", "-"): value for key, value in headers.items()})
        return self.functions.handle(Request(method, f"/fcapp.run/{name}{path}", query, fields, body))

    def publish(self, event):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.functions.handle(Request("POST", "/_local/events", body=body))


@pytest.fixture
def cloud(request):
    identities, readings = Registry(), {}
    owner = identities.add(new_identity("owner"))
    params = getattr(request, "param", {})
    with running(
        template_path=TEMPLATE, identities=identities, readings=lambda: readings, params=params
    ) as functions:
        yield Cloud(functions, owner, readings)


def refused(response):
    told = json.loads(response.body)
    assert told["RequestId"] == response.headers["X-Fc-Request-Id"]
    return response.status, told["Code"]


def reports(cloud):
    drain(cloud.functions)
    finished = get(cloud.functions, "/_local/async")["finished"]
    return [(one["function"], one["outcome"], one["attempts"]) for one in finished]


def test_an_invocation_returns_what_the_function_did(cloud):
    response = cloud.invoke(b"hello")
    assert (response.status, response.body) == (200, b"hello")
    assert response.headers["X-Fc-Request-Id"]
    assert cloud.invoke(query="qualifier=LATEST").status == 200
    assert base64.b64decode(cloud.invoke(x_fc_log_type="Tail").headers["X-Fc-Log-Result"])


def test_a_function_error_is_a_200_with_its_type(cloud):
    response = cloud.invoke(b'{"do": "raise"}')
    assert (response.status, response.headers["X-Fc-Error-Type"]) == (200, "UnhandledInvocationError")
    assert json.loads(response.body)["errorType"] == "ValueError"


def test_what_is_wrong_is_refused_by_its_code(cloud):
    stranger = new_identity("stranger")
    assert refused(cloud.invoke(name="nothing")) == (404, "FunctionNotFound")
    assert refused(cloud.invoke(query="qualifier=prod")) == (404, "AliasNotFound")
    assert refused(cloud.invoke(identity=stranger)) == (403, "InvalidAccessKeyID")
    assert refused(cloud.invoke(secret="wrong")) == (403, "SignatureNotMatch")
    assert refused(cloud.invoke(x_fc_invocation_type="Later")) == (400, "InvalidArgument")
    unsigned = cloud.functions.handle(Request("POST", PATH.format("sample-swap")))
    assert refused(unsigned) == (400, "MissingRequiredHeader")
    large = b"x" * (128 * 1024 + 1)
    assert refused(cloud.invoke(large, x_fc_invocation_type="Async")) == (400, "EntityTooLarge")
    assert cloud.invoke(large).status == 200


def test_an_id_is_used_once_where_ids_are_checked(cloud):
    asynchronous = {"x_fc_invocation_type": "Async", "x_fc_async_task_id": "once"}
    assert cloud.invoke(**asynchronous).status == 202
    assert cloud.invoke(**asynchronous).status == 409
    cloud.readings["fc3_task_ids"] = "ignored"
    assert cloud.invoke(**asynchronous).status == 202
    assert reports(cloud) == [("sample-swap", "succeeded", 1)] * 2


def test_what_fails_is_retried_and_then_kept(cloud):
    cloud.invoke(b'{"do": "raise"}', x_fc_invocation_type="Async")
    assert reports(cloud) == [("sample-swap", "failed", 3)]
    (message,) = get(cloud.functions, "/_local/queues")["failed"]
    assert message["requestContext"]["functionArn"] == "acs:fc:::functions/sample-swap"
    assert message["requestPayload"] == '{"do": "raise"}'


def test_above_the_reserved_concurrency_it_is_429(cloud, tmp_path):
    pipes = pipes_in(tmp_path)
    body = {"do": "wait_for_file", **pipes}
    first = threading.Thread(target=lambda: deliver(cloud.functions, body, "sample-swap"))
    first.start()
    await_start(pipes)
    assert refused(cloud.invoke()) == (429, "ResourceExhausted")
    let_go_on(pipes, "on")
    first.join(30)
    assert cloud.invoke().status == 200


def test_a_role_is_denied_what_it_was_not_given_under_each_reading(cloud):
    policy = cloud.functions._fleet.newer("sample-swap").policy
    own = cloud.functions._place.identities.add(new_identity("own", policy=policy, temporary=True))
    assert cloud.invoke(identity=own).status == 200
    assert refused(cloud.invoke(name="sample-hook", identity=own)) == (403, "AccessDenied")
    cloud.readings["fc3_invoke_resource"] = "name_and_rest"
    assert refused(cloud.invoke(identity=own)) == (403, "AccessDenied")


def test_an_http_trigger_hands_over_the_whole_request(cloud):
    response = cloud.trigger(b"body", path="/a%20b", query="q=1&q=2", x_own="A,B", user_agent="me")
    told = json.loads(response.body)
    assert (response.status, response.headers["Retry-After"]) == (201, "7")
    assert (told["version"], told["rawPath"], told["queryParameters"]) == ("v1", "/a b", {"q": "1,2"})
    assert (base64.b64decode(told["body"]), told["isBase64Encoded"]) == (b"body", True)
    assert told["headers"]["X-Own"] == "A,B"
    http = told["requestContext"]["http"]
    assert (http["method"], http["path"], http["userAgent"]) == ("POST", "/a b", "me")
    assert told["requestContext"]["accountId"] == "1234"


def test_a_body_may_be_text_too(cloud):
    cloud.readings["fc3_body"] = "text"
    told = json.loads(cloud.trigger(b"body").body)
    assert (told["body"], told["isBase64Encoded"]) == ("body", False)
    assert json.loads(cloud.trigger(b"\xff").body)["isBase64Encoded"]


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ({"statusCode": 204, "body": ""}, 204, b""),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, b"hi"),
        ({"statusCode": "x", "body": ""}, 502, b""),
        ({"body": "x"}, 502, b""),
        ({"statusCode": 200, "body": 7}, 502, b""),
        ([], 502, b""),
    ],
)
def test_an_answer_is_the_envelope_that_the_function_gives(cloud, answer, status, body):
    response = cloud.trigger(b"answer:" + json.dumps(answer).encode())
    assert (response.status, response.body) == (status, body)


def test_a_trigger_refuses_what_it_does_not_allow(cloud):
    assert cloud.trigger(b"raise").status == 502
    assert refused(cloud.trigger(method="PUT")) == (403, "AccessDenied")
    assert refused(cloud.trigger(name="sample-swap")) == (404, "TriggerNotFound")
    assert refused(cloud.trigger(name="nothing")) == (404, "FunctionNotFound")


@pytest.mark.parametrize("reading", ["shown", "hidden"])
def test_anybody_may_have_a_trigger_answer_at_once(cloud, reading):
    cloud.readings["fc3_async_header"] = reading
    assert cloud.trigger(b"raise", x_fc_invocation_type="Async").status == 202
    assert reports(cloud) == [("sample-hook", "failed", 4)]
    large = b"x" * 128 * 1024
    assert refused(cloud.trigger(large, x_fc_invocation_type="Async")) == (400, "EntityTooLarge")
    told = cloud.functions.trigger(Request("POST", "/", headers=Headers()), "r", "sample-hook", "/")
    assert told.status == 201


def event(do, source="acs.ess"):
    return {"id": "1", "type": "t", "source": source, "specversion": "1.0", "data": {"do": do}, "do": do}


def test_eventbridge_delivers_what_the_rule_asks_for(cloud):
    assert json.loads(cloud.publish(event("echo")).body) == {"sent": 1}
    for other in (event("echo", "acs.ecs"), event("exit"), {"source": "acs.ess"}):
        assert json.loads(cloud.publish(other).body) == {"sent": 0}
    assert cloud.publish(b"no").status == 400
    assert reports(cloud) == [("sample-swap", "succeeded", 1)]


@pytest.mark.parametrize(
    ("cloud", "reading", "waits"),
    [
        ({}, "asynchronous", False),
        ({}, "synchronous", True),
        ({"Flag": "false"}, "asynchronous", True),
        ({"Flag": "false"}, "synchronous", False),
    ],
    indirect=["cloud"],
)
def test_a_failed_event_is_kept_whoever_tries_again(cloud, reading, waits):
    cloud.readings["async_flag"] = reading
    cloud.publish(event("raise"))
    ((_, outcome, attempts),) = reports(cloud)
    queues = get(cloud.functions, "/_local/queues")
    assert (outcome, attempts > 3, set(queues)) == ("failed", waits, {"dead" if waits else "failed"})
    (kept,) = next(iter(queues.values()))
    assert (kept if waits else json.loads(kept["requestPayload"])) == event("raise")


@pytest.mark.parametrize("cloud", [{"Mode": "event-streaming"}], indirect=True)
def test_a_streaming_trigger_hands_over_a_list(cloud):
    cloud.publish(event("raise"))
    assert reports(cloud) == [("sample-swap", "succeeded", 1)]  # a list asks this function for nothing


@pytest.mark.parametrize("cloud", [{"Runtime": "python3.12"}], indirect=True)
def test_the_newer_runtime_has_a_context_of_its_own(cloud):
    told = json.loads(cloud.invoke(b'{"do": "newer_context"}').body)
    assert not told["credentials"]
    assert told["key"].startswith("STS.")


def test_there_is_no_service_in_the_environment(cloud):
    told = json.loads(cloud.invoke(b'{"do": "environment"}').body)
    assert told["FC_FUNCTION_NAME"] == "sample-swap"
    assert "FC_SERVICE_NAME" not in told


def test_a_timer_fires(cloud):
    assert cloud.functions.handle(Request("POST", "/_local/timers/tick")).status == 202
    assert reports(cloud) == [("sample-swap", "succeeded", 1)]


def test_functions_are_found_by_their_entry_points_too(cloud):
    assert cloud.functions.names() == {"swap": "sample-swap", "respond": "sample-hook"}
    assert deliver(cloud.functions, b"hello", "swap").body == b"hello"
    assert deliver(cloud.functions, b"hello", "respond").status == 201
    assert any("FC Invoke" in line for line in get(cloud.functions, "/_local/logs", "function=swap"))
