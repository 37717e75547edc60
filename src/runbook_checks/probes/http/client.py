"""Request an HTTP service, time each phase, and give the reason if there is no response."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.deadline import Deadline, within
from runbook_checks.probes.core.reading import NoReading, one_line, reading
from runbook_checks.probes.core.single_flight import Shared
from runbook_checks.probes.http.rate_limits import MAY_LIMIT, is_limit, limited, patiently
from runbook_checks.probes.http.response import SHOWN_HEADERS, Answer, NotJson, Timings, decoded
from runbook_checks.probes.http.target import Target, has_login, redirect_target, same_origin, shown

if TYPE_CHECKING:
    import ssl

    from requests import PreparedRequest

    from runbook_checks.probes.http.transport import Connection, Exchange

__all__ = ["Answer", "Http", "NotJson", "Timings"]

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
RETRIED = ("connection-refused", "connection-reset")
TOO_LARGE = "body-too-large"
PAUSE_S = 0.1
SHORT_WAIT_S = 3.0  # the longest wait for a rate limit


@dataclass(eq=False, repr=False)
class Http(Target):
    """A client of one service. GET readings are shared and may be retried once; other requests are sent once.

    Each reading ends within timeout_s (or the running check's deadline) however slowly the server sends, and takes no
    more than max_body bytes. It ignores ~/.netrc, proxy variables and cookies.

    NoReading kinds: name-not-resolved connection-refused connect-timeout read-timeout tls-failed
    connection-reset body-too-large redirect-loop malformed-answer address-refused; and, not the server's fault:
    proxy-failed ca-file-unreadable client-certificate-unreadable bad-request clear-text-refused rate-limited.
    """

    def __post_init__(self) -> None:
        self._shared = Shared(self.resource)
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._idle: list[Connection] = []
        self._plain_requests: dict[str, PreparedRequest] = {}  # a burst spends a third of its CPU on preparing

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: the same settings, with separate connections and readings."""
        return partial(Http, **{field.name: getattr(self, field.name) for field in fields(self)}), ()

    def get(self, path: str, *, fresh: bool = False, even_limited: bool = False) -> Answer:
        """The response to GET, shared by all callers; fresh=True reads again, over a new connection.

        path  appended to the base address, or an absolute address of the same origin. dns, connect and tls are
              measured on fresh readings. At most five redirects within the origin are followed; one to another origin
              is itself the response. A refused or reset connection is retried once, and so is a rate limit with a
              short wait.
        even_limited  return a rate limit as a response, at once
        """
        url = self.url(path)
        self._prepare(url)

        def ask() -> Answer:
            answer = self._get(url, fresh=fresh)
            if even_limited or answer.status not in MAY_LIMIT:
                return answer
            again = partial(self._get, url, fresh=fresh)
            return patiently(again, self.resource, tries=2, longest_s=SHORT_WAIT_S, first=answer)

        return ask() if fresh or even_limited else self._shared.get(url, ask)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        is_login: bool = False,
        even_limited: bool = False,
    ) -> Answer:
        """The response to one request, sent once over a new connection; redirects are not followed.

        is_login  the body contains a password
        """
        url = self.url(path)
        self._prepare(url)
        with reading(f"{method} {url}") as facts:
            exchange = self._new(method, url, within(self.timeout_s), headers, body, is_login=is_login)
            answer = _noted(facts, self._answer([self._run(exchange, fresh=True)], exchange.begun))
            if is_limit(answer) and not even_limited:
                raise limited(answer, self.resource)
            return answer

    def status(self, path: str, deadline: Deadline) -> int:
        """The status of one GET over a kept connection; not followed, retried, shared or recorded."""
        exchange = self._new("GET", self.url(path), deadline)
        try:
            self._run(exchange)
        except NoReading as gone:
            if gone.kind != TOO_LARGE:
                raise
        return exchange.status

    def connect(self, path: str, deadline: Deadline) -> None:
        """Open a connection for a later `status`."""
        url = self.url(path)
        self._prepare(url)
        self._idle.append(self._new("GET", url, deadline).connected())

    def url(self, path: str) -> str:
        """The whole address of a path; NoReading bad-request for another origin."""
        if re.match(r"https?://", path, re.IGNORECASE):
            if not same_origin(path, self.base_url.strip()):
                raise self.bad(f"{shown(path)} is not of the origin of {self.root}")
            return shown(path)
        joint = "" if not path or path.startswith(("/", "?")) else "/"
        return f"{self.root}{joint}{path}".partition("#")[0]

    def header_names(self) -> set[str]:
        """Names of the headers of every request, in lower case."""
        return {name.lower() for name in self.usual_headers}

    def close(self) -> None:
        """Close the kept connections; later readings open new ones."""
        with self._lock:
            kept, self._idle = self._idle, []
        for connection in kept:
            connection.close()

    def _get(self, url: str, *, fresh: bool) -> Answer:
        with reading(f"GET {url}") as facts:
            deadline = within(self.timeout_s)
            try:
                return _noted(facts, self._follow(url, deadline, fresh=fresh))
            except NoReading as gone:
                facts["attempts"] = 1
                if gone.kind not in RETRIED or deadline.remaining() <= PAUSE_S:
                    raise
                first = gone
            time.sleep(PAUSE_S)
            facts["attempts"] = 2
            try:
                return _noted(facts, self._follow(url, deadline, fresh=fresh, attempts=2))
            except NoReading as gone:
                # After a timeout of the retry the first failure has more information.
                reported = first if deadline.expired else gone
                reported.attempts = 2
                raise reported from None

    def _follow(self, url: str, deadline: Deadline, *, fresh: bool, attempts: int = 1) -> Answer:
        begun, done = time.monotonic(), []
        while True:
            exchange = self._new("GET", url, deadline)
            exchange.is_measured = fresh
            done.append(self._run(exchange, fresh=fresh))
            location = exchange.headers.get("location")
            target = redirect_target(url, location) if exchange.status in REDIRECTS and location else None
            if target is None:
                return self._answer(done, begun, attempts)
            if len(done) > MAX_REDIRECTS:
                raise NoReading(
                    self.resource,
                    f"{done[0].url}: more than {MAX_REDIRECTS} redirects in a row",
                    kind="redirect-loop",
                    evidence={"redirects": [one.url for one in done]},
                )
            url = target

    def _answer(self, done: list[Exchange], begun: float, attempts: int = 1) -> Answer:
        last = done[-1]
        return Answer(
            str(last.request.method),
            last.url,
            last.status,
            last.headers,
            self._plain(last),
            _timings(done, begun),
            last.peer,
            attempts,
            last.sent_at,
            last.received_at,
            self.resource,
            tuple(one.url for one in done[:-1]),
        )

    def _plain(self, exchange: Exchange) -> bytes:
        coding = exchange.headers.get("content-encoding")
        if not coding or not self.decodes:
            return exchange.body
        plain = decoded(exchange.body, coding, self.max_body)
        if plain is None:
            raise exchange.malformed(
                f"the body has the Content-Encoding {coding!r}, which was not requested and cannot be decoded"
            )
        if len(plain) > self.max_body:
            raise exchange.too_large()
        return plain

    def _new(
        self,
        method: str,
        url: str,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        is_login: bool = False,
    ) -> Exchange:
        import requests

        from runbook_checks.probes.http.transport import Exchange

        wanted = self.with_headers(headers) if headers else self.usual_headers
        is_login = is_login or (has_login(wanted) if headers else self.has_usual_login)
        is_plain = method == "GET" and not headers and not body
        request = self._plain_requests.get(url) if is_plain else None
        if request is None:
            try:
                request = requests.Request(method, url, headers=wanted, data=body).prepare()
            except (requests.RequestException, ValueError) as error:
                # The library's text may quote a header's value.
                raise self.bad(f"{url} cannot be requested ({type(error).__name__})") from None
            if is_plain:
                self._plain_requests[url] = request
        return Exchange(self, self._context, url, request, deadline, is_login)

    def _run(self, exchange: Exchange, *, fresh: bool = False) -> Exchange:
        """Run the exchange over a kept connection if there is one, unless `fresh`."""
        kept = None if fresh else self._kept()
        try:
            connection = exchange.run(kept)
        except NoReading as gone:
            if kept is None or not exchange.broke_while_idle(gone):
                raise
            return self._run(exchange)
        if connection is not None and fresh:
            connection.close()
        elif connection is not None:
            self._idle.append(connection)
        return exchange

    def _kept(self) -> Connection | None:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_idle():
                    return connection
                connection.close()
        return None

    def _prepare(self, url: str) -> None:
        """Import and read what the first request needs, before any timing starts."""
        import runbook_checks.probes.http.transport  # noqa: F401
        from runbook_checks.probes.net.tls_context import context, system

        with self._lock:
            if self._context is None and "https://" in (url + (self.proxy or "")).lower():
                made = system() if self.trusts_system else context(self.resource, self.ca_file, self.client_certificate)
                made.set_alpn_protocols(["http/1.1"])
                self._context = made


def _timings(done: list[Exchange], begun: float) -> Timings:
    def together(name: str) -> float | None:
        taken = [getattr(one, name) for one in done if getattr(one, name) is not None]
        return round(sum(taken), 3) if taken else None

    waited_s = sum(max(0.0, one.first_byte - one.sent) for one in done)
    total_s = time.monotonic() - begun
    phases = (together("dns_ms"), together("connect_ms"), together("tls_ms"))
    return Timings(*phases, round(waited_s * 1000, 3), round(total_s * 1000, 3))


def _shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers whose values may be shown, each on one line."""
    return {name: one_line(headers[name]) for name in SHOWN_HEADERS if name in headers}


def _noted(facts: dict[str, Any], answer: Answer) -> Answer:
    times = answer.timings
    facts.update(
        status=answer.status,
        bytes=len(answer.body),
        peer=answer.peer,
        attempts=answer.attempts,
        headers=_shown_headers(answer.headers),
        **vars(times),
    )
    if answer.redirects:
        facts["redirects"] = [*answer.redirects, answer.url]
    return answer
