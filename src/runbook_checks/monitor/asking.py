"""Ask an address for the monitor (heartbeat, Pushgateway) with urllib: HTTP and HTTPS, and the proxy that is named.

Proxy variables, NO_PROXY and ~/.netrc decide nothing. Redirects go through the same proxy, and to HTTP and HTTPS alone.
"""

from __future__ import annotations

import base64
import urllib.request
from http.client import HTTPException
from urllib.parse import unquote, urlsplit

from runbook_checks.config.addresses import NO_ADDRESS, is_address
from runbook_checks.monitor.limits import in_time

TIMEOUT_S = 10.0


def ask(request: urllib.request.Request, proxy: str | None = None) -> None:
    """Send a request whose answer's status is all that counts; OSError with a sentence where it is none of success."""
    handlers = [
        _Login(),
        *([_Proxy(proxy)] if proxy else []),
        *(urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), urllib.request.UnknownHandler()),
        *(urllib.request.HTTPErrorProcessor(), urllib.request.HTTPDefaultErrorHandler()),
        urllib.request.HTTPRedirectHandler(),
    ]
    opener = urllib.request.OpenerDirector()
    for handler in handlers:
        opener.add_handler(handler)
    try:
        in_time(lambda: opener.open(request, timeout=TIMEOUT_S).close())
    except (HTTPException, ValueError) as error:  # what is said may quote the address
        raise OSError(f"no usable answer ({type(error).__name__})") from None


class _Login(urllib.request.BaseHandler):
    """Sends user and password of an address as Basic authentication (RFC 7617); urllib takes them for the host."""

    handler_order = 50  # before the proxy

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        parts = urlsplit(request.full_url)
        login, _, place = parts.netloc.rpartition("@")
        if login:
            request.full_url = parts._replace(netloc=place).geturl()
            request.add_unredirected_header("Authorization", _basic(login))
        return request

    https_request = http_request


def _basic(login: str) -> str:
    user, _, password = login.partition(":")
    return f"Basic {base64.b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


class _Proxy(urllib.request.BaseHandler):
    """Unlike urllib's own, which asks NO_PROXY even where the proxy is named."""

    handler_order = 100  # before the handlers that send

    def __init__(self, address: str) -> None:
        if not is_address(address) or not address.startswith("http://"):
            raise OSError(f"the proxy's address {NO_ADDRESS}, or begins with https://")
        parts = urlsplit(address)
        assert parts.hostname is not None
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.place = f"{host}:{parts.port or 80}"
        login = parts.netloc.rpartition("@")[0]
        self.login = _basic(login) if login else ""

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        if self.login:
            request.add_unredirected_header("Proxy-Authorization", self.login)
        request.set_proxy(self.place, "http")
        return request

    https_request = http_request
