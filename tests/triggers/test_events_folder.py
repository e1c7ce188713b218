"""Every file of events/ is read as the outcome beside it needs."""

from __future__ import annotations

import json

import pytest

from tests.support.triggers import EVENTS, EventFile, deliver, event_files

FILES = list(event_files())
OUTCOMES = {
    "applied",
    "unchanged",
    "planned",
    "partial",
    "rolled_back",
    "refused",
    "ignored",
    "rejected",
    "accepted",
    "raised",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_file_is_read_as_its_outcome_needs(file: EventFile) -> None:
    found = deliver(file.delivery())
    outcome = file.expect["outcome"]
    if outcome == "ignored":
        assert (found.intents, found.rejected) == ((), ())
        assert found.ignored
    elif outcome == "rejected":
        assert (found.intents, found.ignored) == ((), ())
        assert found.rejected
    else:
        assert [intent.target for intent in found.intents] == ["web"] * len(found.intents) != []
        assert outcome == "partial" or not found.rejected
    assert found.http == (file.expect["via"] == "http" or "status" in file.expect)


@pytest.mark.parametrize(
    "file", [one for one in FILES if one.expect["outcome"] == "rejected"], ids=lambda x: x.name
)
def test_rejected_file_has_its_status(file: EventFile) -> None:
    found = deliver(file.delivery())
    assert {one.status for one in found.rejected} == {file.expect.get("status", found.rejected[0].status)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_names_of_a_file_are_among_what_it_must_change(file: EventFile) -> None:
    changes = file.expect.get("targets", {"web": None})["web"]  # type: ignore[index]
    if changes is None or file.expect["outcome"] != "applied":
        return
    found = deliver(file.delivery())
    named = {one.server_id for intent in found.intents for one in (*intent.terminated, *intent.launched)}
    changed = {one for pair in changes["pairs"] for one in pair} | {*changes["added"], *changes["removed"]}
    assert named - {"i-failed1", "i-left2"} <= changed  # those were never backends


def test_each_file_says_what_it_is() -> None:
    for file in FILES:
        assert {"about", "evidence", "source", "via", "outcome"} <= set(file.expect), file.name
        assert file.expect["evidence"] in {"documented", "inferred"}, file.name
        assert file.expect["via"] in {"deliver", "http"}, file.name
        assert file.expect["outcome"] in OUTCOMES, file.name


def test_every_file_has_its_outcome() -> None:
    fixtures = {"state.json", "targets.json", "README.md"}
    files = {one.name for one in EVENTS.iterdir()} - fixtures
    expects = {name for name in files if name.endswith(".expect.json")}
    assert files - expects == {file.path.name for file in FILES}


def test_state_and_targets_belong_together() -> None:
    state = json.loads((EVENTS / "state.json").read_text())
    (target,) = json.loads((EVENTS / "targets.json").read_text())
    groups = [one for lb in state["load_balancers"] for one in lb["vserver_groups"]]
    assert target["vserver_group_id"] == groups[0]["vserver_group_id"]
    assert target["scaling_group_ids"] == [one["scaling_group_id"] for one in state["scaling_groups"]]
