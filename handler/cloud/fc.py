"""Function Compute 2.0: how ``webhook`` hands its request on to ``swap``, with aliyun-fc2 (2016-08-15).

aliyun-fc2 gives paths and signatures. Its sending is replaced: it retries a refused connection for half a
minute, opens a new one for each call, fails on errors that are not JSON, and logs tokens.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import fc2
import requests
from requests.adapters import HTTPAdapter

from handler.cloud import invoking
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoint
from handler.cloud.invoking import CONNECT_TIMEOUT_S, Invoked
from handler.cloud.tls import OneContext

#: aliyun-fc2 logs what it signs to the root logger, even the token.
_nowhere = logging.getLogger("fc2.nowhere")
_nowhere.disabled = True
fc2.client.logging = fc2.auth.logging = _nowhere


class Fc:
    """Invokes a function of Function Compute 2.0."""

    def __init__(
        self,
        credentials: Credentials,
        endpoint: Endpoint,
        service: str,
        function: str,
        *,
        read_timeout_s: float,
    ) -> None:
        """A call waits ``read_timeout_s``."""
        self._named = service, function
        self._client = _Client(
            _session(endpoint),
            read_timeout_s,
            endpoint=endpoint.url,
            accessKeyID=credentials.access_key_id,
            accessKeySecret=credentials.access_key_secret,
            securityToken=credentials.security_token,
        )

    def invoke(
        self, payload: bytes, *, asynchronous: bool = False, invocation_id: str | None = None
    ) -> Invoked:
        """Invoke the function, as ``invoking.Invoker`` describes."""
        headers = {"x-fc-invocation-type": "Async" if asynchronous else "Sync"}
        if invocation_id:
            headers["x-fc-stateful-async-invocation-id"] = invocation_id
        try:
            reply = self._client.invoke_function(*self._named, payload=payload, headers=headers)
        except _NotInvokedError as failed:
            response = failed.response
        except requests.RequestException as error:
            raise invoking.lost(error) from None
        else:
            return Invoked(202 if asynchronous else 200, reply.data)
        lower = {name.lower(): value for name, value in response.headers.items()}
        return invoking.told(response.status_code, lower, response.content, asynchronous=asynchronous)


class _NotInvokedError(Exception):
    """An answer that is not the function's result."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _Client(fc2.Client):  # type: ignore[misc]
    """aliyun-fc2, with its sending replaced."""

    def __init__(self, session: requests.Session, read_timeout_s: float, **given: Any) -> None:
        super().__init__(**given)
        self._session = session
        self._timeouts = (CONNECT_TIMEOUT_S, read_timeout_s)
        session.auth = self.auth  # which does nothing, but keeps a netrc from replacing our signature

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


def _session(endpoint: Endpoint) -> requests.Session:
    session = requests.Session()
    # Off loopback the environment's proxies apply; requests honours NO_PROXY itself.
    session.trust_env = not endpoint.loopback
    session.mount("https://", _Adapter())
    return session
