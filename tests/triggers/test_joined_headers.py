"""Function Compute 3.0 joins a header that is sent several times with a comma and no blank."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from tests.support.triggers import NOW, OTHER_SECRET, deliver, github, http_event, standard

BODY = json.dumps({"target": "web", "pairs": [["i-old1", "i-new1"]]}).encode()
RIGHT = standard(BODY)["webhook-signature"]
WRONG = standard(BODY, secret=OTHER_SECRET)["webhook-signature"]
OTHERS = (WRONG, "v1a,AAAA", "v2,BBBB==")


def with_signature(name: str, value: str, headers: dict[str, str]) -> bool:
    found = deliver(http_event(BODY, {**headers, name: value}))
    assert len(found.intents) + len(found.rejected) == 1
    return bool(found.intents)


@pytest.mark.parametrize("between", [",", " ", ", ", " ,", "\t"])
def test_several_webhook_signatures_are_read_however_they_are_joined(between: str) -> None:
    for order in permutations((RIGHT, *OTHERS)):
        assert with_signature("webhook-signature", between.join(order), standard(BODY)), order
    for order in permutations(OTHERS):
        assert not with_signature("webhook-signature", between.join(order), standard(BODY)), order


def test_each_in_turn_may_be_joined_in_its_own_way() -> None:
    assert with_signature("webhook-signature", f"{WRONG} v1a,A,{RIGHT},{WRONG}", standard(BODY))


@pytest.mark.parametrize(
    "value", [f"x{RIGHT}", f"{RIGHT}x", f"v1,v1{RIGHT}", RIGHT.replace("v1,", "v1 "), f"[{RIGHT}]"]
)
def test_a_signature_inside_another_word_is_none(value: str) -> None:
    assert not with_signature("webhook-signature", value, standard(BODY))


def test_several_of_githubs_are_read_too() -> None:
    created = json.dumps(NOW)
    body = b'{"zen": ' + created.encode() + b"}"
    right = github(body, event="ping")
    wrong = github(body, secret=OTHER_SECRET)["X-Hub-Signature-256"]
    for joined in (f"{wrong},{right['X-Hub-Signature-256']}", f"{right['X-Hub-Signature-256']}, {wrong}"):
        found = deliver(http_event(body, {**right, "X-Hub-Signature-256": joined}))
        assert [one.reason for one in found.ignored] == ["github_ping"]
    assert deliver(http_event(body, {**right, "X-Hub-Signature-256": f"{wrong},{wrong}"})).rejected
