"""One TLS context for all connections of a client.

The libraries read the bundle of authorities for each connection: over a hundred certificates, some 17 ms. An
adapter mounted on a session of requests reads them once.
"""

from __future__ import annotations

import ssl
from typing import Any


class OneContext:
    """A base class to put before the ``HTTPAdapter`` of any copy of requests."""

    def __init__(self, *args: Any, **also: Any) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False  # urllib3 does, for addresses too
        self._has_authorities = False
        super().__init__(*args, **also)

    def init_poolmanager(self, *args: Any, **also: Any) -> None:
        """Give the context to every pool."""
        super().init_poolmanager(*args, ssl_context=self._context, **also)  # type: ignore[misc]

    def proxy_manager_for(self, proxy: str, **also: Any) -> Any:
        """Give the context to the pools behind a proxy as well."""
        return super().proxy_manager_for(proxy, ssl_context=self._context, **also)  # type: ignore[misc]

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Verify a connection's certificate; the authorities are read for the first one."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[misc]
        if not self._has_authorities and (conn.ca_certs or conn.ca_cert_dir):
            self._context.load_verify_locations(conn.ca_certs, conn.ca_cert_dir)
            self._has_authorities = True
        conn.ca_certs = conn.ca_cert_dir = None
