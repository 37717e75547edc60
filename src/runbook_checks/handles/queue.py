"""The handle of a Cloudflare queue: its settings, its backlog, and the results of its messages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook_checks.handles.base import Handle
from runbook_checks.handles.log import Log
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.providers.cloudflare import Cloudflare, Waiting
    from runbook_checks.probes.providers.cloudflare import Queue as Found

DAY_S = 86400


@dataclass(frozen=True)
class Processed:
    """Results of the messages that were processed in a time window."""

    done: int
    failed: int
    read: int
    source: str

    @property
    def total(self) -> int:
        return self.done + self.failed

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.total if self.total else 0.0


class Queue(Handle):
    """The queue: its settings, its backlog, and the results of its messages."""

    needs = ("queue",)
    libraries = ("runbook_checks.probes.http.transport", "runbook_checks.probes.providers.cloudflare")
    settings: capabilities.Queue

    @property
    def cloudflare(self) -> Cloudflare:
        return self.bound.opened("queue", self._cloudflare)

    def _cloudflare(self) -> Cloudflare:
        from runbook_checks.probes.providers.cloudflare import Cloudflare

        token = self.bound.value(self.settings.token, "queue") or ""
        account = self.bound.value(self.settings.account, "queue") or ""
        url = self.bound.value(self.settings.api_url, "queue") or ""
        http = self.bound.http_at(url, "queue", headers={"Authorization": f"Bearer {token}"})
        return Cloudflare(http, account)

    def found(self) -> tuple[Found | None, int]:
        """The queue, or None if the account has no queue of that name; and the number of the account's queues."""
        return self.bound.shared.get("queue found", lambda: self.cloudflare.queue(self.settings.name))

    def its(self) -> Found:
        """The queue. NoReading queue-missing if it does not exist."""
        queue, _ = self.found()
        if queue is None:
            raise NoReading("queue", f"the account has no queue {self.settings.name}", kind="queue-missing")
        return queue

    def waiting(self) -> Waiting:
        return self.cloudflare.waiting(self.its().id)

    def processed(self) -> Processed:
        """Counts from Cloudflare's analytics, in the window that ends at the start of the run."""
        return self.bound.shared.get("queue processed", self._processed)

    def _processed(self) -> Processed:
        """An empty window counts as a reading only if the analytics have data from the day before."""
        queue, until = self.its(), self.run.started
        counts = self.cloudflare.operations(queue.id, until - 60 * self.settings.window_min, until)
        if not counts and not self.cloudflare.operations(queue.id, until - DAY_S, until):
            what = f"Cloudflare's analytics have no operation on {self.settings.name} within a day"
            raise NoReading("queue", what, kind="no-data")
        deleted = Counter[str]()
        for (action, outcome), count in counts.items():
            if action == "DeleteMessage":
                deleted[outcome] += count
        read = sum(count for (action, _), count in counts.items() if action == "ReadMessage")
        return Processed(deleted["success"], deleted["fail"] + deleted["dlq"], read, "Cloudflare's analytics")

    def trend_a_minute(self) -> float:
        """Growth of the backlog in messages a minute; negative if it shrinks."""
        until = self.run.started
        points = self.cloudflare.backlog(self.its().id, until - 60 * self.settings.window_min, until)
        if len(points) < 2:
            raise NoReading("queue", "Cloudflare's analytics have no backlog over time", kind="no-data")
        third = max(1, len(points) // 3)
        first, last = (sum(value for _, value in part) / third for part in (points[:third], points[-third:]))
        return (last - first) / max(1, len(points) - third)

    # ----------------------------------------------------------- the consumer's log
    @property
    def has_log(self) -> bool:
        return "logs" in self.chosen.given

    def logged(self) -> tuple[int, Counter[str]]:
        """Messages done and failures by cause, from the consumer's log, in the same window."""
        log = Log(self.context, self.chosen)
        begin, script = self.run.started - 60 * self.settings.window_min, self.settings.consumer.script
        entries = [e for e in log.read().entries if not script or e.message.startswith(f"{script} ")]
        if not entries:
            raise NoReading("logs", f"the log has no invocation of {script or 'a Worker'}", kind="no-entries")
        within = [entry for entry in entries if begin <= entry.time < self.run.started]
        done = sum(self.settings.done_text in entry.message for entry in within)
        return done, Counter(self._cause(entry.message) for entry in within if entry.level in log.settings.levels)

    def _cause(self, message: str) -> str:
        return next((cause for cause, code in self.settings.codes.items() if code in message), "other")
