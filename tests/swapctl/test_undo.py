"""``slb-swap undo`` where there is nothing to undo, and where there is nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.swapctl.conftest import EVENTS, Command, Local

SWAP = ("--target", "web", "--terminated", "i-old1", "--launched", "i-new1")


def _result(outcome: str) -> str:
    target = {"target": "web", "vserver_group_id": "rsp-web", "outcome": outcome, "reverse": None}
    return json.dumps({"outcome": outcome, "targets": [target]})


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("planned", "planned: nothing was written"),
        ("unchanged", "unchanged: nothing was written"),
        ("refused", "refused: nothing was written"),
        ("rolled_back", "rolled_back: the old servers are back"),
    ],
)
def test_a_result_that_changed_nothing_ends_with_0_and_says_why(
    command: Command, tmp_path: Path, outcome: str, said: str
) -> None:
    kept = tmp_path / "result.json"
    kept.write_text(_result(outcome))
    ended = command("undo", kept)
    assert (0, True) == (ended.code, f"nothing to undo: {said}" in ended.out), ended
    ended = command("undo", kept, "--json")
    assert (0, "", True) == (ended.code, ended.out, said in ended.err)


def test_a_real_dry_run_has_nothing_to_undo(cloud: Local, command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    kept.write_text(command("send", "--webhook", cloud.webhook, *SWAP, "--json").out)
    ended = command("undo", kept, "--webhook", cloud.webhook, "--apply")
    assert (0, True) == (ended.code, "planned: nothing was written" in ended.out)


def test_who_cannot_know_what_was_done_is_not_told_that_nothing_was(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    for text in (
        '{"outcome": "accepted", "targets": []}',
        '{"outcome": "raised", "reason": "swap_failed", "targets": []}',
        _result("raised").replace('"outcome"', '"reason": "unexpected: KeyError", "outcome"'),
    ):
        kept.write_text(text)
        ended = command("undo", kept)
        assert (1, True) == (ended.code, "is in the log of swap: give undo that" in ended.err), ended
    kept.write_text(_result("raised"))
    assert "raised: the servers are as before" in command("undo", kept).out


@pytest.mark.parametrize(
    "text", ["", "nothing of ours", (EVENTS / "state.json").read_text(), '{"targets": []}']
)
def test_a_file_without_a_result_is_wrong_use(command: Command, tmp_path: Path, text: str) -> None:
    kept = tmp_path / "result.json"
    kept.write_text(text)
    ended = command("undo", kept)
    assert (64, True) == (ended.code, f"{kept}: no result or log line of slb-swap" in ended.err), ended


def test_a_target_that_no_result_names_is_wrong_use(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    kept.write_text(_result("unchanged"))
    ended = command("undo", kept, "--target", "api")
    assert (64, True) == (ended.code, "no result of slb-swap about api" in ended.err)
    kept.write_text('{"event": "swap.planned", "target": "web"}')
    ended = command("undo", kept)
    assert (64, True) == (ended.code, "no result among its log lines" in ended.err)
