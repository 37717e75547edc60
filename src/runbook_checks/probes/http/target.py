"""Which address is asked, and with which headers?"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from runbook_checks.inputs import address
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    import requests

PORTS = {"http": 80, "https": 443}
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # 5.5; http.client writes Latin-1
RUN_HEADER = "X-Runbook-Checks-Run"
_LOGIN = re.compile(r"(?:proxy-)?authorization|cookie|.*(?:token|secret|password|api-?key).*", re.IGNORECASE)
_SIGNED = "AWS4-HMAC-"  # a signature of this one request; without the key nothing beside it opens another


class Target:
    """One origin below which everything is asked; user and password are kept out of every address shown."""

    def __init__(self, base_url: str, headers: Mapping[str, str], run_id: str, resource: str) -> None:
        self.base = base_url.strip()
        self.extra = dict(headers)
        self.run_id = run_id
        self._resource = resource

    def url(self, path: str) -> str:
        """The path below the base address, or an absolute address of the same origin."""
        base = self._parsed(self.base)
        if re.match(r"https?://", path, re.IGNORECASE):
            if not same_origin(path, self.base):
                raise self._bad(f"{_shown(path)} is not of the origin that is looked at")
            return _shown(path)
        root = urlunsplit((base.scheme, base.netloc.rpartition("@")[2], base.path, "", "")).rstrip("/")
        joint = "" if not path or path.startswith(("/", "?")) else "/"
        return f"{root}{joint}{path}".partition("#")[0]

    def prepare(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> requests.PreparedRequest:
        import requests

        try:
            return requests.Request(method, url, headers=self._headers(headers or {}), data=body).prepare()
        except (requests.RequestException, ValueError) as error:
            # The library's text may quote a header's value.
            raise self._bad(f"{url} can't be asked ({type(error).__name__})") from None

    def header_names(self) -> set[str]:
        return {name.lower() for name in self._headers({})}

    def _headers(self, own: Mapping[str, str]) -> dict[str, str]:
        # Asked for as it is: whoever compresses all the same is held to the size of the plain body.
        merged = {"Accept": "*/*", "Accept-Encoding": "identity", **self._login()}
        for name, value in {**self.extra, **own}.items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value) or value != value.strip():
                raise self._bad(f"the header {name!r} has a name or value that can't be sent")
            for old in [old for old in merged if old.lower() == name.lower()]:
                del merged[old]
            merged[name] = value
        merged["User-Agent"] = user_agent(self.run_id)
        if self.run_id:
            merged[RUN_HEADER] = self.run_id
        return merged

    def _login(self) -> dict[str, str]:
        base = self._parsed(self.base)
        if not base.username and not base.password:
            return {}
        pair = f"{unquote(base.username or '')}:{unquote(base.password or '')}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def _parsed(self, url: str) -> SplitResult:
        try:
            return parsed_url(url)
        except address.Malformed as error:
            raise self._bad(f"the base address is no http:// or https:// address: {error}") from None

    def _bad(self, reason: str) -> NoReading:
        return NoReading(self._resource, reason, kind="bad-request")


def parsed_url(url: str) -> SplitResult:
    """An http:// or https:// address in its parts; address.Malformed where it is none."""
    if address.split(url).scheme not in PORTS:
        raise address.Malformed("it does not begin with http:// or https://")
    try:
        return urlsplit(url.strip())
    except ValueError:
        raise address.Malformed("its host can't be read") from None


def checked_proxy(url: str, resource: str) -> bool:
    """Whether a proxy's address holds a login that goes to it without TLS; NoReading bad-request where it is none."""
    try:
        parts = parsed_url(url)
    except address.Malformed as error:
        raise NoReading(resource, f"the proxy's address can't be understood: {error}", kind="bad-request") from None
    return parts.scheme == "http" and "@" in parts.netloc


def has_login(headers: Mapping[str, str | bytes]) -> bool:
    """Whether headers hold what lets others in: a password, a token, a key."""
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
    """Where a redirect leads, if that is of the same origin."""
    try:
        target = _shown(urljoin(url, location))
        return target if same_origin(target, url) else None
    except (ValueError, KeyError):
        return None


def _shown(url: str) -> str:
    """Without user, password and fragment."""
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
