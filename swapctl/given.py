"""What a command is given: settings, a delivery or a request, as files, standard input or the environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handler import blinds, settings
from handler.cloud import endpoints
from handler.core.model.policy import Target
from handler.core.model.values import Intent
from handler.settings import BadSettings, Settings
from handler.triggers import deployment, github
from handler.triggers.faults import broken, repeated_key
from handler.triggers.http import MAX_BODY
from handler.triggers.messages import Ignored, Unreadable
from handler.triggers.signatures import UNAUTHORIZED
from swapctl.ending import Failed, WrongUse

#: How such a file says that a request is to be signed rightly.
SIGNED = ("standard", "github")
#: What a timer without a payload delivers: every target is compared with its scaling groups.
TIMER = b'{"triggerTime": "1970-01-01T00:00:00Z", "triggerName": "slb-swap", "payload": ""}'


def environment(targets: Path | None, endpoint: str | None = None) -> dict[str, str]:
    """Return the environment with what the command's options say in place of the variables.

    Raises WrongUse if there are no settings at all, and Failed as ``listed`` does.
    """
    found = dict(os.environ)
    if targets is not None:
        found["SWAP_TARGETS"] = listed(targets)
    if endpoint is not None:
        loopback(endpoint)
        found["SWAP_ENDPOINT"] = endpoint
    said = found.get("SWAP_TARGETS", "").strip()
    if not said:
        raise WrongUse("no settings: set SWAP_TARGETS to the list of targets, or give --targets FILE")
    if not said.startswith(("[", "{")):
        found["SWAP_TARGETS"] = _from_here(said)
    return found


def listed(file: Path) -> str:
    """Return the text of a file that has the list of targets, or nothing.

    Raises WrongUse, and Failed if it has anything else, which is not quoted: it may be a file of secrets.
    """
    found = text(file).strip()
    if found and not found.startswith(("[", "{")):
        begin = f"got text that begins with {found[0]!a}"
        raise Failed(f"{file}: expected a JSON list of targets, which begins with [, {begin}")
    return found


def loopback(endpoint: str) -> None:
    """See that an endpoint is a local cloud's. Raises WrongUse."""
    try:
        endpoints.loopback(endpoint)
    except ValueError as why:
        raise WrongUse(f"--endpoint: {why}") from None


def _from_here(path: str) -> str:
    """Return the text of a file that is here, where the function has one in its package; else what was given.

    Raises WrongUse if it looks like the path of a file, and there is none; Failed as ``listed`` does.
    """
    try:
        if Path(path).is_file():
            return listed(Path(path))
    except (OSError, ValueError):  # too long, or no path at all
        return path
    if path.endswith(".json"):
        raise WrongUse(f"SWAP_TARGETS: {blinds.quotable(path)}: No such file or directory")
    return path


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises Failed with a line for each thing that is wrong with them."""
    try:
        return settings.load(environ)
    except BadSettings as bad:
        raise Failed(*bad.errors) from None


def content(path: Path) -> bytes:
    """Return the bytes of a file, ``-`` for standard input. Raises WrongUse."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror or 'cannot be read'}") from None


def text(path: Path) -> str:
    """Return the text of a file. Raises WrongUse."""
    try:
        return content(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongUse(f"{path}: not UTF-8") from None


def json_object(raw: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object that bytes hold. Raises WrongUse; ``name`` is where they are from."""
    if not raw.strip():
        raise WrongUse(f"{name}: empty, expected a JSON object")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"{name}: not JSON: {broken(error)}") from None
    if not isinstance(value, dict):
        raise WrongUse(f"{name}: expected a JSON object")
    again = repeated_key(raw)
    if again is not None:
        raise WrongUse(f"{name}: {again!r} is twice in one object")
    return value


def request_intents(file: Path, targets: Sequence[Target]) -> tuple[Intent, ...]:
    """Return what the request in a file asks for, as ``send`` would send it.

    Raises WrongUse, and Failed in the webhook's words.
    """
    body = encoded(json_object(content(file), str(file)))
    if len(body) > MAX_BODY:
        raise Failed(f"body: more than {MAX_BODY} bytes")
    try:
        items = deployment.read(body, targets, ())
    except Unreadable as error:
        raise Failed(str(error)) from None
    found = tuple(item for item in items if isinstance(item, Intent))
    if not found:
        raise Failed(*(f"{item.reason}: {item.detail}" for item in items if isinstance(item, Ignored)))
    return found


def encoded(request: Mapping[str, Any]) -> bytes:
    """Return a request as it is sent."""
    return json.dumps(request, ensure_ascii=False).encode()


def sample(raw: bytes) -> dict[str, Any] | None:
    """Return a request that is still to be signed, as the files of events/ have it; None if it is none."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    known = isinstance(value, dict) and {"method", "headers", "body", "sign"} <= value.keys()
    return value if known else None


def sample_body(given: Mapping[str, Any], now: float) -> tuple[bytes, str]:
    """Return the body of such a request, and the name of GitHub's event, empty if it is not GitHub's."""
    from datetime import datetime, timezone  # noqa: PLC0415 - few commands need it

    body = given["body"] if isinstance(given["body"], str) else json.dumps(given["body"])
    created = datetime.fromtimestamp(now, tz=timezone.utc).isoformat()
    headers = {name.lower(): str(value) for name, value in given["headers"].items()}
    return body.replace('"@now"', json.dumps(created)).encode(), headers.get("x-github-event", "")


def read_sample(given: Mapping[str, Any], targets: Sequence[Target], now: float) -> list[Any]:
    """Return what such a request comes to, its signature taken as right if it is to be signed so.

    Raises Unreadable.
    """
    if given["sign"] not in SIGNED:
        raise Unreadable(f"not signed as it must be: the file's sign is {given['sign']}", UNAUTHORIZED)
    body, github_event = sample_body(given, now)
    if given["sign"] == "github" or github_event:
        return github.read(body, github_event, now, targets, ())
    return deployment.read(body, targets, ())
