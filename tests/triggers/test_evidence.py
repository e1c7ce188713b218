"""The readers are held against samples from documents, each with where it is from and how sure it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handler.core.model.values import Scope
from handler.triggers.messages import Unreadable
from handler.triggers.reading import read
from handler.triggers.signatures import verify
from tests.support.triggers import EVIDENCE, NOW, REGION, target

SAMPLES: dict[str, dict[str, Any]] = {
    one.stem: json.loads(one.read_text()) for one in sorted(EVIDENCE.glob("*.json"))
}
WEB = target("web", "asg-bp1")


def having(key: str) -> list[str]:
    return [name for name, sample in SAMPLES.items() if key in sample]


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_says_where_it_is_from_and_how_sure_it_is(name: str) -> None:
    sample = SAMPLES[name]
    assert all(isinstance(sample[key], str) and sample[key] for key in ("about", "source", "confidence"))
    assert len({"reads_as", "types", "signature"} & set(sample)) == 1


@pytest.mark.parametrize("name", having("reads_as"))
def test_sample_is_read_as_it_means(name: str) -> None:
    sample, expected = SAMPLES[name], SAMPLES[name]["reads_as"]
    event = sample["text"].encode() if "text" in sample else json.dumps(sample["delivery"]).encode()
    found = read(event, targets=(WEB,), region=REGION, now=NOW, secrets=("c2VjcmV0",))
    assert [one.reason for one in found.ignored] == expected.get("ignored", [])
    assert len(found.rejected) == expected.get("rejected", 0)
    if "status" in expected:
        assert [one.status for one in found.rejected] == [expected["status"]]
    if found.rejected or found.ignored:
        assert found.intents == ()
        return
    (intent,) = found.intents
    assert (intent.target, intent.scope) == ("web", Scope.RECONCILE)
    assert intent.trigger == expected.get("trigger", "autoscaling")
    for side in ("terminated", "launched"):
        assert [[one.server_id, one.cause.value] for one in getattr(intent, side)] == expected.get(side, [])
    hooks = [[one.id, one.token, one.activity_id, one.transition] for one in intent.hooks]
    assert hooks == [hook[:4] for hook in expected.get("hooks", [])]
    assert list(intent.event_ids) == list(found.event_ids) == expected.get("event_ids", [])


NO_NAMES = {"SCALEINERROR"}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in having("types") for kind in SAMPLES[name]["types"]]
)
def test_every_documented_type_is_known(name: str, kind: str) -> None:
    data = {"scalingGroupId": "asg-bp1", "instanceIds": ["i-bp1"]}
    event = {"specversion": "1.0", "source": "acs.ess", "type": kind, "data": data}
    found = read(json.dumps(event), targets=(WEB,), region=REGION, now=NOW, secrets=())
    assert found.rejected == ()
    last = kind.upper().replace("[", ":").replace("]", "").replace("_", "").split(":")[-1]
    for intent in found.intents:
        assert bool(intent.terminated or intent.launched) == (last not in NO_NAMES)
        launched = "OUT" in last and "ERROR" not in last
        assert bool(intent.launched) == launched
    if not found.intents:
        assert [one.reason for one in found.ignored] != []


@pytest.mark.parametrize("name", having("signature"))
def test_signature_of_a_document_is_right_and_any_other_is_not(name: str) -> None:
    given = SAMPLES[name]["signature"]
    body = given["body"].encode()
    assert verify(given["headers"], body, given["now"], [given["secret"]]).scheme == given["scheme"]
    with pytest.raises(Unreadable):
        verify(given["headers"], body + b" ", given["now"], [given["secret"]])


def test_evidence_is_documents_and_not_our_own_files() -> None:
    assert Path(EVIDENCE).name == "deliveries"
    for sample in SAMPLES.values():
        assert "localcloud" not in json.dumps(sample)
