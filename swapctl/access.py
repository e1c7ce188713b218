"""Who the operator is to the cloud: access key and region, found as every tool of this cloud finds them."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from handler import blinds
from handler.cloud import credentials
from handler.cloud.client import Client
from handler.cloud.credentials import Credentials, NoCredentials
from handler.settings import Settings
from swapctl.asking import Asking
from swapctl.ending import WrongUse

#: The variables that name a region, in the order in which they are looked at.
_REGION: Final = ("ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION_ID", "FC_REGION")
#: The region of the local cloud, where nothing else is said.
_LOCAL_REGION: Final = "cn-hangzhou"
_LIKE_A_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")


def find() -> Credentials:
    """Return the access key: the environment's, else what alibabacloud-credentials finds by its chain.

    That is the profile of ``~/.aliyun/config.json``, the file of ALIBABA_CLOUD_CREDENTIALS_FILE, and the RAM
    role of the instance. Raises WrongUse, which names the profile if it has one that cannot be used.
    """
    try:
        found = credentials.find(None, os.environ)
    except NoCredentials:
        found = _by_chain()
    blinds.add(found.secrets())
    return found


def _by_chain() -> Credentials:
    # It reads the environment when it is imported, and logs what a metadata server answers.
    logging.getLogger("credentials").disabled = True
    from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415

    why = ""
    try:
        given = DefaultCredentialsProvider().get_credentials()
    except Exception as error:  # its text may hold what a server answered
        given, why = None, str(error)
    if given is None or not given.get_access_key_id():
        profile = _profile()
        if profile:
            raise WrongUse(_unusable(profile, supported="unsupported profile mode" not in why))
        raise WrongUse(
            "no credentials: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or a "
            "profile in ~/.aliyun/config.json (aliyun configure), or run on an instance with a RAM role"
        )
    key_id, secret = given.get_access_key_id(), given.get_access_key_secret()
    return Credentials(key_id, secret, given.get_security_token() or "")


def _unusable(profile: Mapping[str, Any], *, supported: bool) -> str:
    """Return why a profile gives no access key."""
    named, mode = f"profile {profile.get('name')!r}", profile.get("mode")
    if not supported:
        return f"{named}: mode {mode} is not supported; use AK, StsToken, RamRoleArn or EcsRamRole"
    again = f"aliyun configure --profile {profile.get('name')} --mode {mode}"
    return f"{named}: mode {mode} gives no access key: it lacks something, or its login has ended: {again}"


def has_credentials() -> bool:
    """Tell whether there is an access key, without asking a network for it.

    Raises WrongUse for a configuration of the CLI that cannot be used.
    """
    try:
        credentials.find(None, os.environ)
    except NoCredentials:
        return bool(_profile()) or bool(os.environ.get("ALIBABA_CLOUD_CREDENTIALS_FILE"))
    return True


def region(said: str | None, *, local: bool) -> str:
    """Return the region: said, or the environment's, or the profile's.

    Raises WrongUse if there is none, or none that looks like a region.
    """
    found = said or next((os.environ[name] for name in _REGION if os.environ.get(name)), "")
    found = found or _region_of_profile(local=local) or (_LOCAL_REGION if local else "")
    if found:
        like_a_region(found)
    else:
        raise WrongUse("no region: give --region, such as cn-hangzhou, or set ALIBABA_CLOUD_REGION_ID")
    return found


def _region_of_profile(*, local: bool) -> str:
    try:
        return str(_profile().get("region_id") or "")
    except WrongUse:
        if not local:
            raise
        return ""


def like_a_region(text: str) -> None:
    """See that a text looks like the id of a region. Raises WrongUse."""
    if not _LIKE_A_REGION.fullmatch(text):
        raise WrongUse(f"region: expected an id such as cn-hangzhou, got {text!r}")


def client(chosen: Settings, region_id: str) -> Client:
    """Return the function's client, with the operator's key. Raises WrongUse if there is none."""
    return Asking(find(), region_id, chosen.endpoints)


def _profile() -> Mapping[str, Any]:
    """Return the current profile of the CLI's configuration (Alibaba Cloud CLI, Configure profiles).

    It is empty without a configuration. Raises WrongUse for one that cannot be read, or has no such profile.
    """
    file = Path.home() / ".aliyun" / "config.json"
    if os.environ.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() == "true" or not file.exists():
        return {}
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUse(f"{file}: {error.strerror or 'cannot be read'}") from None
    except (ValueError, RecursionError):
        raise WrongUse(f"{file}: not JSON") from None
    listed = config.get("profiles") if isinstance(config, dict) else None
    if not isinstance(listed, list):
        raise WrongUse(f"{file}: expected an object with profiles")
    name = os.environ.get("ALIBABA_CLOUD_PROFILE") or config.get("current")
    if not name:
        raise WrongUse(f"{file}: no profile is current: aliyun configure switch --profile NAME")
    for one in listed:
        if isinstance(one, dict) and one.get("name") == name:
            return one
    raise WrongUse(f"{file}: has no profile {name!r}")
