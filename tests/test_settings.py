"""Settings: what each key may be, and that everything wrong is said at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from handler import settings
from handler.core.model.values import Policy, Target
from handler.settings import BadSettings, load

ONE = {"vserver_group_id": "rsp-web"}


def loaded(*targets: Any, **environ: str) -> settings.Settings:
    return load({"SWAP_TARGETS": json.dumps(list(targets)), **environ})


def errors(*targets: Any, **environ: str) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as caught:
        loaded(*targets, **environ)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return caught.value.errors


def test_only_the_group_is_required() -> None:
    policy = Policy(mark="slb-swap/rsp-web")
    assert loaded(ONE).targets == (Target("rsp-web", "rsp-web", (), "apply", policy),)
    assert loaded(ONE) == settings.Settings(loaded(ONE).targets)


def test_everything_that_can_be_said() -> None:
    said = {
        "name": "web",
        "vserver_group_id": "rsp-web",
        "scaling_group_ids": ["asg-1", "asg-2"],
        "ports": [8080, 9090],
        "weight": 50,
        "mode": "plan",
        "strategy": "surge",
        "max_unavailable": 2,
        "min_backends": 0,
        "max_removed": "0%",
        "exclusive": True,
        "drain_s": 30.5,
        "health": {"timeout_s": 60, "interval_s": 1},
    }
    policy = Policy(
        mark="slb-swap/web",
        ports=(8080, 9090),
        weight=50,
        strategy="surge",
        max_unavailable=2,
        min_backends=0,
        max_removed="0%",
        exclusive=True,
        drain_s=30.5,
        health_timeout_s=60,
        health_interval_s=1,
    )
    assert loaded(said).targets == (Target("web", "rsp-web", ("asg-1", "asg-2"), "plan", policy),)


def test_the_environment_says_the_rest() -> None:
    found = loaded(
        ONE,
        SWAP_ENDPOINT="http://127.0.0.1:8080",
        SWAP_NETWORK="VPC",
        SWAP_WEBHOOK_SECRETS=" whsec_one, whsec_two,,",
        LOG_LEVEL="debug",
    )
    assert (found.endpoint, found.network, found.log_level) == ("http://127.0.0.1:8080", "vpc", "DEBUG")
    assert found.secrets.values == ("whsec_one", "whsec_two")
    assert "whsec" not in repr(found.secrets) + str(found)


def test_endpoints_may_be_named_each() -> None:
    assert loaded(ONE, SWAP_ENDPOINTS="slb=slb.aliyuncs.com").hosts == {"slb": "slb.aliyuncs.com"}
    (why,) = errors(ONE, SWAP_ENDPOINTS="slb=slb.example.com")
    assert (
        why == "SWAP_ENDPOINTS: expected a host that ends with .aliyuncs.com for slb, got 'slb.example.com'"
    )


def test_empty_variables_are_as_good_as_none() -> None:
    assert loaded(
        ONE, SWAP_ENDPOINT=" ", SWAP_ENDPOINTS=" ", SWAP_NETWORK="", LOG_LEVEL="", SWAP_WEBHOOK_SECRETS=""
    ) == loaded(ONE)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("vserver_group_id", "lb-1", "the id of a VServer group, which begins with rsp-"),
        ("vserver_group_id", "rsp-", "the id of a VServer group, which begins with rsp-"),
        ("vserver_group_id", "rsp-a\n", "the id of a VServer group, which begins with rsp-"),
        ("vserver_group_id", None, "the id of a VServer group, which begins with rsp-"),
        ("name", "a b", "1 to 71 letters, digits, '-', '_' or '.'"),
        ("name", "x" * 72, "1 to 71 letters, digits, '-', '_' or '.'"),
        ("weight", 0, "`int` >= 1"),
        ("weight", 101, "`int` <= 100"),
        ("weight", "100", "`int`, got `str`"),
        ("mode", "dry", "one of apply, plan, off"),
        ("strategy", "blue-green", "one of swap, surge"),
        ("max_unavailable", "101%", 'a number of servers, or a share like "25%"'),
        ("max_unavailable", -1, 'a number of servers, or a share like "25%"'),
        ("max_unavailable", 2.5, 'a number of servers, or a share like "25%"'),
        ("max_removed", "half", 'a number of servers, or a share like "50%"'),
        ("min_backends", -1, "`int` >= 0"),
        ("exclusive", "yes", "`bool`, got `str`"),
        ("drain_s", -1, "`float` >= 0.0"),
        ("ports", 8080, "`array`, got `int`"),
        ("scaling_group_ids", "asg-1", "`array`, got `str`"),
        ("health", 5, "`object`, got `int`"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_key(key: str, value: Any, said: str) -> None:
    assert errors({**ONE, key: value}) == (f"targets[0].{key}: expected {said}",)


def test_an_item_of_a_list_is_named_by_its_place() -> None:
    assert errors({**ONE, "ports": [80, 0]}) == ("targets[0].ports[1]: expected `int` >= 1",)
    assert errors({**ONE, "scaling_group_ids": [""]}) == (
        "targets[0].scaling_group_ids[0]: expected `str` of length >= 1",
    )
    assert errors({**ONE, "ports": [80, 80], "scaling_group_ids": ["asg-1", "asg-1"]}) == (
        "targets[0].ports: 80 twice",
        "targets[0].scaling_group_ids: 'asg-1' twice",
    )


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    assert errors({**ONE, "weigth": 5, "zzz": 1, "health": {"timeout": 5}}) == (
        "targets[0].weigth: unknown, did you mean weight?",
        "targets[0].zzz: unknown",
        "targets[0].health.timeout: unknown, did you mean timeout_s?",
    )


def test_all_errors_are_said_at_once() -> None:
    wrong = {"SWAP_NETWORK": "lan", "LOG_LEVEL": "LOUD", "SWAP_ENDPOINT": "https://slb.aliyuncs.com"}
    assert errors({"ports": ["x"]}, 5, {**ONE, "health": {"interval_s": 0}}, **wrong) == (
        "targets[0].ports[0]: expected `int`, got `str`",
        "targets[0].vserver_group_id: required",
        "targets[1]: expected an object",
        "targets[2].health.interval_s: expected `float` > 0.0",
        "SWAP_ENDPOINT: expected a loopback address (localhost, 127.0.0.1, [::1]), got 'slb.aliyuncs.com'",
        "SWAP_NETWORK: expected one of public, vpc, got 'lan'",
        "LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, got 'LOUD'",
    )


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (
            {"name": "a"},
            {"name": "a", "vserver_group_id": "rsp-b"},
            ["name: 'a' is the name of targets[0] too"],
        ),
        ({}, {}, ["name: targets[0] has the same group and name; give each a name"]),
        (
            {},
            {"name": "rsp-web", "vserver_group_id": "rsp-b"},
            ["name: 'rsp-web' is the name of targets[0] too"],
        ),
        (
            {"name": "a"},
            {"name": "rsp-web", "vserver_group_id": "rsp-b"},
            ["name: a name may not be the group of another, targets[0]"],
        ),
        (
            {"name": "rsp-b"},
            {"name": "b", "vserver_group_id": "rsp-b"},
            ["name: a name may not be the group of another, targets[0]"],
        ),
        (
            {"name": "a", "exclusive": True},
            {"name": "b"},
            ["vserver_group_id: targets[0] has it too, and one is exclusive"],
        ),
        (
            {"name": "a"},
            {"name": "b", "exclusive": True},
            ["vserver_group_id: targets[0] has it too, and one is exclusive"],
        ),
    ],
)
def test_two_targets_that_cannot_be_together(
    one: dict[str, Any], other: dict[str, Any], said: list[str]
) -> None:
    assert errors({**ONE, **one}, {**ONE, **other}) == tuple(f"targets[1].{line}" for line in said)


def test_two_targets_may_share_a_group_if_neither_is_exclusive() -> None:
    found = loaded({**ONE, "name": "a"}, {**ONE, "name": "b"}, {"vserver_group_id": "rsp-c"}).targets
    assert [target.name for target in found] == ["a", "b", "rsp-c"]


def test_a_target_that_is_wrong_clashes_with_none() -> None:
    assert errors({**ONE, "weight": 0}, ONE, {**ONE, "weight": 0}) == (
        "targets[0].weight: expected `int` >= 1",
        "targets[2].weight: expected `int` >= 1",
    )


def test_targets_may_stand_in_a_file_of_the_package() -> None:
    read: list[str] = []

    def read_file(path: str) -> str:
        read.append(path)
        return json.dumps([ONE])

    assert load({"SWAP_TARGETS": "config/targets.json"}, read_file).targets == loaded(ONE).targets
    assert read == ["config/targets.json"]


def test_the_package_is_where_the_handler_is() -> None:
    here = Path(settings.__file__)
    assert settings.from_package("handler/settings.py") == here.read_text(encoding="utf-8")


def refused(targets: str | None, read_file: Any = settings.from_package) -> str:
    with pytest.raises(BadSettings) as caught:
        load({} if targets is None else {"SWAP_TARGETS": targets}, read_file)
    (line,) = caught.value.errors
    return line


@pytest.mark.parametrize("targets", [None, "", "  "])
def test_without_targets_it_is_said_what_is_expected(targets: str | None) -> None:
    assert (
        refused(targets) == "SWAP_TARGETS: expected a JSON list of targets, or the path of one in the package"
    )


@pytest.mark.parametrize("targets", ["{}", "[]"])
def test_what_is_no_list_is_refused(targets: str) -> None:
    assert refused(targets) == "SWAP_TARGETS: expected a list of at least one target"


@pytest.mark.parametrize("targets", ["[", "[" * 100_000, "[{]"])
def test_what_is_no_json_is_refused(targets: str) -> None:
    assert refused(targets).startswith("SWAP_TARGETS: ")


@pytest.mark.parametrize("path", ["/etc/passwd", "../targets.json", "a/../../b"])
def test_a_path_outside_the_package_is_refused(path: str) -> None:
    assert refused(path) == f"SWAP_TARGETS: expected a path inside the package, got {path!r}"


def test_a_file_that_cannot_be_read_is_named() -> None:
    assert refused("no/such.json") == "SWAP_TARGETS: cannot read 'no/such.json': No such file or directory"

    def read_file(path: str) -> str:
        return b"\xff".decode()

    assert refused("latin.json", read_file) == "SWAP_TARGETS: cannot read 'latin.json': not UTF-8"


def test_function_behind_the_webhook_is_a_service_and_a_function() -> None:
    assert ("other-swap", "swap") == loaded(ONE, SWAP_FUNCTION="other-swap/swap").function
    assert ("slb-swap", "swap") == loaded(ONE).function


@pytest.mark.parametrize("said", ["swap", "/swap", "slb-swap/", "a/b/c"])
def test_function_behind_the_webhook_that_is_neither_is_an_error(said: str) -> None:
    (error,) = errors(ONE, SWAP_FUNCTION=said)
    assert error.startswith("SWAP_FUNCTION: expected service/function")
