"""``make run``: the result first, of any delivery, state and settings, with an expectation or without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.level_c import ROOT

EVENTS = ROOT / "events"


def make_run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "show.run", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def result_of(said: str) -> list[str]:
    """What stands before the calls and the log."""
    return said.partition("\nThe calls, ")[0].splitlines()


def test_an_own_event_on_an_own_state_needs_no_expectation(tmp_path: Path) -> None:
    state = json.loads(
        (EVENTS / "state.json").read_text().replace("rsp-web", "rsp-own").replace("i-old1", "i-mine")
    )
    targets = json.loads((EVENTS / "targets.json").read_text().replace("rsp-web", "rsp-own"))
    for name, value in (("state", state), ("targets", targets)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    event = tmp_path / "event.json"
    event.write_text(
        (EVENTS / "eventbridge-ess-scale-in-success.json").read_text().replace("i-old1", "i-mine")
    )
    done = make_run(event, "--state", tmp_path / "state.json", "--targets", tmp_path / "targets.json")
    assert done.returncode == 0, done.stderr
    assert "  swap      i-mine:8080 (100) -> i-new1:8080 (100)" in done.stdout.splitlines()


def test_the_result_stands_first_and_fits_a_window(tmp_path: Path) -> None:
    state = json.loads((EVENTS / "state.json").read_text())
    olds = [f"i-{number:03}" for number in range(40)]
    news = [f"i-new{number:03}" for number in range(40)]
    group = state["load_balancers"][0]["vserver_groups"][0]
    group["backends"] = [{"server_id": one, "port": 8080, "weight": 100} for one in olds]
    state["instances"] = [{"instance_id": one, "health": "normal"} for one in (*olds, *news)]
    state["scaling_groups"] = [{"scaling_group_id": "asg-web", "instances": []}]
    (tmp_path / "state.json").write_text(json.dumps(state))
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"target": "web", "terminated": olds, "launched": news, "gone": True}))
    done = make_run(request, "--state", tmp_path / "state.json")
    lines = result_of(done.stdout)
    assert done.returncode == 0, done.stderr
    assert ("applied", True) == (lines[1], len(lines) <= 24)
    assert any(line.startswith("  undo ") for line in lines)
    assert "  answer    HTTP 200" in lines
    assert any("lines more" in line for line in lines)


def test_refusals_have_their_numbers() -> None:
    done = make_run(EVENTS / "webhook-all-removed.json")
    assert done.returncode == 0
    assert any("refused" in line and "allowed 1" in line for line in result_of(done.stdout))


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_hook_that_is_pending_is_completed(way: str) -> None:
    said = "\n".join(result_of(make_run(EVENTS / f"eventbridge-ess-hook-scale-{way}.json").stdout))
    assert "  hook      ash-1 completed: CONTINUE" in said
    assert "no_pending_action" not in said


def test_the_list_is_made_for_pipes() -> None:
    lines = make_run("list").stdout.splitlines()
    assert all(len(line.split("\t")) == 3 and (ROOT / line.split("\t")[0]).is_file() for line in lines)
    script = f"{sys.executable} -m show.run list | head -1"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (1, "") == (len(done.stdout.splitlines()), done.stderr)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ('{"instances": [{"status": "Running"}]}', "instances[0].instance_id"),
        ('{"instances": "x"}', "instances: a list is needed"),
        ('["x"]', "expected a JSON object"),
        ('{"scaling_groups": [{"name": "x"}]}', "scaling_groups[0].scaling_group_id"),
    ],
)
def test_a_state_that_cannot_be_used_is_told_by_its_key(tmp_path: Path, state: str, said: str) -> None:
    (tmp_path / "state.json").write_text(state)
    hook = EVENTS / "mns-topic-stream-hook-scale-in.b64"
    done = make_run(hook, "--state", tmp_path / "state.json")
    assert ("Traceback" not in done.stderr, said in done.stderr) == (True, True), done.stderr


def test_a_request_with_a_misspelt_field_is_still_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"target": "web", "terminatd": ["i-old1"]}')
    done = make_run(tmp_path / "request.json")
    assert "unknown field 'terminatd', did you mean terminated?" in done.stdout


def test_what_is_not_there_is_said() -> None:
    done = make_run("events/none.json")
    assert (64, True) == (done.returncode, "events/none.json: No such file" in done.stderr)
    done = make_run(EVENTS / "timer.json", "--targets", EVENTS / "state.json")
    assert (1, True) == (done.returncode, "SWAP_TARGETS: expected a list" in done.stderr)
