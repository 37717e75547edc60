"""Split addresses that may contain a password. An ambiguous address is refused.

A user or password that is not percent-encoded (RFC 3986, 3.2.1) ends at its first '@', '/', '?' or '#', and the rest
is read as the host. No part of such an address is shown, resolved or connected to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote

# No scheme has an underscore (RFC 3986, 3.1), but SQLAlchemy's postgresql+psycopg_async has.
_SCHEME = re.compile(r"([a-zA-Z][\w+.-]*(?::[a-zA-Z][\w+.-]*)?)://(.*)", re.DOTALL | re.ASCII)
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\x9f\s]")
_LOOSE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_USERINFO = re.compile(r"[\[\]\\]|[^\x21-\x7e]")
_NAME = re.compile(r"(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]*))?")
MOST_PORTS = 65536
ENCODE = "percent-encode them in user and password (@ %40, / %2F, ? %3F, # %23, % %25)"

WAYS_ON = "use {tls}, or name the host or its network under clear_text in the environment file where that is trusted"


class Malformed(ValueError):
    """The address is malformed; the message says why and quotes no part of it."""


@dataclass(frozen=True)
class Address:
    """The parts of a URL, percent-decoded except path and query. A port of None is the scheme's default."""

    scheme: str
    user: str
    password: str = field(repr=False)
    hosts: tuple[tuple[str, int | None], ...]
    path: str
    query: str
    has_login: bool

    @property
    def host(self) -> str:
        return self.hosts[0][0]

    @property
    def port(self) -> int | None:
        return self.hosts[0][1]


def split(text: str, *, is_list: bool = False) -> Address:
    """Split a URL into its parts; Malformed if it is not a URL or is ambiguous.

    is_list  several hosts are allowed, a host may be the folder of a socket or be omitted, as in PostgreSQL's DSNs
    """
    text = text.strip()
    found = _SCHEME.fullmatch(text)
    if found is None:
        raise Malformed("it is no URL")
    if _UNSEEN.search(text):
        raise Malformed("it holds a blank or a control character; percent-encode it")
    authority, path, query = _split_rest(found[2])
    if authority.count("@") != text.count("@") or text.count("@") > 1:
        raise Malformed(
            f"'@' may stand in it once, before the host; '@', '/', '?' and '#' end what they stand in: {ENCODE}"
        )
    if _LOOSE_PERCENT.search(authority):
        raise Malformed(f"'%' begins two hex digits; {ENCODE}")
    userinfo, has_login, places = authority.rpartition("@")
    if _NOT_IN_USERINFO.search(userinfo):
        raise Malformed("brackets, backslashes and characters beyond ASCII are percent-encoded in user and password")
    user, _, password = userinfo.partition(":")
    hosts = tuple(_place(place, is_list=is_list) for place in (places.split(",") if is_list else [places]))
    return Address(found[1].lower(), unquote(user), unquote(password), hosts, path, query, bool(has_login))


def _split_rest(rest: str) -> tuple[str, str, str]:
    """Split into authority, path and query (RFC 3986, 3); the fragment is dropped."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path, _, query = rest[len(authority) :].partition("#")[0].partition("?")
    return authority, path, query


def _place(text: str, *, is_list: bool) -> tuple[str, int | None]:
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        raise Malformed("its host or port can't be read")
    host, port = unquote(found[1]) if is_list else found[1], found[2] or ""
    if host.startswith("["):
        host = host[1:-1]
        is_good = ":" in host and is_ip(host)
    else:
        is_good = is_name(host) or (is_list and (not host or is_folder(host)))
    if not is_good:
        raise Malformed("its host is neither a name nor an IP address")
    return host, as_port(port) if port else None


def as_port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < MOST_PORTS:
        raise Malformed("its port is no number from 1 to 65535")
    return int(text)


def is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def split_address(text: str, default_port: int) -> tuple[str, int]:
    """Split "192.0.2.1:53", "[2001:db8::1]:53" or a bare IP address into address and port; ValueError otherwise."""
    host, port = text.strip(), ""
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket:
            raise ValueError("no closing bracket")
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    return str(ip_address(host)), as_port(port) if port else default_port


def is_name(text: str) -> bool:
    """Return whether this is a host name (underscores are allowed, as in container names) or an IPv4 address."""
    return len(text) <= 253 and _NAME.fullmatch(text) is not None


def is_folder(text: str) -> bool:
    """Return whether this is the folder of a Unix socket, or the name of an abstract one."""
    return text.startswith(("/", "@")) and not _UNSEEN.search(text)


def loose_password(text: str) -> str:
    """Return the probable password of a malformed URL: everything up to the last '@'."""
    found = re.match(r"[a-zA-Z][a-zA-Z0-9+.:-]*://[^:@/]*:(.*)@", text.strip(), re.DOTALL)
    return found[1] if found else ""


def is_loopback(address: str) -> bool:
    """Return whether this is an IP address of this machine: data sent to it does not leave the machine."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def may_hear(peer: str, host: str, clear_text: tuple[str, ...]) -> bool:
    """Return whether a password may be sent without TLS: to this machine, or if the environment allows it.

    clear_text  host names and networks of the environment file
    """
    return is_loopback(peer) or any(host.lower() == one.lower() or _is_in(peer, one) for one in clear_text)


def _is_in(peer: str, network: str) -> bool:
    try:
        return ip_address(peer) in ip_network(network, strict=False)
    except ValueError:
        return False
