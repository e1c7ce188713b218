"""What a function is given and what is made of what it does: one invocation, in a process of its own."""

import json
import os

import pytest

from localcloud.rpc.credentials import Registry
from tests.support.local_functions import deliver, do, get, running


@pytest.fixture(scope="module", params=[False, True], ids=["cold", "warm"])
def functions(request):
    with running(warm=request.param) as found:
        yield found


def test_bytes_arrive_and_return_as_they_are(functions):
    body = bytes(range(256))
    response = deliver(functions, body)
    assert (response.status, response.body) == (200, body)
    assert "x-fc-error-type" not in response.headers


def test_text_returns_as_it_is_and_anything_else_as_json(functions):
    assert deliver(functions, {"do": "text"}).body == b"plain"
    assert deliver(functions, {"do": "object"}).body == b'{\n    "a": [\n        1\n    ],\n    "b": 1.5\n}'


def test_what_cannot_be_json_is_a_function_error(functions):
    response = deliver(functions, {"do": "unserialisable"})
    assert response.status == 502
    assert json.loads(response.body)["errorType"] == "TypeError"


def test_an_exception_is_told_with_type_message_and_stack(functions):
    response = deliver(functions, {"do": "raise"})
    told = json.loads(response.body)
    assert (response.status, response.headers["X-Fc-Error-Type"]) == (502, "UnhandledInvocationError")
    assert (told["errorMessage"], told["errorType"]) == ("something is wrong", "ValueError")
    assert told["stackTrace"][-1][2:] == ["in _raise", 'raise ValueError("something is wrong")']


def test_the_context_is_that_of_the_older_runtimes(functions):
    told = do(functions, "context")
    context = told["json"]
    assert told["twins"] is True
    assert told["timeout"] == "600"
    assert context["function"] == {
        "name": "swap",
        "handler": "sample.main.swap",
        "memory": 128,
        "timeout": "600",
    }
    assert context["service"]["name"] == "slb-swap"
    assert (context["region"], context["accountId"], context["retryCount"]) == ("cn-hangzhou", "1234", 0)
    assert set(context["credentials"]) == {"accessKeyId", "accessKeySecret", "securityToken"}
    assert set(context["tracing"]) == {"spanContext", "jaegerEndpoint", "spanBaggages"}


def test_a_worker_is_used_again_and_initialized_once(functions):
    first, second = do(functions, "context"), do(functions, "context")
    assert first["pid"] == second["pid"]
    assert first["started"] == second["started"]
    assert len(first["started"]) == 1


def test_each_invocation_has_keys_and_a_request_id_of_its_own(functions):
    first, second = do(functions, "context")["json"], do(functions, "context")["json"]
    assert first["credentials"]["accessKeyId"] != second["credentials"]["accessKeyId"]
    assert first["requestId"] != second["requestId"]


def test_the_environment_is_what_function_compute_gives_and_no_more(functions, monkeypatch):
    monkeypatch.setenv("FROM_THE_SERVER", "x")
    told = do(functions, "environment")
    assert "FROM_THE_SERVER" not in told
    assert (told["OWN"], told["NUMBER"], told["SWAP_ENDPOINT"]) == ("value", "5", "http://127.0.0.1:9")
    assert "FC_OWN" not in told
    assert told["FC_FUNCTION_NAME"] == "swap"
    assert told["FC_INSTANCE_ID"].startswith("c-")
    assert not [key for key in told if key.startswith("LOCALCLOUD")]
    assert os.path.realpath(told["FC_FUNC_CODE_PATH"]) == told["FC_FUNC_CODE_PATH"]


def test_a_process_that_exits_is_told_and_the_next_one_starts_afresh(functions):
    before = do(functions, "context")["pid"]
    response = deliver(functions, {"do": "exit"})
    assert response.status == 502
    assert response.headers["X-Fc-Error-Type"] == "UnhandledInvocationError"
    assert json.loads(response.body)["errorMessage"].startswith("Process exited unexpectedly")
    assert do(functions, "context")["pid"] != before


