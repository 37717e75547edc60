"""How many answers a second does an address give to several callers at once, and how many of them are errors?

Bounded: so many requests at most, for so long, and no longer than it takes to see that most of them fail.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runbook_checks.inputs.address import WAYS_ON, may_hear
from runbook_checks.probes.core.deadline import Deadline, within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.http.target import has_login, user_agent
from runbook_checks.probes.net.connect import connect

RESOURCE = "http"
ABOVE = 1.1  # of the rate asked for is sent
MAX_BODY = 1 << 20
GRACE_S = 2.0  # for answers that are still under way at the end
CONNECT_S = 3.0
ENOUGH = 50  # answers, after which a burst that mostly fails is over
OWN_LIMIT = 0.85  # of a processor: Python could not have sent more


@dataclass
class Facts:
    """What came of a burst. Times in ms, of answers that are no errors, sorted."""

    asked_per_s: float
    elapsed_s: float = 0.0
    processor: float = 0.0  # our own share of one
    outcomes: Counter[str] = field(default_factory=Counter)  # "200", "503", "no answer"
    times_ms: list[float] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(self.outcomes.values())

    @property
    def failed(self) -> int:
        return sum(count for name, count in self.outcomes.items() if not name.startswith(("2", "3")))

    @property
    def limited(self) -> int:
        """Those of the failed that a limit of our rate refused."""
        return self.outcomes["429"]

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return (self.answered - self.failed) / self.elapsed_s if self.elapsed_s else 0.0

    def percentile_ms(self, share: float) -> float:
        return self.times_ms[min(len(self.times_ms) - 1, int(share * len(self.times_ms)))] if self.times_ms else 0.0


class Burst:
    """Callers with a connection each; request number n is sent no sooner than it is due."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        run_id: str,
        context: ssl.SSLContext | None,
        resolver: str | None,
        clear_text: tuple[str, ...] = (),
    ) -> None:
        parts = urlsplit(url)
        self.url, self.context, self.resolver, self.clear_text = url, context, resolver, clear_text
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.headers = {**headers, "User-Agent": user_agent(run_id), "Accept": "*/*", "Accept-Encoding": "identity"}

    def fire(self, *, per_s: float, seconds: float, callers: int) -> Facts:
        """NoReading own-limit where more was not sent for want of a processor here; else those of connecting."""
        with reading(f"a burst of {per_s:g} requests/s against {self.url}") as facts:
            deadline = within(seconds + GRACE_S)
            found = Facts(per_s)
            Caller(self, deadline).connect()  # where nothing answers, no burst is begun
            began, processor = time.monotonic(), time.process_time()
            plan = Plan(itertools.count(), began, began + seconds, per_s * ABOVE, found)
            threads = [threading.Thread(target=Caller(self, deadline).call, args=(plan,)) for _ in range(callers)]
            for thread in threads:
                thread.daemon = True
                thread.start()
            for thread in threads:
                thread.join(deadline.remaining() + 0.2)
            with plan.lock:
                found.elapsed_s = time.monotonic() - began
                found.processor = (time.process_time() - processor) / found.elapsed_s
                found.times_ms.sort()
            facts.update(outcomes=dict(found.outcomes), per_s=round(found.per_s), processor=round(found.processor, 2))
            if found.per_s < per_s and found.processor > OWN_LIMIT and found.failed == 0:
                reason = f"{found.per_s:.0f} requests/s were all that this machine could send"
                raise NoReading(RESOURCE, reason, kind="own-limit")
            return found


@dataclass
class Plan:
    """What the callers share: whose turn it is, when that is due, and what came out."""

    turns: itertools.count[int]
    began: float
    end: float
    pace: float
    found: Facts
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> bool:
        """Until the next request is due; False where there is none."""
        due = self.began + next(self.turns) / self.pace
        mostly_fails = self.found.answered > ENOUGH and self.found.failed * 2 > self.found.answered
        if max(due, time.monotonic()) >= self.end or mostly_fails:
            return False
        time.sleep(max(0.0, due - time.monotonic()))
        return True

    def note(self, status: str, took_s: float) -> None:
        with self.lock:
            self.found.outcomes[status] += 1
            if status.startswith(("2", "3")):
                self.found.times_ms.append(took_s * 1000)


class Caller:
    """One caller with one connection at a time, which the deadline cuts."""

    def __init__(self, burst: Burst, deadline: Deadline) -> None:
        self._burst, self._deadline = burst, deadline

    def connect(self) -> None:
        with contextlib.ExitStack() as undo:
            self._connected(undo)

    def call(self, plan: Plan) -> None:
        undo, connection = contextlib.ExitStack(), None
        while not self._deadline.expired and plan.wait():
            sent = time.monotonic()
            try:
                connection = connection or self._connected(undo)
                status, is_kept = self._asked(connection)
            except (OSError, http.client.HTTPException, NoReading):
                status, is_kept = "no answer", False
            plan.note(status, time.monotonic() - sent)
            if not is_kept:
                undo.close()
                connection = None
        undo.close()

    def _connected(self, undo: contextlib.ExitStack) -> http.client.HTTPConnection:
        burst = self._burst
        made = connect(
            burst.host,
            burst.port,
            resolver=burst.resolver,
            deadline=self._deadline,
            connect_timeout_s=CONNECT_S,
            resource=RESOURCE,
            guard=self._guard,
        )
        sock = undo.enter_context(made.sock)
        undo.enter_context(self._deadline.watch(sock))
        try:
            wrapped = burst.context.wrap_socket(sock, server_hostname=burst.host) if burst.context else sock
        except OSError as error:
            what = f"{burst.host}:{burst.port}: the TLS handshake failed ({type(error).__name__})"
            raise NoReading(RESOURCE, what, kind="tls-failed") from None
        connection = http.client.HTTPConnection(burst.host, burst.port)
        connection.sock = undo.enter_context(wrapped)
        return connection

    def _guard(self, ip: str) -> None:
        burst = self._burst
        if burst.context is None and has_login(burst.headers) and not may_hear(ip, burst.host, burst.clear_text):
            what = f"{burst.host} is another machine, and the headers would go there in clear text: "
            raise NoReading(RESOURCE, what + WAYS_ON.format(tls="https://"), kind="clear-text-refused")

    def _asked(self, connection: http.client.HTTPConnection) -> tuple[str, bool]:
        """The status of one answer, and whether the connection can be used again."""
        connection.request("GET", self._burst.path, headers=self._burst.headers)
        with contextlib.closing(connection.getresponse()) as answer:
            size = len(answer.read(MAX_BODY + 1))
            return str(answer.status), not answer.will_close and size <= MAX_BODY
