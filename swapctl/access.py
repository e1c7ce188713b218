"""Who the operator is to the cloud: access key and region, found as every tool of this cloud finds them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from handler import blinds
from handler.cloud import credentials
from handler.cloud.client import Client
from handler.cloud.credentials import Credentials, NoCredentials
from handler.settings import Settings
from swapctl.ending import Failed, WrongUse

#: The variables that name a region, in the order in which they are looked at.
_REGION: Final = ("ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION_ID", "FC_REGION")
#: The region of the local cloud, where nothing else is said.
_LOCAL_REGION: Final = "cn-hangzhou"


def find() -> Credentials:
    """Return the access key: the environment's, else what alibabacloud-credentials finds by its chain.

    That is the profile of ``~/.aliyun/config.json``, the file of ALIBABA_CLOUD_CREDENTIALS_FILE, and the RAM
    role of the instance. Raises Failed.
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

    try:
        given = DefaultCredentialsProvider().get_credentials()
    except Exception:
        given = None
    if given is None or not given.get_access_key_id():
        raise Failed(
            "no credentials: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or a "
            "profile in ~/.aliyun/config.json (aliyun configure), or run on an instance with a RAM role"
        )
    key_id, secret = given.get_access_key_id(), given.get_access_key_secret()
    return Credentials(key_id, secret, given.get_security_token() or "")


def has_credentials() -> bool:
    """Tell whether there is an access key, without asking a network for it."""
    try:
        credentials.find(None, os.environ)
    except NoCredentials:
        return bool(_profile()) or bool(os.environ.get("ALIBABA_CLOUD_CREDENTIALS_FILE"))
    return True


def region(said: str | None, *, local: bool) -> str:
    """Return the region: said, or the environment's, or the profile's. Raises WrongUse if there is none."""
    found = said or next((os.environ[name] for name in _REGION if os.environ.get(name)), "")
    found = found or str(_profile().get("region_id") or "") or (_LOCAL_REGION if local else "")
    if not found:
        raise WrongUse("no region: give --region, such as cn-hangzhou, or set ALIBABA_CLOUD_REGION_ID")
    return found


def client(chosen: Settings, region_id: str) -> Client:
    """Return the function's client, with the operator's key."""
    return Client(find(), region_id, chosen.endpoints)


def _profile() -> Mapping[str, Any]:
    """Return the current profile of the CLI's configuration (Alibaba Cloud CLI, Configure profiles)."""
    try:
        text = (Path.home() / ".aliyun" / "config.json").read_text(encoding="utf-8")
        config = json.loads(text)
        name = os.environ.get("ALIBABA_CLOUD_PROFILE") or config.get("current")
        return next((dict(one) for one in config["profiles"] if one.get("name") == name), {})
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
