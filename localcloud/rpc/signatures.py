"""Who sent a call: signatures in parameters (V1, HMAC-SHA1) and in headers (ACS3-HMAC-SHA256).

Documents: "Request signatures" of SLB for V1, "V3 request body & signature mechanism" for ACS3.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from urllib.parse import quote

from localcloud.http import Request
from localcloud.rpc.credentials import Identity, Registry
from localcloud.rpc.errors import ApiError

Pairs = Iterable[tuple[str, str]]
WINDOW_S = 15 * 60  # a request is expired 15 minutes after, and not valid 15 minutes before, its time
_ACS3 = re.compile(r"ACS3-HMAC-SHA256 +Credential=([^,]*), *SignedHeaders=([^,]*), *Signature=([0-9a-fA-F]*)")


def percent(text: str) -> str:
    """Percent-encoding as RFC 3986 has it: space is %20, `*` is %2A, `~` stays."""
    return quote(text, safe="~")


def canonical(pairs: Pairs) -> str:
    """Parameters sorted and encoded; blank values are part of it."""
    return "&".join(f"{percent(k)}={percent(v)}" for k, v in sorted(pairs))


def v1_string(method: str, pairs: Pairs) -> str:
    """The string to sign of V1."""
    return f"{method}&%2F&{percent(canonical((k, v) for k, v in pairs if k != 'Signature'))}"


def v1_signature(secret: str, text: str) -> str:
    """The V1 signature of a string to sign; the key is the secret and an ampersand."""
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


def acs3_string(request: Request, pairs: Pairs, signed: list[str]) -> str:
    """The string to sign of ACS3."""
    headers = "".join(f"{name}:{(request.headers.get(name) or '').strip()}\n" for name in signed)
    payload = hashlib.sha256(request.body).hexdigest()
    path = request.path or "/"
    whole = "\n".join((request.method, path, canonical(pairs), headers, ";".join(signed), payload))
    return f"ACS3-HMAC-SHA256\n{hashlib.sha256(whole.encode()).hexdigest()}"


class Verifier:
    """Finds the identity behind a request, and remembers nonces so that none is used twice."""

    def __init__(self, identities: Registry) -> None:
        self.identities = identities
        self._nonces: dict[tuple[str, str], float] = {}

    def verify(
        self, request: Request, query: list[tuple[str, str]], form: list[tuple[str, str]], now: float
    ) -> Identity:
        """The identity that signed the request; ApiError says what is wrong with it."""
        if request.headers.get("authorization", "").startswith("ACS3"):
            return self._acs3(request, query, now)
        return self._v1(request, query, form, now)

    def _v1(
        self, request: Request, query: list[tuple[str, str]], form: list[tuple[str, str]], now: float
    ) -> Identity:
        """Check V1; what is in both the query and the form is signed twice, as it is sent.

        aliyunsdkcore and its like sign it once, with the form's value: that is as good.
        """
        pairs, merged = query + form, {**dict(query), **dict(form)}
        params = {**dict(form), **dict(query)}
        for name in ("AccessKeyId", "Signature", "SignatureNonce"):
            _needed(params, name)
        method, version = params.get("SignatureMethod", "HMAC-SHA1"), params.get("SignatureVersion", "1.0")
        if method.upper() != "HMAC-SHA1" or version != "1.0":
            raise ApiError("IncompleteSignature")
        _check_time(params.get("Timestamp"), now)
        identity = self._find(params["AccessKeyId"])
        text = v1_string(request.method, pairs)
        once = v1_string(request.method, merged.items())
        secret, given = identity.access_key_secret, params["Signature"]
        if len(merged) == len(pairs) or not _same(v1_signature(secret, once), given):
            _match(v1_signature(secret, text), given, text)
        self._finish(identity, params.get("SecurityToken"), params["SignatureNonce"], now)
        return identity

    def _acs3(self, request: Request, query: list[tuple[str, str]], now: float) -> Identity:
        headers = request.headers
        given = _ACS3.fullmatch(headers["authorization"].strip())
        if given is None:
            raise ApiError("IncompleteSignature")
        key, signed, signature = given[1], given[2].lower().split(";"), given[3].lower()
        _needed(headers, "x-acs-signature-nonce")
        must = {name for name in headers if name.startswith("x-acs-")} | {"host"}
        if not must <= set(signed) or signed != sorted(signed):
            raise ApiError("IncompleteSignature")
        _check_time(headers.get("x-acs-date"), now)
        identity = self._find(key)
        text = acs3_string(request, query, signed)
        wanted = hmac.new(identity.access_key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        _match(wanted, signature, text)
        if headers.get("x-acs-content-sha256", "") != hashlib.sha256(request.body).hexdigest():
            raise ApiError("SignatureDoesNotMatch", _mismatch(text))
        self._finish(identity, headers.get("x-acs-security-token"), headers["x-acs-signature-nonce"], now)
        return identity

    def _find(self, access_key_id: str) -> Identity:
        identity = self.identities.find(access_key_id)
        if identity is None:
            raise ApiError("InvalidAccessKeyId.NotFound")
        return identity

    def _finish(self, identity: Identity, token: str | None, nonce: str, now: float) -> None:
        if identity.security_token and not token:
            raise ApiError("MissingSecurityToken")
        if not hmac.compare_digest((identity.security_token or "").encode(), (token or "").encode()):
            raise ApiError("InvalidSecurityToken.MismatchWithAccessKey")
        if len(self._nonces) > 100_000:
            self._nonces = {k: at for k, at in self._nonces.items() if now - at < 2 * WINDOW_S}
        used = (identity.access_key_id, nonce)
        if used in self._nonces:
            raise ApiError("SignatureNonceUsed")
        self._nonces[used] = now


def _needed(params: Mapping[str, str], name: str) -> None:
    if not params.get(name):
        message = (
            f'The input parameter "{name}" that is mandatory for processing this request is not supplied.'
        )
        raise ApiError("MissingParameter", message)


def _check_time(text: str | None, now: float) -> None:
    if not text:
        message = (
            'The input parameter "Timestamp" that is mandatory for processing this request is not supplied.'
        )
        raise ApiError("IllegalTimestamp", message)
    try:
        sent = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ApiError("InvalidTimeStamp.Format") from None
    if abs(now - sent.timestamp()) > WINDOW_S:
        raise ApiError("InvalidTimeStamp.Expired")


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode())


def _match(wanted: str, given: str, text: str) -> None:
    if not _same(wanted, given):
        raise ApiError("SignatureDoesNotMatch", _mismatch(text))


def _mismatch(text: str) -> str:
    return f"Specified signature is not matched with our calculation. server string to sign is:{text}"
