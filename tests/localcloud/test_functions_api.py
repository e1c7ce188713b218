"""The API and the HTTP trigger, by aliyun-fc2 as it is, and by requests that it would not send."""

import base64
import email.utils
import hashlib
import hmac
import json
import threading

import fc2
import pytest
from fc2.fc_exceptions import FcError

from localcloud.rpc.credentials import Registry, new_identity
from tests.support.local_functions import (
    await_start,
    deliver,
    drain,
    get,
    let_go_on,
    pipes_in,
    post,
    running,
    served,
)

PATH = "/2016-08-15/services/slb-swap/functions/swap/invocations"


@pytest.fixture(scope="module")
def cloud():
    with served() as found:
        yield found


def client(cloud, identity=None):
    _, endpoint, owner = cloud
    who = identity or owner
    return fc2.Client(
        endpoint=endpoint,
        accessKeyID=who.access_key_id,
        accessKeySecret=who.access_key_secret,
        securityToken=who.security_token or "",
        Timeout=30,
    )


def test_a_synchronous_invocation_returns_what_the_function_did(cloud):
    response = client(cloud).invoke_function("slb-swap", "swap", b"hello")
    assert response.data == b"hello"
    assert response.headers["X-Fc-Request-Id"]


def test_a_qualifier_names_the_latest_version(cloud):
    assert client(cloud).invoke_function("slb-swap", "swap", b"x", qualifier="LATEST").data == b"x"


def test_a_function_error_is_a_200_with_its_type(cloud):
    with pytest.raises(FcError) as caught:
        client(cloud).invoke_function("slb-swap", "swap", b'{"do": "raise"}')
    assert caught.value.status_code == 200
    assert json.loads(caught.value.message)["errorType"] == "ValueError"


def test_the_end_of_the_log_can_be_asked_for(cloud):
    response = client(cloud).invoke_function(
        "slb-swap", "swap", b'{"do": "text"}', headers={"x-fc-log-type": "Tail"}
    )
    assert b"FC Invoke End" in base64.b64decode(response.headers["X-Fc-Log-Result"])


def test_an_asynchronous_invocation_is_accepted_and_runs_once_per_invocation_id(cloud):
    functions = cloud[0]
    headers = {"x-fc-invocation-type": "Async", "x-fc-stateful-async-invocation-id": "once"}
    client(cloud).invoke_function("slb-swap", "swap", b"async", headers=dict(headers))
    with pytest.raises(FcError, match="used"):
        client(cloud).invoke_function("slb-swap", "swap", b"async", headers=dict(headers))
    drain(functions)
    ours = [one for one in get(functions, "/_local/async")["finished"] if one["invocation_id"] == "once"]
    assert [(one["outcome"], one["attempts"]) for one in ours] == [("succeeded", 1)]


@pytest.mark.parametrize(
    ("service", "function", "code"),
    [
        ("nowhere", "swap", "ServiceNotFound"),
        ("slb-swap", "nothing", "FunctionNotFound"),
        ("slb-swap.prod", "swap", "AliasNotFound"),
        ("slb-swap", "webhook", "InvalidArgument"),
    ],
)
def test_what_is_not_there_to_invoke_is_refused_by_its_code(cloud, service, function, code):
    with pytest.raises(FcError, match=code):
        client(cloud).invoke_function(service, function, b"")


def test_an_unknown_key_and_a_wrong_secret_are_refused(cloud):
    stranger = new_identity("stranger")
    with pytest.raises(FcError, match="InvalidAccessKeyID"):
        client(cloud, stranger).invoke_function("slb-swap", "swap", b"")
    owner = cloud[2]
    forged = new_identity("forged")
    object.__setattr__(forged, "access_key_id", owner.access_key_id)
    with pytest.raises(FcError, match="SignatureNotMatch"):
        client(cloud, forged).invoke_function("slb-swap", "swap", b"")


def test_the_functions_own_key_may_invoke_swap_and_nothing_else(cloud):
    functions = cloud[0]
    policy = functions._fleet.named("webhook").policy
    own = functions._place.identities.add(new_identity("own", policy=policy, temporary=True))
    assert client(cloud, own).invoke_function("slb-swap", "swap", b"x").data == b"x"
    with pytest.raises(FcError, match="AccessDenied"):
        client(cloud, own).invoke_function("slb-swap", "brief", b"x")


def test_a_key_without_its_token_is_refused(cloud):
    functions = cloud[0]
    own = functions._place.identities.add(new_identity("own", temporary=True))
    object.__setattr__(own, "security_token", own.security_token + "x")
    bare = new_identity("bare")
    object.__setattr__(bare, "access_key_id", own.access_key_id)
    object.__setattr__(bare, "access_key_secret", own.access_key_secret)
    with pytest.raises(FcError, match="security token"):
        client(cloud, bare).invoke_function("slb-swap", "swap", b"x")


