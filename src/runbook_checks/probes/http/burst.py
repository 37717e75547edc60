"""Measure how many responses a second several callers get from an address, and how many are errors.

A burst is limited in requests and time, and ends early when most of its requests fail.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from runbook_checks.probes.core.deadline import Deadline, within
from runbook_checks.probes.core.reading import NoReading, reading
from runbook_checks.probes.http.client import Http

ABOVE = 1.1  # the rate that is sent, relative to the wanted one
GRACE_S = 2.0  # for responses in progress at the end
ENOUGH = 50  # responses after which a burst that mostly fails ends
OWN_LIMIT = 0.85  # share of a processor above which Python could not have sent more


@dataclass
class Facts:
    """The result of a burst. `times_ms` has those of successful responses, sorted."""

    asked_per_s: float
    elapsed_s: float = 0.0
    processor: float = 0.0  # share that this process used
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
        """Failed responses that are rate limits."""
        return self.outcomes["429"]

    @property
    def per_s(self) -> float:
        """Successful responses a second."""
        return (self.answered - self.failed) / self.elapsed_s if self.elapsed_s else 0.0

    def percentile_ms(self, share: float) -> float:
        return self.times_ms[min(len(self.times_ms) - 1, int(share * len(self.times_ms)))] if self.times_ms else 0.0


def fire(http: Http, path: str, *, per_s: float, seconds: float, callers: int) -> Facts:
    """Send requests from several callers, each over a kept connection and none before it is due.

    NoReading own-limit if this machine could not send more; else those of connecting.
    """
    with reading(f"a burst of {per_s:g} requests/s against {http.url(path)}") as facts:
        deadline = within(seconds + GRACE_S)
        found = Facts(per_s)
        http.connect(path, deadline)  # without a connection there is no burst
        began, processor = time.monotonic(), time.process_time()
        plan = Plan(itertools.count(), began, began + seconds, per_s * ABOVE, found)
        threads = [
            threading.Thread(target=_call, args=(http, path, plan, deadline), daemon=True) for _ in range(callers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(deadline.remaining() + 0.2)
        with plan.lock:
            found.elapsed_s = time.monotonic() - began
            found.processor = (time.process_time() - processor) / found.elapsed_s
            found.times_ms.sort()
        facts.update(outcomes=dict(found.outcomes), per_s=round(found.per_s), processor=round(found.processor, 2))
        if found.per_s < per_s and found.processor > OWN_LIMIT and found.failed == 0:
            reason = f"this machine could not send more than {found.per_s:.0f} requests/s"
            raise NoReading(http.resource, reason, kind="own-limit")
        return found


@dataclass
class Plan:
    """State shared by the callers: the next request, its time, and the results."""

    turns: itertools.count[int]
    began: float
    end: float
    pace: float
    found: Facts
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> bool:
        """Wait until the next request is due; False without one."""
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


def _call(http: Http, path: str, plan: Plan, deadline: Deadline) -> None:
    while not deadline.expired and plan.wait():
        sent = time.monotonic()
        try:
            status = str(http.status(path, deadline))
        except NoReading:
            status = "no answer"
        plan.note(status, time.monotonic() - sent)