@pytest.mark.parametrize("how", ["hang", "hang_ignoring_the_end"])
def test_a_function_that_takes_too_long_is_ended(functions, how):
    response = deliver(functions, {"do": how}, "brief")
    assert response.status == 502
    assert "Function time out after 1 seconds" in json.loads(response.body)["errorMessage"]
    assert deliver(functions, b"next", "brief").body == b"next"
    if how == "hang":
        log = "\n".join(get(functions, "/_local/logs", "function=brief"))
        assert "Dumping stack trace after function timeout" in log
        assert "in _hang" in log


def test_a_handler_that_cannot_be_imported_is_told_as_such(functions):
    told = json.loads(deliver(functions, b"", "missing").body)
    assert told["errorType"] == "ImportModuleError"
    assert told["errorMessage"] == "Unable to import module 'sample.nowhere'"


def test_all_that_is_printed_and_logged_is_in_the_log_when_the_answer_comes(functions):
    deliver(functions, {"do": "print"})
    lines = get(functions, "/_local/logs", "function=swap")
    at = max(index for index, line in enumerate(lines) if line == "said on stdout")
    assert lines[at + 1] == "said on stderr"
    assert lines[at + 2] == "x" * 32 * 1024
    assert lines[at + 3].endswith("[INFO] logged")
    assert lines[at + 4].startswith("FC Invoke End RequestId: ")


def test_an_http_function_is_called_as_wsgi(functions):
    response = deliver(functions, b"{}", "webhook")
    told = json.loads(response.body)
    assert (response.status, response.headers["Retry-After"]) == (201, "7")
    assert response.headers["Content-Type"] == "application/json"
    assert (told["REQUEST_METHOD"], told["PATH_INFO"], told["body"]) == ("POST", "/", "{}")
    assert told["fc.request_uri"] == "/2016-08-15/proxy/slb-swap/webhook/"
    assert told["HTTP_X_FC_FUNCTION_HANDLER"] == "sample.main.webhook"
    assert told["context"] == response.headers["X-Fc-Request-Id"]


def test_an_http_function_that_raises_is_a_bad_gateway(functions):
    response = deliver(functions, b"raise", "webhook")
    assert (response.status, response.headers["X-Fc-Error-Type"]) == (502, "UnhandledInvocationError")
    assert json.loads(response.body)["errorType"] == "ValueError"


def test_a_failed_initializer_fails_the_invocation_and_ends_the_process():
    with running(env={"FAIL_TO_INITIALIZE": "1"}) as functions:
        told = json.loads(deliver(functions, b"x").body)
        assert (told["errorType"], told["errorMessage"]) == ("RuntimeError", "cannot start")
        deliver(functions, b"x")
        lines = get(functions, "/_local/logs", "function=swap")
        assert len([line for line in lines if line.startswith("FC Initialize Start")]) == 2
        assert not [line for line in lines if line.startswith("FC Invoke Start")]


def test_the_context_of_python_3_12_has_no_credentials_but_the_environment_has():
    identities = Registry()
    with running(params={"Runtime": "python3.12"}, identities=identities) as functions:
        told, again = do(functions, "newer_context"), do(functions, "newer_context")
        assert told["credentials"] is False
        assert "service" not in told["fields"]
        assert "retry_count" not in told["fields"]
        assert told["timeout"] == 600
        assert told["key"] == again["key"]
        assert identities.find(told["key"]).name == "slb-swap/swap"


def test_keys_are_known_with_the_role_of_the_template_while_they_are_in_use():
    identities = Registry()
    with running(identities=identities) as functions:
        first = do(functions, "context")["json"]["credentials"]["accessKeyId"]
        second = do(functions, "context")["json"]["credentials"]["accessKeyId"]
        assert identities.find(first) is None
        identity = identities.find(second)
        assert identity.worker.startswith("c-")
        assert identity.security_token
        assert identity.allows("fc:InvokeFunction", "acs:fc:r:a:services/slb-swap/functions/swap")
        assert not identity.allows("slb:DescribeRules", "*")
