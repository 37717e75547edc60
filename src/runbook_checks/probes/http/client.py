"""What does an HTTP service answer, how long does each phase take, or why is there no answer?"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.core.single_flight import Shared
from runbook_checks.probes.http.rate_limits import is_limit, limited, patiently
from runbook_checks.probes.http.request import Asked
from runbook_checks.probes.http.response import Answer, NotJson, Timings, decoded
from runbook_checks.probes.http.target import Target, checked_proxy, has_login, redirect_target

if TYPE_CHECKING:
    import ssl

    from runbook_checks.probes.http.exchange import Exchange
    from runbook_checks.probes.http.transport import Adapter
    from runbook_checks.probes.net.far_ends import FarEnds

__all__ = ["Answer", "Http", "NotJson", "Timings"]

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
RETRIED = ("connection-refused", "connection-reset")
PAUSE_S = 0.1
SHORT_WAIT_S = 3.0  # for a far end that limits our rate


class Http:
    """One service. Readings by GET are shared and may be tried twice; what is sent otherwise never is.

    Each reading ends within timeout_s (or the running check's deadline) however the far end drips, and
    takes no more than max_body bytes. Nothing is taken from ~/.netrc, proxy variables or cookies.

    proxy     "http://[user:password@]host:port"
    resolver  "address[:port]" of a name server
    clear_text  hosts and networks to which passwords and tokens may go without TLS; to this machine they always may
    ca_file   the only authorities believed (PEM file or hashed folder); certifi's without one
    far_ends  which addresses may be dialled, where a far end named the base address and no file did

    NoReading kinds: name-not-resolved connection-refused connect-timeout read-timeout tls-failed
    connection-reset body-too-large redirect-loop malformed-answer address-refused; and where it is not the far end's
    doing: proxy-failed ca-file-unreadable client-certificate-unreadable bad-request clear-text-refused rate-limited.
    """

    def __init__(
        self,
        base_url: str,
        *,
        resource: str = "http",
        timeout_s: float = 5.0,
        connect_timeout_s: float = 3.0,
        ca_file: str | None = None,
        client_certificate: tuple[str, str] | None = None,
        proxy: str | None = None,
        headers: Mapping[str, str] | None = None,
        resolver: str | None = None,
        max_body: int = 1 << 20,
        run_id: str = "",
        clear_text: tuple[str, ...] = (),
        far_ends: FarEnds | None = None,
    ) -> None:
        self.resource = resource
        self.timeout_s = timeout_s
        self._target = Target(base_url, headers or {}, run_id, resource)
        self._connect_timeout_s = connect_timeout_s
        self._ca_file = ca_file
        self._client_certificate = client_certificate
        self._proxy = proxy
        self._resolver = resolver
        self._clear_text = clear_text
        self._max_body = max_body
        self._far_ends = far_ends
        self._shared = Shared(resource)
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._kept: Adapter | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: the same service, asked in the same way, with connections and readings of its own."""
        again = partial(
            Http,
            resource=self.resource,
            timeout_s=self.timeout_s,
            connect_timeout_s=self._connect_timeout_s,
            ca_file=self._ca_file,
            client_certificate=self._client_certificate,
            proxy=self._proxy,
            headers=self._target.extra,
            resolver=self._resolver,
            max_body=self._max_body,
            run_id=self._target.run_id,
            clear_text=self._clear_text,
            far_ends=self._far_ends,
        )
        return again, (self._target.base,)

    def get(self, path: str, *, fresh: bool = False, even_limited: bool = False) -> Answer:
        """The answer to GET, read once for everybody; fresh=True reads again, over a new connection.

        path  appended to the base address, or an absolute address of the same origin. dns, connect and
              tls are measured on fresh readings. Redirects are followed within the origin, five at most;
              one that leads elsewhere is itself the answer. What was refused or reset is tried once more, and so
              is what meets a limit of our rate, where the wait is short.
        even_limited  a limit of our rate is an answer too, at once
        """
        url = self._target.url(path)
        self._prepare(url)
        if even_limited:
            return self._get(url, fresh=fresh)

        def ask() -> Answer:
            return patiently(lambda: self._get(url, fresh=fresh), self.resource, tries=2, longest_s=SHORT_WAIT_S)

        return ask() if fresh else self._shared.get(url, ask)

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
        """The answer to one request, sent once, over a new connection; a redirect is the answer.

        is_login  the body holds a password
        """
        url = self._target.url(path)
        self._prepare(url)
        with reading(f"{method} {url}") as facts:
            asked = Asked(method, within(self.timeout_s), headers, body, fresh=True, is_login=is_login)
            answer = _noted(facts, self._exchange(url, asked))
            if is_limit(answer) and not even_limited:
                raise limited(answer, self.resource)
            return answer

    def url(self, path: str) -> str:
        """The whole address of a path, as it would be asked; NoReading bad-request for another origin."""
        return self._target.url(path)

    def header_names(self) -> set[str]:
        """Names, in lower case, of the headers that every request of ours carries."""
        return self._target.header_names()

    def close(self) -> None:
        """Close the connections kept open; later readings open new ones."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _get(self, url: str, *, fresh: bool) -> Answer:
        with reading(f"GET {url}") as facts:
            asked = Asked("GET", within(self.timeout_s), fresh=fresh)
            try:
                return _noted(facts, self._follow(url, asked))
            except NoReading as gone:
                facts["attempts"] = 1
                if gone.kind not in RETRIED or asked.deadline.remaining() <= PAUSE_S:
                    raise
                first = gone
            time.sleep(PAUSE_S)
            again = asked.again()
            facts["attempts"] = 2
            try:
                return _noted(facts, self._follow(url, again))
            except NoReading as gone:
                # Where only the time ran out, what happened at first says more.
                told = first if again.deadline.expired else gone
                told.attempts = 2
                raise told from None

    def _follow(self, url: str, asked: Asked) -> Answer:
        while True:
            answer = self._exchange(url, asked)
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or not location:
                return answer
            target = redirect_target(url, location)
            if target is None:
                return answer
            asked.redirects += (url,)
            if len(asked.redirects) > MAX_REDIRECTS:
                raise NoReading(
                    self.resource,
                    f"{asked.redirects[0]}: more than {MAX_REDIRECTS} redirects follow each other",
                    kind="redirect-loop",
                    evidence={"redirects": list(asked.redirects)},
                )
            url = target

    def _exchange(self, url: str, asked: Asked) -> Answer:
        from runbook_checks.probes.http.exchange import Exchange
        from runbook_checks.probes.http.transport import perform

        request = self._target.prepare(asked.method, url, asked.headers, asked.body)
        adapter = self._adapter(fresh=asked.fresh)
        limit = self._connect_timeout_s
        is_measured = asked.fresh and asked.method == "GET"
        now = Exchange(url, self.resource, asked.deadline, self._resolver, limit, ExitStack(), as_served=is_measured)
        now.clear_text = self._clear_text
        now.opens = url.lower().startswith("http://") and (asked.is_login or has_login(request.headers))
        now.opens_at_proxy = bool(self._proxy) and checked_proxy(self._proxy or "", self.resource)
        now.far_ends = self._far_ends
        try:
            status, headers, content = perform(adapter, request, now, self._proxy, self._max_body)
        except NoReading as gone:
            if not now.broke_while_idle(gone):
                raise
            return self._exchange(url, asked)
        finally:
            if asked.fresh:
                adapter.close()
        asked.exchanges.append(now)
        return Answer(
            asked.method,
            url,
            status,
            headers,
            self._plain(content, headers.get("content-encoding") or "", now),
            asked.timings(),
            now.peer,
            asked.attempts,
            now.sent_at,
            now.received_at,
            self.resource,
            asked.redirects,
        )

    def _plain(self, content: bytes, coding: str, now: Exchange) -> bytes:
        from runbook_checks.probes.http.exchange import malformed, too_large

        plain = decoded(content, coding, self._max_body)
        if plain is None:
            raise malformed(now, f"the body is coded as {coding!r}, which was not asked for, and can't be read")
        if len(plain) > self._max_body:
            raise too_large(now, self._max_body)
        return plain

    def _prepare(self, url: str) -> None:
        """What the first request needs, imported and read before any clock runs."""
        import runbook_checks.probes.http.transport  # noqa: F401
        from runbook_checks.probes.tls.tls_context import context

        with self._lock:
            if self._context is None and "https://" in (url + (self._proxy or "")).lower():
                self._context = context(self.resource, self._ca_file, self._client_certificate)

    def _adapter(self, *, fresh: bool) -> Adapter:
        from runbook_checks.probes.http.transport import Adapter

        with self._lock:
            if fresh:
                return Adapter(self._context)
            if self._kept is None:
                self._kept = Adapter(self._context)
            return self._kept


def _noted(facts: dict[str, Any], answer: Answer) -> Answer:
    times = answer.timings
    facts.update(
        status=answer.status,
        bytes=len(answer.body),
        peer=answer.peer,
        attempts=answer.attempts,
        headers=answer.shown_headers(),
        **{name: getattr(times, name) for name in times.__dataclass_fields__},
    )
    if answer.redirects:
        facts["redirects"] = [*answer.redirects, answer.url]
    return answer
