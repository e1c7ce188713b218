"""Addresses of servers: one spelling for each, and a check that a server can have it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def normal(address: str) -> str:
    """Return the usual spelling of an IPv4 or IPv6 address (RFC 5952); a mapped IPv4 address becomes IPv4.

    Raises ValueError, saying what was expected, if it is no address, or one that no server can have: with a
    zone, unspecified (``0.0.0.0``, ``::``), multicast, or broadcast.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise ValueError("expected an IPv4 or IPv6 address") from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise ValueError("expected an address without a zone")
        found = found.ipv4_mapped or found
    if found.is_unspecified or found.is_multicast or found == _BROADCAST:
        raise ValueError("expected the address of a server")
    return found.compressed


@lru_cache(4096)
def spelt_alike(address: str) -> str:
    """Return the usual spelling of an address, or the text itself if it is none."""
    try:
        return normal(address)
    except ValueError:
        return address
