"""Endpoints, chosen here by region and network, so that the SDK never asks its Location service."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct, field

from handler.blinds import quotable

Network = Literal["public", "vpc"]

#: The products that we call, as SWAP_ENDPOINTS names them.
PRODUCTS: Final = ("slb", "ess", "ecs", "fc")

_HOST: Final = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+aliyuncs\.com")


class Endpoint(Struct, frozen=True):
    """A host, with its port unless that is the usual one, and whether to use TLS."""

    host: str
    tls: bool = True
    loopback: bool = False

    @property
    def url(self) -> str:
        """Return the base URL, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.host}"


def loopback(url: str) -> Endpoint:
    """Read SWAP_ENDPOINT: a base URL on this machine, where plain HTTP is allowed.

    Raises ValueError, saying what is wrong: no other host may get keys that are not meant for it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"expected a URL like http://127.0.0.1:8080, got {quotable(url)!r}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"expected a URL like http://127.0.0.1:8080, got {quotable(url)!r}")
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("expected a base URL only: scheme, host and port")
    if not _is_loopback(host):
        raise ValueError(f"expected a loopback address (localhost, 127.0.0.1, [::1]), got {quotable(host)!r}")
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(f"{shown}:{port}" if port else shown, tls=parts.scheme == "https", loopback=True)


def hosts(text: str) -> dict[str, str]:
    """Read SWAP_ENDPOINTS, ``slb=slb.aliyuncs.com,ecs=ecs.cn-hangzhou.aliyuncs.com``: product to host.

    Raises ValueError, saying what is wrong: only hosts of Alibaba Cloud may get keys.
    """
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        product, sign, host = part.partition("=")
        if not sign or product not in PRODUCTS or product in found:
            raise ValueError(
                f"expected each of {', '.join(PRODUCTS)} once at most, as in slb=HOST; got {quotable(part)!r}"
            )
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"expected a host that ends with .aliyuncs.com for {product}, got {quotable(host)!r}"
            )
        found[product] = host
    return found


class Endpoints(Struct, frozen=True):
    """Where the products are asked: all at ``loopback`` if it is set, else each at its host in ``hosts``.

    The others are asked in their region, over ``network`` (Alibaba Cloud, Endpoints; of each product).
    """

    network: Network = "public"
    loopback: Endpoint | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)

    def rpc(self, product: str, region: str, shared: Mapping[str, str]) -> Endpoint:
        """Return the endpoint of an RPC product; ``shared`` is the SDK's map of regions that share one.

        Public: the map's, else ``{product}.{region}.aliyuncs.com``; inside a VPC:
        ``{product}-vpc.{region}.aliyuncs.com``.
        """
        if self.network == "vpc":
            return self._of(product, f"{product}-vpc.{region}.aliyuncs.com")
        return self._of(product, shared.get(region) or f"{product}.{region}.aliyuncs.com")

    def fc(self, account_id: str, region: str) -> Endpoint:
        """Return Function Compute's endpoint for an account."""
        internal = "-internal" if self.network == "vpc" else ""
        return self._of("fc", f"{account_id}.{region}{internal}.fc.aliyuncs.com")

    def _of(self, product: str, usual: str) -> Endpoint:
        return self.loopback or Endpoint(self.hosts.get(product, usual))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
