"""Addresses of servers in requests: one address has one spelling, and what can be none is refused."""

from __future__ import annotations

import ipaddress

from handler.triggers.messages import Unreadable


def normal(address: str, path: str) -> str:
    """Return the usual spelling of an IPv4 or IPv6 address (RFC 5952), that of the IPv4 in a mapped one.

    Raises Unreadable, naming ``path``, if it is none, or one that no server can have: with a zone,
    unspecified (``0.0.0.0``, ``::``), multicast, or the broadcast address.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise Unreadable(f"{path}: expected an IPv4 or IPv6 address") from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise Unreadable(f"{path}: expected an address without a zone")
        found = found.ipv4_mapped or found
    if found.is_unspecified or found.is_multicast or found == _BROADCAST:
        raise Unreadable(f"{path}: expected the address of a server")
    return found.compressed


_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
