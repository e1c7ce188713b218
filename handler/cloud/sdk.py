"""aliyun-python-sdk-core as we need it: quiet, with SNI, and with keys that can be renewed."""

from __future__ import annotations

import logging
import ssl
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any

from handler.cloud.credentials import Credentials
from handler.cloud.tls import OneContext
from handler.deferring import defer

# Only RSA key pairs, which Function Compute never gives, need `cryptography`: 18 ms and 8 MB a cold start.
defer("aliyunsdkcore.auth.algorithm.sha_hmac256")

from aliyunsdkcore.auth.signers.signer import Signer  # noqa: E402
from aliyunsdkcore.client import AcsClient  # noqa: E402
from aliyunsdkcore.vendored.requests.adapters import HTTPAdapter  # noqa: E402
from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_  # noqa: E402

# Python 3.12 has no ssl.wrap_socket; the vendored urllib3 takes that for a lack of SNI.
ssl_.HAS_SNI = ssl.HAS_SNI


def _silence(package: str) -> None:
    """Turn off a package's loggers: they log URLs with key, token and signature."""
    for name in [known for known in logging.root.manager.loggerDict if known.startswith(f"{package}.")]:
        logging.getLogger(name).disabled = True


_silence("aliyunsdkcore")


class RenewableSigner(Signer):  # type: ignore[misc]
    """Signs with the credentials of the current invocation, so that connections outlive them."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def sign(self, region_id: str, request: Any) -> tuple[dict[str, str], str]:
        """Return a request's headers, and its path with query and signature."""
        given = self.credentials
        if given.security_token:
            request.add_query_param("SecurityToken", given.security_token)
        signing = (region_id, given.access_key_id, given.access_key_secret)
        return request.get_signed_header(*signing), request.get_url(*signing)


class _Adapter(OneContext, HTTPAdapter):  # type: ignore[misc]
    """The SDK's adapter, with one TLS context."""


class Transport(AcsClient):  # type: ignore[misc]
    """An AcsClient that takes its keys from our signer, and that several threads may use.

    The base gets dots for key and secret, and no ``credential=``: with that, ALIYUN_ACCESS_KEY_ID and
    ALIYUN_ACCESS_KEY_SECRET in the environment would win.
    """

    def __init__(
        self,
        signer: RenewableSigner,
        region: str,
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
        verify: str | bool,
    ) -> None:
        self._own = threading.local()
        super().__init__(
            ".",
            ".",
            region,
            auto_retry=False,
            connect_timeout=connect_timeout_s,
            timeout=read_timeout_s,
            verify=verify,
        )
        self._signer = signer
        self.session.trust_env = False  # no netrc, no other bundle
        # Threads would share a stored cookie, and it has no use.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.session.mount("https://", _Adapter())

    @property
    def proxy(self) -> Any:
        """The proxies for the next call of this thread."""
        return getattr(self._own, "proxy", None)

    @proxy.setter
    def proxy(self, proxy: Any) -> None:
        self._own.proxy = proxy
