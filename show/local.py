"""A local cloud in this process, asked as over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from localcloud.http import Headers, Request
from localcloud.serving import LocalCloud
from show.signing import signed


def ask(
    cloud: LocalCloud, method: str, path: str, body: Any = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Send a request; its status, and its answer as JSON or text."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    path, _, query = path.partition("?")
    answer = cloud.handle(Request(method, path, query, Headers(dict(headers or {})), data))
    try:
        return answer.status, json.loads(answer.body or b"null")
    except ValueError:
        return answer.status, answer.body.decode("utf-8", "replace")


def log(cloud: LocalCloud) -> list[str]:
    """The lines that the function `swap` has logged."""
    lines = ask(cloud, "GET", "/_local/logs?function=swap")[1]
    return [line for line in lines if line.startswith("{")]


def webhook_path(cloud: LocalCloud) -> str:
    """Where the function `webhook` is reached."""
    url = json.loads(cloud.greeting()).get("webhook_url")
    return urlsplit(url).path if url else "/2016-08-15/proxy/slb-swap/webhook/"


def request(cloud: LocalCloud, body: Mapping[str, Any]) -> tuple[int, Any]:
    """Send a request for a swap to the function, signed."""
    headers = {"content-type": "application/json"}
    return send(cloud, {"method": "POST", "headers": headers, "sign": "standard", "body": body})


def send(cloud: LocalCloud, sent: Mapping[str, Any]) -> tuple[int, Any]:
    """Send a request in the form that the files of events/ have."""
    method, headers, data = signed(sent, time.time())
    return ask(cloud, method, webhook_path(cloud), data, headers)
