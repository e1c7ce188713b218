"""A profile that cannot be used is named, not taken for none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swapctl import access
from tests.swapctl.conftest import TARGETS, Command


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the CLI's configuration, with no instance role to fall back to."""
    monkeypatch.setattr("alibabacloud_credentials.utils.auth_constant.HOME", str(tmp_path))
    monkeypatch.setattr("alibabacloud_credentials.utils.auth_util.environment_ecs_metadata_disabled", "true")
    (tmp_path / ".aliyun").mkdir()
    return tmp_path / ".aliyun" / "config.json"


def _current(name: str = "default", **profile: Any) -> str:
    return json.dumps({"current": name, "profiles": [{"name": "default", **profile}]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "config.json: not JSON"),
        ("[]", "config.json: expected an object with profiles"),
        ('{"current": "a"}', "config.json: expected an object with profiles"),
        ('{"profiles": []}', "config.json: no profile is current"),
        (_current("prod", mode="AK"), "config.json: has no profile 'prod'"),
        (_current(mode="AK", access_key_id=""), "profile 'default': mode AK gives no access key"),
        (_current(mode="CloudSSO"), "profile 'default': mode CloudSSO gives no access key"),
        (_current(mode="OAuth"), "aliyun configure --profile default --mode OAuth"),
        (_current(mode="Tomorrow"), "mode Tomorrow is not supported; use AK, StsToken,"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(
    profile: Path, command: Command, text: str, said: str
) -> None:
    profile.write_text(text)
    ended = command("plan", "--targets", TARGETS, "--region", "cn-hangzhou")
    assert (64, True) == (ended.code, said in ended.err), ended.err
    ended = command("check", TARGETS, "--region", "cn-hangzhou")
    assert (1, True) == (ended.code, said in ended.out), ended.out


def test_a_configuration_that_cannot_be_read_does_not_matter_to_who_has_a_key(
    profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile.write_text("{")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "a-secret")
    assert "an-id" == access.find().access_key_id
    assert ["cn-beijing", "cn-hangzhou"] == [
        access.region("cn-beijing", local=False),
        access.region(None, local=True),
    ]


def test_a_folder_in_place_of_the_configuration_is_named(profile: Path, command: Command) -> None:
    profile.mkdir()
    ended = command("plan", "--targets", TARGETS, "--region", "cn-hangzhou")
    assert (64, True) == (ended.code, "config.json: Is a directory" in ended.err)


@pytest.mark.parametrize("region", ["ap-southeast-1", "cn-shanghai-finance-1", "us-east-1", "cn-wulanchabu"])
def test_regions_of_all_kinds_are_taken(region: str) -> None:
    assert region == access.region(region, local=False)
