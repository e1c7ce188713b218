"""What is printed, returned and answered holds no key, token, signature or secret, whatever happens."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from handler import blinds
from handler.cloud.slb import CloudSlb
from handler.settings import Secrets
from tests.security.conftest import STATE
from tests.support import deliveries
from tests.support.deliveries import SECRET, hooked, http_event, scaled_in, signed, timer
from tests.support.level_b import World
from tests.support.level_c import Http
from tests.support.places import hook

EVENTS = Path(__file__).resolve().parents[2] / "events"
TOKEN = "4B4F4D3C-AAAA-BBBB-CCCC-0123456789AB"
FAULTS: list[dict[str, Any]] = [
    {"error": "SignatureDoesNotMatch"},
    {"error": "InvalidAccessKeyId.NotFound", "status": 404},
    {"error": "InvalidSecurityToken.Expired"},
    {"error": "Forbidden.RAM"},
    {"error": "IncompleteSignature"},
    {"error": "InternalError"},
    {"error": "Throttling.User"},
    {"effect": "drop_response"},
    {"effect": "reset"},
    {"effect": "garbage"},
]
REQUEST = json.dumps({"target": "web", "pairs": [["i-1", "i-5"]]}).encode()


def forms(secret: str) -> set[str]:
    """A secret as it may stand in a text: plain, in a URL, in a URL in a URL, as JSON has it."""
    once = quote(secret, safe="")
    return {secret, once, quote(once, safe=""), json.dumps(secret)[1:-1]}


def assert_nothing_in(text: str, *secrets: str) -> None:
    for secret in secrets:
        for form in forms(secret):
            assert form not in text, f"...{text[max(0, text.find(form) - 120) : text.find(form)]}<secret>"


def world() -> World:
    group = "i-1 i-2 i-3"
    return World(
        group,
        "i-2 i-3 i-4 i-5=pending",
        hooks=[hook("i-5", token=TOKEN)],
        log_level="DEBUG",
        policy={"health": {"timeout_s": 10}},
        timeout_s=40,
    )


def secrets_of(world: World) -> tuple[str, ...]:
    given = world.identity
    bare = SECRET.removeprefix("whsec_")
    return given.access_key_id, given.access_key_secret, given.security_token or "", SECRET, bare, TOKEN


def deliver_all(world: World, events: list[Any]) -> str:
    """Deliver, and return everything that anybody could see of it."""
    said = []
    for event in events:
        told = world.deliver(event)
        said.append(json.dumps([told.result, told.raised, dict(told.headers)], ensure_ascii=False))
    return "\n".join([*said, *world.printed])


def usual() -> tuple[list[Any], list[str]]:
    """Deliveries of every kind, and the signatures in them."""
    headers = [signed(REQUEST), signed(REQUEST, at=time.time() - 900), signed(REQUEST + b" ")]
    requests = [http_event(REQUEST, one) for one in headers]
    events = [scaled_in("i-1"), timer(), hooked("ScaleOut", "i-5", token=TOKEN), *requests]
    return events, [one["webhook-signature"].removeprefix("v1,") for one in headers]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: next(iter(fault.values())))
@pytest.mark.parametrize("action", ["*", "ModifyVServerGroupBackendServers", "CompleteLifecycleAction"])
def test_nothing_is_told_when_calls_fail(action: str, fault: dict[str, Any]) -> None:
    here = world()
    here.faults({"action": action, **fault})
    events, signatures = usual()
    text = deliver_all(here, events)
    assert text.count("swap.") > len(events)
    assert_nothing_in(text, *secrets_of(here), *signatures)


def test_nothing_is_told_when_the_cloud_repeats_our_request() -> None:
    """Some errors quote the string that was signed, or the URL with key, token and signature."""
    here = world()
    given = here.identity
    key_id, secret, token = given.access_key_id, given.access_key_secret, given.security_token or ""
    twice = quote(quote(token, safe=""), safe="")
    quoted = (
        f"Specified signature is not matched. server string to sign is:POST&%2F&AccessKeyId%3D{key_id}"
        f"%26SecurityToken%3D{twice} {secret} http://x/?AccessKeyId={key_id}&Signature=c2lnbmF0dXJl%3D"
        f"&SecurityToken={token}"
    )
    for error in ("SignatureDoesNotMatch", "InternalError", "Forbidden.RAM"):
        here.faults({"action": "*", "error": error, "message": quoted, "times": 40})
        text = deliver_all(here, usual()[0])
        assert_nothing_in(text, *secrets_of(here), "c2lnbmF0dXJl")


@pytest.mark.parametrize("where", ["group", "listeners", "do"])
def test_nothing_is_told_of_an_unexpected_failure(where: str) -> None:
    """The traceback is logged, with the exception's text in it."""
    here = world()
    secrets = secrets_of(here)
    with mock.patch.object(CloudSlb, where, side_effect=RuntimeError(f"while sending {' '.join(secrets)}")):
        text = deliver_all(
            here, [hooked("ScaleOut", "i-5", token=TOKEN), http_event(REQUEST, signed(REQUEST))]
        )
    assert "RuntimeError" in text
    assert "while sending ***" in text
    assert_nothing_in(text, *secrets)


