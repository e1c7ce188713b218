"""A certificate for localhost, from an authority that lives as long as the server."""

import ssl
from pathlib import Path

import trustme


def context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server context, and the path of the CA bundle that trusts it, written into the folder.

    A client that sends no server name, or another one, is refused: the cloud's endpoints stand behind names.
    """
    authority = trustme.CA()
    bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    tls.sni_callback = _only_localhost
    return tls, bundle


def _only_localhost(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
    return None if name == "localhost" else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
