"""Function Compute: how ``webhook`` hands its request on to ``swap``, through aliyun-fc2 (2016-08-15).

Of aliyun-fc2 its paths and signatures are used. How it sends is replaced: it retries a refused connection
for half a minute, opens a new one for each call, fails on errors that are no JSON, and logs tokens.
"""

from __future__ import annotations

import functools
import json
import logging
import os
from dataclasses import dataclass
from typing import Any, Final

import fc2
import requests
from requests.adapters import HTTPAdapter

from handler.cloud import endpoints
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoint, Network
from handler.cloud.errors import classify
from handler.cloud.tls import OneContext
from handler.core.model.answers import Answer, CallFailed

CONNECT_TIMEOUT_S: Final = 3.0

#: aliyun-fc2 logs what it signs, the token among it, to the root logger.
_nowhere = logging.getLogger("fc2.nowhere")
_nowhere.disabled = True
fc2.client.logging = fc2.auth.logging = _nowhere


@dataclass(frozen=True, slots=True)
class Invoked:
    """What an invocation gave. ``error_type`` is set where the function raised; ``body`` then says what."""

    status: int
    body: bytes
    error_type: str = ""


class Fc:
    """Invokes functions, over connections that are kept alive."""

    def __init__(
        self,
        credentials: Credentials,
        region: str,
        account_id: str,
        *,
        network: Network = "public",
        endpoint: str | None = None,
        read_timeout_s: float = 60.0,
    ) -> None:
        """A call waits ``read_timeout_s``; ``endpoint`` is SWAP_ENDPOINT: raises ValueError off loopback."""
        if endpoint:
            self._endpoint = endpoints.loopback(endpoint)
        else:
            self._endpoint = endpoints.fc(account_id, region, network)
        self._session = _session(self._endpoint)
        self._read_timeout_s = read_timeout_s
        self.renew(credentials)

    def renew(self, credentials: Credentials) -> None:
        """Sign from now on with the credentials of a new invocation; connections stay."""
        self._client = _Client(
            self._session,
            self._read_timeout_s,
            endpoint=self._endpoint.url,
            accessKeyID=credentials.access_key_id,
            accessKeySecret=credentials.access_key_secret,
            securityToken=credentials.security_token,
        )

    def invoke(
        self,
        service: str,
        function: str,
        payload: bytes,
        *,
        asynchronous: bool = False,
        invocation_id: str | None = None,
    ) -> Invoked:
        """Invoke a function and return what it gave, or that it is queued (202).

        ``invocation_id`` makes an asynchronous invocation the only one of its id; one that is there already
        counts as queued. Raises CallFailed where the function was not reached: THROTTLED when all its
        instances are busy.
        """
        headers = {"x-fc-invocation-type": "Async" if asynchronous else "Sync"}
        if invocation_id:
            headers["x-fc-stateful-async-invocation-id"] = invocation_id
        try:
            reply = self._client.invoke_function(service, function, payload=payload, headers=headers)
        except _NotInvokedError as failed:
            if failed.response.status_code == 409 and asynchronous:
                return Invoked(202, b"")
            return _told(failed.response)
        except requests.RequestException as error:
            # Its text holds the URL only, but its request the headers: nothing of it is kept.
            answer = Answer(
                classify("InvokeFunction", "SDK.HttpError", None, ""), "SDK.HttpError", type(error).__name__
            )
            raise CallFailed(answer) from None
        return Invoked(202 if asynchronous else 200, reply.data)


class _NotInvokedError(Exception):
    """An answer that is not a function's result."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _Client(fc2.Client):  # type: ignore[misc]
    """aliyun-fc2, with its sending replaced."""

    def __init__(self, session: requests.Session, read_timeout_s: float, **given: Any) -> None:
        super().__init__(**given)
        self._session = session
        self._timeouts = (CONNECT_TIMEOUT_S, read_timeout_s)
        session.auth = self.auth  # which does nothing, and so keeps a netrc from replacing our signature

    def _do_request(
        self, method: str, path: str, headers: dict[str, str], params: Any = None, body: bytes | None = None
    ) -> requests.Response:
        response = self._session.request(
            method,
            f"{self.endpoint}{path}",
            headers=headers,
            params=params,
            data=body,
            timeout=self._timeouts,
            allow_redirects=False,
            verify=os.environ.get("ALIBABA_CLOUD_CA_BUNDLE") or True,
        )
        if response.status_code >= 300 or "x-fc-error-type" in response.headers:
            raise _NotInvokedError(response)
        return response


class _Adapter(OneContext, HTTPAdapter):
    """The adapter of requests, with one TLS context."""


@functools.cache
def _adapter() -> _Adapter:
    """Return the adapter of all sessions: each request to the webhook has one."""
    return _Adapter()


def _session(endpoint: Endpoint) -> requests.Session:
    session = requests.Session()
    # Off loopback, the environment's proxies are for us, and requests honours NO_PROXY itself.
    session.trust_env = not endpoint.loopback
    session.mount("https://", _adapter())
    return session


def _told(response: requests.Response) -> Invoked:
    """Return a function's own error; raise CallFailed for Function Compute's."""
    error_type = response.headers.get("x-fc-error-type", "")
    if error_type:
        return Invoked(response.status_code, response.content, error_type)
    try:
        said = json.loads(response.content)
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    code, message = str(said.get("ErrorCode") or "FC.Unknown"), str(said.get("ErrorMessage") or "")
    result = classify("InvokeFunction", code, response.status_code, message)
    request_id = response.headers.get("x-fc-request-id", "")
    # The message is left out: on a signature that does not match it repeats what was signed.
    raise CallFailed(Answer(result, code, f"HTTP status {response.status_code}", request_id))
