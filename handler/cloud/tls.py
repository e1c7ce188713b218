"""One TLS context for all connections of a client.

The libraries read the bundle of authorities anew for each connection: more than a hundred certificates, some
17 ms. An adapter that is mounted on a session, as requests has it, reads them once.
"""

from __future__ import annotations

import ssl
from typing import Any


class OneContext:
    """What goes before ``HTTPAdapter`` in the bases of an adapter, whichever copy of requests it is of."""

    def __init__(self, *args: Any, **also: Any) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False  # urllib3 does, of addresses as well
        self._has_authorities = False
        super().__init__(*args, **also)

    def init_poolmanager(self, *args: Any, **also: Any) -> None:
        """Give the context to every pool."""
        super().init_poolmanager(*args, ssl_context=self._context, **also)  # type: ignore[misc]

    def proxy_manager_for(self, proxy: str, **also: Any) -> Any:
        """Give the context to the pools behind a proxy as well."""
        return super().proxy_manager_for(proxy, ssl_context=self._context, **also)  # type: ignore[misc]

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Have the certificate of a connection verified, by authorities that are read at the first one."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[misc]
        if not self._has_authorities and (conn.ca_certs or conn.ca_cert_dir):
            self._context.load_verify_locations(conn.ca_certs, conn.ca_cert_dir)
            self._has_authorities = True
        conn.ca_certs = conn.ca_cert_dir = None
