"""One client for each instance of the function: it returns parsed JSON, or failures without secrets."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.http.protocol_type import HTTP, HTTPS
from aliyunsdkcore.vendored.requests.utils import get_environ_proxies

from handler.cloud import parsing
from handler.cloud.credentials import Credentials
from handler.cloud.endpoints import Endpoint, Endpoints
from handler.cloud.errors import classify
from handler.cloud.sdk import RenewableSigner, Transport
from handler.core.model.answers import Answer, CallFailed, Result

CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 8.0

#: Errors of a gateway that does not see, or does not sign, the body: where it sees no group, a key that may
#: write to one load balancer alone is not allowed.
_BODY_NOT_SEEN: Final = frozenset(
    {"missingparameter", "signaturedoesnotmatch", "forbidden.ram", "nopermission"}
)

#: Characters of an error text that are passed on.
_LONGEST_MESSAGE: Final = 300

_HIDDEN: Final = "***"

_Params = Mapping[str, str]


class Client:
    """The signed RPC calls of all products, over connections that are kept alive."""

    def __init__(
        self,
        credentials: Credentials,
        region: str,
        endpoints: Endpoints,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._region, self._endpoints = region, endpoints
        self._signer = RenewableSigner(credentials)
        self.transport = Transport(
            self._signer,
            region,
            connect_timeout_s=CONNECT_TIMEOUT_S,
            read_timeout_s=read_timeout_s,
            # The SDK takes an empty variable for "do not verify".
            verify=os.environ.get("ALIBABA_CLOUD_CA_BUNDLE") or True,
        )
        self._body_is_read = True
        self._counting = threading.Lock()
        self.calls = 0  #: made so far, whatever their results

    def renew(self, credentials: Credentials) -> None:
        """Sign from now on with the credentials of a new invocation; connections stay."""
        self._signer.credentials = credentials

    def call(self, request_class: type[Any], params: _Params, body: _Params | None = None) -> dict[str, Any]:
        """Make one call, once, and return its answer; raises CallFailed with the failure.

        ``body`` holds what may be too long for a URL. It goes into the form body, until a gateway turns up
        that does not read it there; from then on everything goes into the query. Put a required parameter
        into ``body``: then such a gateway says that it is missing, and has done nothing.
        """
        if not body:
            return self._once(request_class, params, {})
        if self._body_is_read:
            try:
                return self._once(request_class, params, body)
            except CallFailed as failed:
                if failed.answer.code.casefold() not in _BODY_NOT_SEEN:
                    raise
        try:
            answer = self._once(request_class, {**params, **body}, {})
        except CallFailed as failed:
            # If the query fails in the same way, the body was not the cause.
            self._body_is_read = failed.answer.code.casefold() in _BODY_NOT_SEEN
            raise
        self._body_is_read = False
        return answer

    def _once(self, request_class: type[Any], params: _Params, body: _Params) -> dict[str, Any]:
        request = request_class()  # a request that is sent again gets a longer User-Agent each time
        product = request.get_product().lower()
        endpoint = self._endpoints.rpc(product, self._region, request.endpoint_map)
        # The SDK compares the protocol by identity: any other "https" is sent as plain HTTP.
        request.set_protocol_type(HTTPS if endpoint.tls else HTTP)
        request.set_endpoint(endpoint.host)
        for name, value in params.items():
            request.add_query_param(name, value)
        for name, value in body.items():
            request.add_body_params(name, value)
        self.transport.proxy = _proxies(endpoint)
        action = request.get_action_name()
        with self._counting:
            self.calls += 1
        try:
            raw = self.transport.do_action_with_exception(request)
        except ServerException as error:
            raise self._failed(
                action, error.error_code, error.http_status, error.message, error.request_id
            ) from None
        except ClientException as error:
            raise self._failed(action, error.error_code, None, _what_happened(str(error.message))) from None
        except IndexError:
            # The SDK looks for the server's string to sign in the message; not every message has it.
            raise self._failed(
                action, "SignatureDoesNotMatch", 400, "The signature is not what it should be."
            ) from None
        except Exception as error:
            raise self._failed(action, "SDK.Unexpected", None, type(error).__name__) from None
        answer = parsing.parsed(raw)
        if not isinstance(answer, dict):
            raise self._failed(action, "MalformedAnswer", None, "The answer is not a JSON object.")
        return dict(parsing.opened(action, answer))

    def _failed(
        self, action: str, code: object, status: int | None, message: object, request_id: object = None
    ) -> CallFailed:
        result: Result = classify(action, str(code), status, str(message))
        shown = self._shown(str(message))
        return CallFailed(Answer(result, str(code), shown, str(request_id or ""), action=action))

    def _shown(self, message: str) -> str:
        """Return an error's text without any part of our request that it may repeat."""
        message = re.sub(r"(?is)\s*(server )?string to sign.*|ServerResponseBody:.*", "", message)
        message = re.sub(r"(?i)(signature)=[^&\s]+", rf"\1={_HIDDEN}", message)
        for secret in self._signer.credentials.secrets():
            for form in (secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe="")):
                message = message.replace(form, _HIDDEN)
        return message[:_LONGEST_MESSAGE]


def _proxies(endpoint: Endpoint) -> dict[str, str | None]:
    """Return the proxies for an endpoint: the environment's, except for loopback and hosts in NO_PROXY.

    Never an empty dict: the SDK would then take them from the environment and ignore NO_PROXY.
    """
    if endpoint.loopback:
        return {"http": None, "https": None}
    return get_environ_proxies(endpoint.url) or {"http": None, "https": None}


#: Signs in the SDK's text on a failed connection, and our words for them. The text holds the whole signed
#: URL, so only signs that no encoded URL can hold are looked for.
_CONNECTION_TROUBLE: Final = (
    ("SSLError(", "The TLS connection was broken or not trusted."),
    ("(connect timeout=", "No connection in time."),
    ("(read timeout=", "No answer in time."),
    ("Connection refused", "The connection was refused."),
    ("Cannot connect to proxy", "The proxy did not connect."),
)


def _what_happened(text: str) -> str:
    for sign, words in _CONNECTION_TROUBLE:
        if sign in text:
            return words
    return "The connection was lost, or there was none."
