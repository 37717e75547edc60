"""Decide whether to connect to an address that a far end names, and no configuration file.

A certificate, a registry, a page or a customer's DNS could otherwise direct requests to a metadata service, a router or
any service of an internal network (server-side request forgery). The decision is made on the resolved address that is
connected to next, so a name that resolves differently the second time (DNS rebinding) has no effect.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REFUSED = "address-refused"
# Global by IANA's registries, but not public servers.
SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's host agent
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata service
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "2001::/23",  # Teredo and other protocols (RFC 2928)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
UNICAST6 = ipaddress.IPv6Network("2000::/3")  # RFC 4291, 2.5.4: all that is assigned
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


@dataclass(frozen=True)
class FarEnds:
    """The addresses that may be connected to: public ones, and the ranges that the environment file allows."""

    allowed: tuple[str, ...] = ()
    public_port: int | None = None  # the only one of public addresses; None for any

    def may_dial(self, address: str, port: int) -> bool:
        is_port_public = self.public_port in (None, port)
        return (is_port_public and is_public(address)) or _within(address, self.allowed)


@lru_cache(4096)
def _within(address: str, ranges: tuple[str, ...]) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    forms = {found, _embedded(found)}
    return any(form in ipaddress.ip_network(text) for text in ranges for form in forms)


@lru_cache(4096)
def is_public(address: str) -> bool:
    """Return whether an address is on the public internet; an embedded IPv4 address is judged instead."""
    found = _embedded(ipaddress.ip_address(address.partition("%")[0]))
    if isinstance(found, ipaddress.IPv6Address) and found not in UNICAST6:
        return False
    return found.is_global and not found.is_multicast and not any(found in special for special in SPECIAL)


def _embedded(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_plain_http(url: str) -> bool:
    """Return whether a URL is http:// with only host and path: no user, no query, no fragment."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and bool(parts.hostname) and not set("@?#\\") & set(url)


def sentence(where: str, address: str) -> str:
    """Return why an address is not connected to, and what to do."""
    named = "" if address in where else f" ({address})"
    return f"{where}{named} is not public and named by a far end, so it is not followed; far_ends.allow may list it"
