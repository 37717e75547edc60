"""How is one HTTP request carried out over requests, with every phase timed and every wait bounded?

requests' time-outs are per read and per address; our connections resolve, connect and time themselves
and are watched by the deadline. Imported on the first request only.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

import requests
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.exchange import OPEN, Exchange, exchange
from runbook_checks.probes.http.strict_response import Response, read_body
from runbook_checks.probes.net.connect import connect, join


class _Timed:
    """What both kinds of connection share."""

    sock: Any
    port: int
    proxy: Any
    _dns_host: str

    def _new_conn(self) -> Any:
        now = exchange.get()
        now.is_reused = False
        if self.proxy is not None:
            now.proxy = join(self._dns_host, self.port)
        try:
            made = connect(
                self._dns_host,
                self.port,
                resolver=now.resolver,
                deadline=now.deadline,
                connect_timeout_s=now.connect_timeout_s,
                resource=now.resource,
                as_served=now.as_served,
                guard=lambda ip: now.guard(ip, self._dns_host),
                far_ends=now.far_ends if self.proxy is None else None,
            )
        except NoReading as gone:
            gone.evidence["url"] = now.url
            if now.proxy and gone.kind != OPEN:
                gone.kind = "proxy-failed"
            raise
        now.undo.enter_context(now.deadline.watch(made.sock))
        now.dns_ms, now.connect_ms, now.peer = made.dns_ms, made.connect_ms, made.peer
        now.connected = time.monotonic()
        return made.sock

    def _tunnel(self) -> None:
        now = exchange.get()
        with now.during("connecting (through the proxy)"):
            super()._tunnel()  # type: ignore[misc]
        now.is_through = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        now = exchange.get()
        if now.is_reused and self.sock is not None:
            now.undo.enter_context(now.deadline.watch(self.sock))
            now.peer = join(*self.sock.getpeername()[:2])
            now.guard(self.sock.getpeername()[0], self._dns_host)
        now.phase = "sending the request"
        now.sent_at = time.time()
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        except (BrokenPipeError, ConnectionResetError):
            raise  # urllib3 then looks whether an answer came all the same
        except (OSError, ValueError) as error:
            raise now.failed(error) from None
        finally:
            now.sent = time.monotonic()

    def getresponse(self) -> Any:
        with exchange.get().during("waiting for an answer"):
            return super().getresponse()  # type: ignore[misc]


class PlainConnection(_Timed, urllib3.connection.HTTPConnection):
    response_class: Any = Response

    def connect(self) -> None:
        with exchange.get().during("connecting"):
            super().connect()


class TlsConnection(_Timed, urllib3.connection.HTTPSConnection):
    response_class: Any = Response

    def connect(self) -> None:
        now = exchange.get()
        with now.during("connecting (TLS handshake)"):
            super().connect()
        now.tls_ms = round((time.monotonic() - now.connected) * 1000, 3)


class PlainPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = PlainConnection


class TlsPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = TlsConnection


POOLS = {"http": PlainPool, "https": TlsPool}


class Adapter(HTTPAdapter):
    """requests' adapter on our connections, with one TLS context made beforehand."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=64)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def cert_verify(self, *_: Any) -> None:
        """Nothing to do: the context verifies."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}


def perform(
    adapter: Adapter, request: requests.PreparedRequest, now: Exchange, proxy: str | None, max_body: int
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of one exchange; a NoReading whatever goes wrong, sockets closed."""
    token = exchange.set(now)
    raw: Any = None
    is_whole = False
    try:
        answer = _send(adapter, request, now, proxy)
        raw = answer.raw
        body = read_body(raw._original_response, now, max_body)
        is_whole = True
        return answer.status_code, answer.headers, body
    finally:
        exchange.reset(token)
        now.undo.close()
        if raw is not None:
            _give_back(raw, is_whole and not now.deadline.expired)


def _send(adapter: Adapter, request: requests.PreparedRequest, now: Exchange, proxy: str | None) -> requests.Response:
    left = now.deadline.remaining()
    if left <= 0:
        raise now.failed(TimeoutError())
    proxies = {"http": proxy, "https": proxy} if proxy else None
    try:
        return adapter.send(request, stream=True, timeout=left, proxies=proxies)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise _unexpected(error, now) from None


def _unexpected(error: Exception, now: Exchange) -> NoReading:
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        # The address itself was looked at before.
        return NoReading(now.resource, "the proxy's address can't be used", kind="bad-request")
    return NoReading(
        now.resource,
        f"{now.url}: failed while {now.phase} ({type(error).__name__})",
        kind="read-timeout" if now.deadline.expired else "malformed-answer",
        evidence={"url": now.url},
    )


def _give_back(raw: Any, is_whole: bool) -> None:
    if is_whole:
        raw._original_response.close()
        raw.release_conn()
    else:
        raw.close()
