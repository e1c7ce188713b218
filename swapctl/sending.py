"""Sends a signed request: to the HTTP trigger, or by invoking the function; returns the answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handler.cloud import endpoints
from handler.cloud.endpoints import Endpoint, Endpoints, Network
from handler.cloud.invoking import Invoker
from handler.core.model.answers import CallFailed, Result
from handler.triggers import keys
from swapctl import access, given
from swapctl.ending import Failed, WrongUse

#: Seconds that an answer is waited for: the longest that a function may run (Function Compute, Limits).
ANSWER_S = 600
#: The code of Function Compute if all instances of a function are at work.
NO_ROOM = "ResourceExhausted"
BUSY = "swap was busy: send it again in 30 s"


@dataclass(frozen=True, slots=True)
class Way:
    """How a request gets to the function; ``endpoint`` is that of a local cloud."""

    webhook: str | None
    function: str | None
    endpoint: str | None
    region: str | None
    account: str | None


def chosen(
    webhook: str | None, function: str | None, endpoint: str | None, region: str | None, account: str | None
) -> Way:
    """Return the way that the options say. Raises WrongUse if they say none, or two."""
    if (webhook is None) == (function is None):
        raise WrongUse("expected one of --webhook URL and --function NAME")
    if webhook is not None and not webhook.startswith(("http://", "https://")):
        raise WrongUse(f"--webhook: expected a URL that begins with https:// or http://, got {webhook!r}")
    if webhook is not None and "@" in webhook.split("/")[2]:
        raise WrongUse("--webhook: expected a URL without user and password")
    endpoint = endpoint or os.environ.get("SWAP_ENDPOINT") or None
    if endpoint is not None:
        given.loopback(endpoint)
    return Way(webhook, function, endpoint, region, account)


def secret() -> str:
    """Return the first of SWAP_WEBHOOK_SECRETS, which is never printed. Raises WrongUse, Failed."""
    found = [part.strip() for part in os.environ.get("SWAP_WEBHOOK_SECRETS", "").split(",") if part.strip()]
    if not found:
        raise WrongUse("no secret to sign with: set SWAP_WEBHOOK_SECRETS")
    wrong = keys.fault(found[0])
    if wrong:
        raise Failed(f"SWAP_WEBHOOK_SECRETS[0]: {wrong}")
    return found[0]


def signed(body: bytes, secret_text: str, sent_id: str, now: float) -> dict[str, str]:
    """Return the headers of a request, signed as Standard Webhooks says ("Signature scheme")."""
    stamp = str(int(now))
    mac = hmac.new(
        next(keys.of([secret_text])), f"{sent_id}.{stamp}.".encode() + body, hashlib.sha256
    ).digest()
    return {
        "content-type": "application/json",
        "webhook-id": sent_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def request(body: Mapping[str, Any], way: Way, *, no_wait: bool = False) -> tuple[dict[str, Any], str]:
    """Send a request, and return the result that was answered and the id it was sent under."""
    raw = given.encoded(body)
    sent_id = f"slb-swap-{secrets.token_hex(8)}"
    headers = signed(raw, secret(), sent_id, time.time())
    if no_wait:
        headers["prefer"] = "respond-async"
    if way.webhook is not None:
        return _posted(raw, headers, way.webhook), sent_id
    return event(http_event(raw, headers), way), sent_id


def http_event(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a request as an HTTP trigger hands it to a function (Function Compute 3.0)."""
    return json.dumps(
        {
            "version": "v1",
            "rawPath": "/",
            "headers": dict(headers),
            "queryParameters": {},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
            "requestContext": {"http": {"method": "POST", "path": "/"}},
        }
    ).encode()


def event(payload: bytes, way: Way) -> dict[str, Any]:
    """Invoke the function with a delivery, and return its result. Raises Failed."""
    try:
        invoked = _invoker(way).invoke(payload)
    except CallFailed as failed:
        why = f"{way.function}: not invoked: {failed.answer.code} {failed.answer.message}"
        raise Failed(why, *([BUSY] if failed.answer.result is Result.THROTTLED else [])) from None
    try:
        answer = json.loads(invoked.body)
    except ValueError:
        raise Failed(f"{way.function}: answered something that is not JSON") from None
    if invoked.error_type:
        message = answer.get("errorMessage") if isinstance(answer, dict) else None
        return {"outcome": "raised", "reason": message, "targets": [], "rejected": []}
    if isinstance(answer, dict) and "statusCode" in answer:
        return _result(str(answer.get("body", "")).encode(), int(answer["statusCode"]))
    return _result(invoked.body, invoked.status)


def _posted(body: bytes, headers: Mapping[str, str], url: str) -> dict[str, Any]:
    bundle = os.environ.get("ALIBABA_CLOUD_CA_BUNDLE")
    try:
        trusted = ssl.create_default_context(cafile=bundle) if bundle else None
    except OSError:  # an SSLError is one
        raise WrongUse(f"ALIBABA_CLOUD_CA_BUNDLE: cannot read certificates from {bundle!r}") from None
    try:
        sent = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310 - http or https
        with urllib.request.urlopen(sent, timeout=ANSWER_S, context=trusted) as answer:  # noqa: S310
            return _result(answer.read(), answer.status)
    except urllib.error.HTTPError as error:
        return _result(error.read(), error.code)
    except OSError as error:
        why = getattr(error, "reason", error)
        raise Failed(f"{url}: no answer: {getattr(why, 'strerror', None) or why}") from None
    except (ValueError, http.client.InvalidURL) as why:
        raise Failed(f"{url}: not an address: {why}") from None


def _result(body: bytes, status: int) -> dict[str, Any]:
    """Return the result in an answer. Raises Failed if it is none of slb-swap's."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "outcome" not in found:
        raise Failed(f"answered with HTTP status {status}, and not by slb-swap: is that the right address?")
    return {"targets": [], "rejected": [], **found}


def _invoker(way: Way) -> Invoker:
    service, _, function = str(way.function).rpartition("/")
    endpoint = _endpoint(way)
    if service:
        from handler.cloud.fc import Fc  # noqa: PLC0415

        return Fc(access.find(), endpoint, service, function, read_timeout_s=ANSWER_S)
    from handler.cloud.fc3 import Fc3  # noqa: PLC0415

    return Fc3(access.find(), endpoint, function, read_timeout_s=ANSWER_S)


def _endpoint(way: Way) -> Endpoint:
    region = access.region(way.region, local=way.endpoint is not None)
    account = way.account or os.environ.get("FC_ACCOUNT_ID", "")
    if not account and way.endpoint is None:
        raise WrongUse(
            "no account: give --account ID, or set FC_ACCOUNT_ID; a function's address begins with it"
        )
    try:
        hosts = endpoints.hosts(os.environ.get("SWAP_ENDPOINTS", ""))
    except ValueError as why:
        raise WrongUse(f"SWAP_ENDPOINTS: {why}") from None
    network: Network = "vpc" if os.environ.get("SWAP_NETWORK") == "vpc" else "public"
    loopback = endpoints.loopback(way.endpoint) if way.endpoint else None
    return Endpoints(network, loopback, hosts).fc(account, region)


def servers(option: str, ids: Sequence[str]) -> list[str]:
    """Return the ids of an option that may hold several, with commas or spaces.

    Raises WrongUse if it was given and names nothing, as with a variable that is not set.
    """
    for text in ids:
        if not text.replace(",", " ").split():
            raise WrongUse(f"{option}: empty, expected an id")
    return [one for text in ids for one in text.replace(",", " ").split()]
