"""An HTTP session for aliyunsdkcore's `client.session` that calls the gateway in this process."""

from typing import Any
from urllib.parse import urlsplit

from localcloud.http import ConnectionCut, Headers, Request
from localcloud.rpc.gateway import Gateway


class _Cookies:
    def clear(self) -> None:
        """There are none."""


class InProcessResponse:
    """What aliyunsdkcore reads of a response."""

    def __init__(self, status_code: int, headers: Headers, content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content


class InProcessSession:
    """The duck type of a requests session. The SDK signs and encodes as ever; only the socket is left out."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.cookies = _Cookies()

    def prepare_request(self, request: Any) -> Any:
        """Encode a request of the SDK's vendored `requests`."""
        return request.prepare()

    def send(self, prepared: Any, **_: Any) -> InProcessResponse:
        """Answer a prepared request; a cut connection is the vendored `requests`' ConnectionError."""
        url = urlsplit(prepared.url)
        body = prepared.body or b""
        headers = Headers({"Host": url.netloc, **prepared.headers})
        request = Request(
            prepared.method,
            url.path or "/",
            url.query,
            headers,
            body.encode() if isinstance(body, str) else body,
        )
        try:
            response = self._gateway.handle(request)
        except ConnectionCut:
            from aliyunsdkcore.vendored.requests.exceptions import ConnectionError as Cut  # noqa: PLC0415

            raise Cut("the connection was cut") from None
        return InProcessResponse(response.status, response.headers, response.body)

    def close(self) -> None:
        """Nothing is open."""