def test_the_http_trigger_is_reached_by_its_path(cloud):
    response = client(cloud).do_http_request(
        "POST", "slb-swap", "webhook", "/a%20b", params={"q": "1"}, headers={"X-Own": "v"}, body=b"body"
    )
    told = response.json()
    assert response.status_code == 201
    assert (told["PATH_INFO"], told["QUERY_STRING"], told["HTTP_X_OWN"]) == ("/a b", "q=1", "v")


def test_a_method_that_the_trigger_does_not_allow_is_forbidden(cloud):
    response = client(cloud).do_http_request("PUT", "slb-swap", "webhook", "/", body=b"")
    assert (response.status_code, response.headers["X-Fc-Error-Type"]) == (403, "FcCommonError")


def test_a_function_without_an_http_trigger_is_not_found_there(cloud):
    assert client(cloud).do_http_request("POST", "slb-swap", "swap", "/", body=b"").status_code == 404


def signed(owner, headers=None, date=None, method="POST", path=PATH):
    fields = {"date": date or email.utils.formatdate(usegmt=True), **(headers or {})}
    canonical = "".join(f"{key}:{fields[key]}\n" for key in sorted(fields) if key.startswith("x-fc-"))
    text = "\n".join([method, "", "", fields["date"], canonical + path])
    digest = hmac.new(owner.access_key_secret.encode(), text.encode(), hashlib.sha256).digest()
    return {**fields, "authorization": f"FC {owner.access_key_id}:{base64.b64encode(digest).decode()}"}


@pytest.fixture(scope="module")
def direct():
    identities = Registry()
    owner = identities.add(new_identity("owner"))
    with running(identities=identities) as functions:
        yield functions, owner


def code(response):
    return response.status, json.loads(response.body)["ErrorCode"]


def test_a_request_without_date_or_authorization_is_refused(direct):
    functions, owner = direct
    assert code(post(functions, PATH)) == (400, "MissingRequiredHeader")
    undated = {key: value for key, value in signed(owner).items() if key != "date"}
    assert code(post(functions, PATH, headers=undated)) == (400, "MissingRequiredHeader")


def test_a_request_of_another_hour_is_refused(direct):
    functions, owner = direct
    for date in (email.utils.formatdate(1, usegmt=True), "never"):
        assert code(post(functions, PATH, headers=signed(owner, date=date))) == (403, "AccessDenied")


def test_a_header_changed_after_signing_is_noticed(direct):
    functions, owner = direct
    headers = {**signed(owner, {"x-fc-invocation-type": "Sync"}), "x-fc-invocation-type": "Async"}
    assert code(post(functions, PATH, headers=headers)) == (403, "SignatureNotMatch")


def test_payloads_are_limited_and_an_asynchronous_one_more_so(direct):
    functions, owner = direct
    body = b"x" * (128 * 1024 + 1)
    asynchronous = signed(owner, {"x-fc-invocation-type": "Async"})
    assert post(functions, PATH, body, signed(owner)).status == 200
    assert code(post(functions, PATH, body, asynchronous)) == (400, "EntityTooLarge")
    assert code(post(functions, PATH, b"x" * ((32 << 20) + 1), signed(owner))) == (400, "EntityTooLarge")


@pytest.mark.parametrize("header", [{"x-fc-invocation-type": "Later"}])
def test_an_unknown_invocation_type_is_refused(direct, header):
    functions, owner = direct
    assert code(post(functions, PATH, b"", signed(owner, header))) == (400, "InvalidArgument")


def test_an_invocation_id_begins_with_a_letter(direct):
    functions, owner = direct
    headers = {"x-fc-invocation-type": "Async", "x-fc-stateful-async-invocation-id": "1"}
    assert code(post(functions, PATH, b"", signed(owner, headers))) == (400, "InvalidArgument")


def test_any_other_path_is_not_supported(direct):
    functions, _ = direct
    assert code(post(functions, "/2016-08-15/services")) == (400, "PathNotSupported")


def test_a_second_synchronous_invocation_at_once_is_refused_and_a_delivery_waits(tmp_path, direct):
    functions, owner = direct
    pipes = pipes_in(tmp_path)
    answers = []

    def first():
        answers.append(deliver(functions, {"do": "wait_for_file", **pipes}).body)

    def second():
        answers.append(deliver(functions, b"waited").body)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    await_start(pipes)
    assert code(post(functions, PATH, b"", signed(owner))) == (429, "ResourceExhausted")
    threads.append(threading.Thread(target=second))
    threads[1].start()
    let_go_on(pipes, "first")
    for thread in threads:
        thread.join(30)
    assert answers == [b"first", b"waited"]
