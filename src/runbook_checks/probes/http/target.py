"""The address of a service, its proxy and TLS settings, and the headers of every request."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from runbook_checks.inputs import address
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.probes.net.far_ends import FarEnds

PORTS = {"http": 80, "https": 443}
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # 5.5; sent as Latin-1
RUN_HEADER = "X-Runbook-Checks-Run"
_LOGIN = re.compile(r"(?:proxy-)?authorization|cookie|.*(?:token|secret|password|api-?key).*", re.IGNORECASE)
_SIGNED = "AWS4-HMAC-"  # a signature of one request; without the key it opens no other


@dataclass(eq=False, repr=False)
class Target:
    """One origin and the settings of its requests. No shown address contains user or password.

    proxy       "http://[user:password@]host:port"
    resolver    "address[:port]" of a name server
    ca_file     the trusted authorities (PEM file or hashed folder), instead of certifi's
    trusts_system  trust the system's authorities instead
    clear_text  hosts and networks that may get passwords and tokens without TLS; this machine always may
    far_ends    which addresses may be connected to, if a server and not a file named the base address
    """

    base_url: str
    _: KW_ONLY
    resource: str = "http"
    timeout_s: float = 5.0
    connect_timeout_s: float = 3.0
    ca_file: str | None = None
    trusts_system: bool = False
    client_certificate: tuple[str, str] | None = None
    proxy: str | None = None
    headers: Mapping[str, str] | None = None
    resolver: str | None = None
    max_body: int = 1 << 20
    run_id: str = ""
    clear_text: tuple[str, ...] = ()
    far_ends: FarEnds | None = None
    decodes: bool = True
    """Whether a body is decompressed as its Content-Encoding says."""

    @cached_property
    def parts(self) -> SplitResult:
        """The parts of the base address; NoReading bad-request if it is not valid."""
        try:
            return parsed_url(self.base_url)
        except address.Malformed as error:
            raise self.bad(f"the base address is not an http:// or https:// address: {error}") from None

    @cached_property
    def root(self) -> str:
        """The base address without login and without a slash at its end."""
        parts = self.parts
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")).rstrip("/")

    @cached_property
    def usual_headers(self) -> dict[str, str]:
        """The headers of every request."""
        return self.with_headers({})

    @cached_property
    def has_usual_login(self) -> bool:
        return has_login(self.usual_headers)

    def with_headers(self, own: Mapping[str, str]) -> dict[str, str]:
        """The usual headers with a request's own, which replace them whatever their case."""
        # A body that is compressed nevertheless is limited by its decoded size.
        merged = {"Accept": "*/*", "Accept-Encoding": "identity", **self._login()}
        for name, value in {**(self.headers or {}), **own}.items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value) or value != value.strip():
                raise self.bad(f"the header {name!r} has an invalid name or value")
            for old in [old for old in merged if old.lower() == name.lower()]:
                del merged[old]
            merged[name] = value
        merged["User-Agent"] = user_agent(self.run_id)
        return merged | ({RUN_HEADER: self.run_id} if self.run_id else {})

    @cached_property
    def proxy_parts(self) -> SplitResult | None:
        """The parts of the proxy's address; NoReading bad-request if it is not valid."""
        try:
            return parsed_url(self.proxy) if self.proxy else None
        except address.Malformed as error:
            raise self.bad(f"the proxy's address is not valid: {error}") from None

    def bad(self, reason: str) -> NoReading:
        return NoReading(self.resource, reason, kind="bad-request")

    def _login(self) -> dict[str, str]:
        return login(self.parts)


def login(parts: SplitResult, header: str = "Authorization") -> dict[str, str]:
    """The header for the user and password of an address."""
    if not parts.username and not parts.password:
        return {}
    return {header: basic(unquote(parts.username or ""), unquote(parts.password or ""))["Authorization"]}


def basic(user: str, password: str) -> dict[str, str]:
    """The header for a name and a password (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header for a token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


def parsed_url(url: str) -> SplitResult:
    """The parts of an http:// or https:// address; address.Malformed if it is not valid."""
    if address.split(url).scheme not in PORTS:
        raise address.Malformed("it does not begin with http:// or https://")
    try:
        return urlsplit(url.strip())
    except ValueError:
        raise address.Malformed("its host is not valid") from None


def has_login(headers: Mapping[str, str | bytes]) -> bool:
    """Whether headers contain a password, a token or a key."""
    if str(headers.get("Authorization", "")).startswith(_SIGNED):
        return False
    return any(_LOGIN.fullmatch(name) for name in headers)


def same_origin(one: str, other: str) -> bool:
    """RFC 6454, 4: scheme, host and port are the same."""
    try:
        return _origin(one) == _origin(other)
    except (ValueError, KeyError):
        return False


def _origin(url: str) -> tuple[str, str, int]:
    parsed = urlsplit(url)
    return parsed.scheme, (parsed.hostname or "").lower(), parsed.port or PORTS[parsed.scheme]


def redirect_target(url: str, location: str) -> str | None:
    """The target of a redirect within the same origin, else None."""
    try:
        target = shown(urljoin(url, location))
        return target if same_origin(target, url) else None
    except (ValueError, KeyError):
        return None


def shown(url: str) -> str:
    """An address without user, password and fragment."""
    parsed = urlsplit(url)
    return urlunsplit((parsed.scheme, parsed.netloc.rpartition("@")[2], parsed.path, parsed.query, ""))


@functools.cache
def user_agent(run_id: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("runbook-checks")
    except PackageNotFoundError:
        own = "0"
    return f"runbook-checks/{own}" + (f" run={run_id}" if run_id else "")
