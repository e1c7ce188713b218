# ruff: noqa: E501 - a table reads best a case a line
"""``check`` names the key, what was expected, and the nearest right thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.swapctl.conftest import Command

GROUP = {"vserver_group_id": "rsp-web"}
LIST = "expected a list of at least one target"

#: What SWAP_TARGETS is, and what is said of it: the key, what was expected, what is nearest.
TARGETS: list[tuple[Any, str]] = [
    ("[]", f"SWAP_TARGETS: {LIST}, got an empty list"),
    ("{}", f"SWAP_TARGETS: {LIST}, got an object: put it in [ ]"),
    ("[{", "SWAP_TARGETS: not JSON: it was cut"),
    ('[{"vserver_group_id": rsp-web}]', "SWAP_TARGETS: not JSON:"),
    ('[{"vserver_group_id": "rsp-web", "mode": "plan", "mode": "apply"}]', "SWAP_TARGETS: 'mode' is twice in one object"),
    ([{**GROUP, "scaling_group_ids": ["asg-a,asg-b"]}], "scaling_group_ids[0]: expected the id of a scaling group"),
    ([1], "targets[0]: expected an object"),
    ([{}], "targets[0].vserver_group_id: required"),
    ([{"vserver_group": "rsp-web"}], "targets[0].vserver_group: unknown, did you mean vserver_group_id?"),
    ([{"vserver_group_id": "lb-web"}], "which begins with rsp-, got the id of a Classic Load Balancer"),
    ([{"vserver_group_id": "sgp-web"}], "got the id of a server group of an ALB or NLB, which has another API"),
    ([{"vserver_group_id": "alb-web"}], "got the id of an ALB"),
    ([{"vserver_group_id": "nlb-web"}], "got the id of an NLB"),
    ([{"vserver_group_id": "asg-web"}], "got the id of a scaling group"),
    ([{"vserver_group_id": 1}], "targets[0].vserver_group_id: expected the id of a VServer group"),
    ([{"vserver_group_id": " rsp-web"}], 'did you mean "rsp-web"?'),
    ([{**GROUP, "scaling_group_ids": "asg-1"}], 'scaling_group_ids: expected a list of ids of scaling groups, got text, did you mean ["asg-1"]?'),
    ([{**GROUP, "scaling_group_ids": ["rsp-web"]}], "scaling_group_ids[0]: expected the id of a scaling group, got the id of a VServer group"),
    ([{**GROUP, "scaling_group_ids": ["asg-1", "asg-1"]}], "scaling_group_ids: 'asg-1' twice"),
    ([{**GROUP, "scaling_groups": ["asg-1"]}], "did you mean scaling_group_ids?"),
    ([{**GROUP, "ports": 8080}], "ports: expected a list of ports, 1 to 65535, got a number, did you mean [8080]?"),
    ([{**GROUP, "ports": ["8080"]}], "ports[0]: expected a port, 1 to 65535, got text, did you mean 8080?"),
    ([{**GROUP, "ports": [0]}], "ports[0]: expected a port, 1 to 65535"),
    ([{**GROUP, "ports": [80, 80]}], "ports: 80 twice"),
    ([{**GROUP, "weight": 0}], "weight: expected a number from 1 to 100"),
    ([{**GROUP, "weight": "50"}], "weight: expected a number from 1 to 100, got text, did you mean 50?"),
    ([{**GROUP, "mode": "dry"}], "mode: expected one of apply, plan, off"),
    ([{**GROUP, "mode": "aply"}], "mode: expected one of apply, plan, off, did you mean apply?"),
    ([{**GROUP, "strategy": "surg"}], "strategy: expected one of swap, surge, did you mean surge?"),
    ([{**GROUP, "max_unavailable": "25"}], 'max_unavailable: expected a number of servers, or a share like "25%"'),
    ([{**GROUP, "max_unavailable": "125%"}], 'max_unavailable: expected a number of servers, or a share like "25%"'),
    ([{**GROUP, "max_unavailable": 0.25}], 'max_unavailable: expected a number of servers, or a share like "25%", got a number with a fraction'),
    ([{**GROUP, "min_backends": -1}], "min_backends: expected a number of servers, 0 or more"),
    ([{**GROUP, "max_removed": True}], 'max_removed: expected a number of servers, or a share like "50%", got true or false'),
    ([{**GROUP, "exclusive": "yes"}], "exclusive: expected true or false, got text, did you mean true?"),
    ([{**GROUP, "drain_s": "30"}], "drain_s: expected seconds, 0 to 86400, got text, did you mean 30?"),
    ([{**GROUP, "health": 60}], "health: expected an object with timeout_s and interval_s, got a number"),
    ([{**GROUP, "health": {"timeout": 60}}], "health.timeout: unknown, did you mean timeout_s?"),
    ([{**GROUP, "health": {"interval_s": 0}}], "health.interval_s: expected seconds above 0, up to 86400"),
    ([{**GROUP, "health": {"timeout_s": 0}}], "health.timeout_s: expected interval_s (2) or more, got 0"),
    ([{**GROUP, "load_balancer_id": "lb-a"}, {**GROUP, "name": "b", "load_balancer_id": "lb-b"}], "targets[1].load_balancer_id: targets[0] has the same group and another one"),
    ([{**GROUP, "name": "a b"}], "name: expected 1 to 71 letters, digits, '-', '_' or '.'"),
    ([{**GROUP, "name": "a"}, {"vserver_group_id": "rsp-b", "name": "a"}], "targets[1].name: 'a' is the name of targets[0] too"),
    ([{**GROUP, "exclusive": True}, {**GROUP, "name": "b"}], "targets[1].vserver_group_id: targets[0] has it too, and one is exclusive"),
]  # fmt: skip

#: Other variables, and what is said of them.
VARIABLES = [
    ("SWAP_WEBHOOK_SECRET", "x", "SWAP_WEBHOOK_SECRET: unknown, did you mean SWAP_WEBHOOK_SECRETS?"),
    ("SWAP_TARGET", "[]", "SWAP_TARGET: unknown, did you mean SWAP_TARGETS?"),
    ("SWAP_WEBHOOK_SECRETS", "short", "SWAP_WEBHOOK_SECRETS[0]: expected whsec_ and base64 of 24 bytes or more"),
    ("SWAP_WEBHOOK_SECRETS", "v1,0123456789abcdef", "got the name of an algorithm"),
    ("SWAP_WEBHOOK_SECRETS", "whsec_x!", "SWAP_WEBHOOK_SECRETS[0]: expected base64 after whsec_"),
    ("SWAP_NETWORK", "vcp", "SWAP_NETWORK: expected one of public, vpc, got 'vcp', did you mean vpc?"),
    ("SWAP_FUNCTION", "a/b/c", "SWAP_FUNCTION: expected a function such as"),
    ("SWAP_ENDPOINT", "http://example.com", "SWAP_ENDPOINT: expected a loopback address"),
    ("LOG_LEVEL", "DEBIG", "LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, got 'DEBIG', did you mean DEBUG?"),
]  # fmt: skip


def test_there_are_forty_and_more() -> None:
    assert 40 <= len(TARGETS)


@pytest.mark.parametrize(("targets", "words"), TARGETS)
def test_wrong_targets_are_told(command: Command, tmp_path: Path, targets: Any, words: str) -> None:
    file = tmp_path / "targets.json"
    file.write_text(targets if isinstance(targets, str) else json.dumps(targets))
    ended = command("check", file, "--offline")
    assert (1, "wrong ") == (ended.code, ended.out[:6])
    assert words in ended.out


@pytest.mark.parametrize("held", ["export DB_PASSWORD=hunter2\nexport X=1\n", "e=hunter2", "export.json"])
def test_a_file_that_is_no_list_of_targets_is_not_quoted(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    file, good = tmp_path / "my.env", tmp_path / "targets.json"
    file.write_text(held)
    good.write_text(json.dumps([GROUP]))
    for way in (
        ("check", file, "--offline"),
        ("check", good, "--before", file, "--offline"),
        ("plan", "--targets", file),
        ("explain", good, "--targets", file),
    ):
        ended = command(*way)
        assert 1 == ended.code
        assert ended.err.endswith(
            f"{file}: expected a JSON list of targets, which begins with [, got text that begins with 'e'\n"
        )
        assert "hunter2" not in ended.out + ended.err
    monkeypatch.setenv("SWAP_TARGETS", str(file))
    assert "hunter2" not in (ended := command("check", "--offline")).out + ended.err
    monkeypatch.setenv("SWAP_TARGETS", held)
    assert "hunter2" not in (ended := command("check", "--offline")).out.replace("e=hunter2", "") + ended.err


@pytest.mark.parametrize(("name", "value", "words"), VARIABLES)
def test_wrong_variables_are_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    file = tmp_path / "targets.json"
    file.write_text(json.dumps([GROUP]))
    monkeypatch.setenv(name, value)
    ended = command("check", file, "--offline")
    assert (1, True) == (ended.code, words in ended.out), ended.out
    assert value == "[]" or name != "SWAP_WEBHOOK_SECRETS" or value not in ended.out


def test_settings_may_be_long_in_the_variable_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [{"vserver_group_id": f"rsp-{number}", "name": f"web-{number}"} for number in range(30)]
    for said in (json.dumps(many), "x" * 300, "a\tb"):
        monkeypatch.setenv("SWAP_TARGETS", said)
        ended = command("check", "--offline")
        assert (said[0] != "[", "unexpected" in ended.err) == (bool(ended.code), False)


def test_the_other_commands_say_the_same(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    file.write_text(json.dumps([{**GROUP, "mode": "aply"}]))
    words = "targets[0].mode: expected one of apply, plan, off, did you mean apply?"
    for arguments in (
        ("plan",),
        ("explain", file),
        ("send", file, "--function", "f", "--endpoint", "http://127.0.0.1:1"),
    ):
        ended = command(*arguments, "--targets", file)
        assert (1, True) == (ended.code, words in ended.err)
