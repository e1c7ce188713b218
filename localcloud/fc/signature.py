"""Signatures of Function Compute's API 2016-08-15 ("Sign requests"): `FC key:base64(HMAC-SHA256(...))`."""

import base64
import email.utils
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, unquote

from localcloud.http import Headers, Request, Response
from localcloud.rpc.credentials import Identity, Registry

_SKEW_S = 15 * 60


class Refused(Exception):  # noqa: N818 - an answer
    """A request that Function Compute refuses: status, error code and message ("Error codes")."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self, request_id: str, *, newer: bool = False) -> Response:
        """The refusal as Function Compute 2.0 answers it, or 3.0 (`newer`)."""
        if newer:
            told = {"RequestId": request_id, "Code": self.code, "Message": self.message}
            answer = Response.of_json(told, self.status)
            answer.headers["X-Fc-Request-Id"] = request_id
            return answer
        headers = Headers(
            {
                "Content-Type": "application/json",
                "X-Fc-Request-Id": request_id,
                "X-Fc-Error-Type": "FcCommonError",
            }
        )
        body = json.dumps({"ErrorCode": self.code, "ErrorMessage": self.message}).encode()
        return Response(self.status, headers, body)


def verified(request: Request, identities: Registry, now: float, *, with_query: bool = False) -> Identity:
    """Who signed the request. Requests to an HTTP trigger sign the query as well (`with_query`)."""
    for name in ("Authorization", "Date"):
        if not request.headers.get(name):
            raise Refused(400, "MissingRequiredHeader", f"required HTTP header {name} was not specified")
    scheme, _, rest = request.headers["authorization"].partition(" ")
    key_id, _, signature = rest.partition(":")
    if scheme != "FC":
        raise Refused(400, "InvalidArgument", "the Authorization header does not begin with FC")
    date = email.utils.parsedate_tz(request.headers["date"])
    if date is None or abs(email.utils.mktime_tz(date) - now) > _SKEW_S:
        raise Refused(403, "AccessDenied", "the Date header is more than 15 minutes off, or no date")
    identity = identities.find(key_id)
    if identity is None:
        raise Refused(403, "InvalidAccessKeyID", f"invalid access key ID '{key_id}'")
    if not hmac.compare_digest(signature, sign(request, identity.access_key_secret, with_query=with_query)):
        raise Refused(
            403,
            "SignatureNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your access key and signing method",
        )
    if (identity.security_token or "") != request.headers.get("x-fc-security-token", ""):
        raise Refused(403, "AccessDenied", "the security token does not belong to the access key")
    return identity


def sign(request: Request, secret: str, *, with_query: bool = False) -> str:
    """The signature that a request should have."""
    headers = request.headers
    fc_headers = sorted((name, value) for name, value in headers.items() if name.startswith("x-fc-"))
    resource = unquote(request.path)
    if with_query:
        parts = sorted(
            f"{key}={value}" for key, value in parse_qsl(request.query_string, keep_blank_values=True)
        )
        resource += "\n" + "\n".join(parts)
    text = "\n".join(
        [
            request.method.upper(),
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            headers.get("date", ""),
            "".join(f"{name}:{value}\n" for name, value in fc_headers) + resource,
        ]
    )
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