@pytest.mark.parametrize(
    "secret", ["whsec_" + "Q0dX" * 22, "geheimnis-\u00fc\u00f6\u00e4-0123", 'it\'s-a-"secret"-0123']
)
def test_a_secret_in_the_wrong_field_is_told_neither_in_part_nor_escaped(secret: str) -> None:
    here = World("i-1", log_level="DEBUG")
    here._settings = replace(here._settings, secrets=Secrets((secret,)))
    here.restart()
    text = deliver_all(here, [timer(secret), timer(f"a {secret}")])
    assert "***" in text
    assert_nothing_in(text, secret)
    for part in (secret[:20], ascii(secret)[1:-1], secret[-12:]):
        assert part not in text


def test_the_first_line_of_an_instance_does_not_tell_its_key() -> None:
    here = World("i-1", log_level="DEBUG")
    key = here.identity.access_key_id
    with mock.patch.object(blinds, "_recent", blinds._Known()):
        assert_nothing_in(deliver_all(here, [timer(key, "web")]), key)


def test_the_token_of_a_hook_is_not_told_while_its_target_changes_its_writer() -> None:
    here = world()
    targets = tuple(replace(one, writer="nobody") for one in here._settings.targets)
    here._settings = replace(here._settings, targets=targets)
    here.restart()
    event = hooked("ScaleOut", "i-5", token=TOKEN) | {"id": TOKEN}
    with mock.patch.object(blinds, "_recent", blinds._Known()):
        text = deliver_all(here, [[event, deliveries.event("x:" + TOKEN, {}, "acs.other")]])
    printed = text.splitlines()[1:]
    assert "***" in "".join(printed)
    assert_nothing_in("".join(printed), TOKEN)


def test_a_batch_of_a_hundred_hooks_pushes_no_key_out_of_what_is_hidden() -> None:
    here = world()
    tokens = [f"4B4F4D3C-AAAA-BBBB-CCCC-{number:012}" for number in range(100)]
    hooks = [hooked("ScaleOut", f"i-{number}", token=token) for number, token in enumerate(tokens)]
    keys = [one for one in secrets_of(here) if one != TOKEN]  # which no hook of this delivery has
    told = f"while sending {' '.join([*keys, *tokens])}"
    with mock.patch.object(CloudSlb, "group", side_effect=RuntimeError(told)):
        text = deliver_all(here, [hooks])
    assert "while sending ***" in text
    assert_nothing_in(text, *keys, *tokens)


def test_a_forged_token_blinds_no_word_of_the_log() -> None:
    """Whoever may publish to the topic, and knows the scaling group's id, may put any word there."""
    words = [
        "refused",
        "swap.completed",
        "rolled_back",
        "still_in_service",
        "i-1",
        "web",
        "asg-web",
        "rsp-web",
    ]
    seen = []
    for forged in ([], words):
        here = World("i-1 i-2", listed="i-1 i-2")
        hooks = [hooked("ScaleOut", "i-none", token=word) for word in forged]
        here.deliver([*hooks, scaled_in("i-1")])
        here.request(REQUEST)
        here.request(b"{}", sign=False)
        seen.append({line["event"] for line in here.logs()} | {line.get("outcome") for line in here.logs()})
        assert "***" not in "".join(here.printed)
    assert seen[0] <= seen[1]
    assert "swap.rejected" in seen[0]


def test_nothing_is_told_of_any_event_of_the_folder() -> None:
    here = world()
    events: list[Any] = []
    tokens: set[str] = {TOKEN}
    for path in sorted(EVENTS.iterdir()):
        if path.name.endswith((".expect.json", ".md")) or path.name in {"state.json", "targets.json"}:
            continue
        raw = path.read_bytes()
        tokens |= {one.decode() for one in re.findall(rb"lifecycleActionToken\W+([\w-]{12,})", raw)}
        events.append(raw)
    assert len(tokens) > 1
    assert_nothing_in(deliver_all(here, events), *secrets_of(here), *tokens)


def test_nothing_is_told_by_the_workers(cloud: Http) -> None:
    """In the processes, with the keys that the platform gives them: whatever they print, at DEBUG."""
    cloud.put_state(STATE)
    cloud.send("DELETE", "/_local/logs")
    events, signatures = usual()
    said: list[str] = []
    for fault in ({}, *FAULTS):
        cloud.send("PUT", "/_local/faults", [{"action": "*", "nth": 3, **fault}] if fault else [])
        for event in events[:3]:
            said.append(cloud.deliver(json.dumps(event).encode()).body.decode())
        for headers in (signed(REQUEST), signed(REQUEST, at=time.time() - 900), {}):
            reply = cloud.webhook(REQUEST, headers)
            said.append(reply.body.decode() + str(dict(reply.headers)))
            signatures += [one.removeprefix("v1,") for one in [headers.get("webhook-signature", "")] if one]
    printed = json.dumps(cloud.send("GET", "/_local/logs").json(), ensure_ascii=False)
    text = "\n".join([*said, printed])
    assert "swap.completed" in text
    assert_nothing_in(text, SECRET, SECRET.removeprefix("whsec_"), TOKEN, *signatures)
    for mark in ("LTAI", "STS.N", "CAIS", "Signature=", "AccessKeyId="):
        assert mark not in text  # how the platform's keys and tokens begin
    assert deliveries.SECRET not in text
