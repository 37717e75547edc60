"""What is there to ask of abuse: the events that tell of it, window by window, and who they come from?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.metrics import Metrics
from runbook_checks.handles.tables import Tables, payload
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities

_EVER = "SELECT 1 AS one FROM {events} LIMIT 1"
_COUNTS = """
    SELECT FLOOR(TIMESTAMPDIFF(SECOND, created_at, NOW()) / %s) AS place, COUNT(*) AS count FROM {events}
    WHERE event_type = %s AND created_at > NOW() - INTERVAL %s SECOND AND created_at <= NOW() GROUP BY place
"""
_PAYLOADS = """
    SELECT payload_json AS payload FROM {events}
    WHERE event_type = %s AND created_at > NOW() - INTERVAL %s SECOND ORDER BY created_at DESC LIMIT 5000
"""


class Abuse(Tables):
    """Events of requests over a limit or looking like an attack."""

    needs = ("abuse", "mysql")
    settings: capabilities.Abuse

    @property
    def window_s(self) -> int:
        return round(self.settings.window_min * 60)

    def counts(self, event: str) -> tuple[int, float]:
        """How many of these events the window has, and how many windows like it had before, on average."""
        rule, table = self.settings, self.named(self.settings.events_table)
        if not self.rows(_EVER.format(events=table)):
            what = f"{rule.events_table} holds no event at all: is this the database in use?"
            raise NoReading("mysql", what, kind="not-in-use")
        whole_s = self.window_s * (rule.windows + 1)
        rows = self.rows(_COUNTS.format(events=table), self.window_s, event, whole_s)
        by_window = {int(row["place"]): int(row["count"]) for row in rows}
        before = sum(count for place, count in by_window.items() if place)
        return by_window.get(0, 0), before / rule.windows

    def is_surge(self, now: float, usual: float) -> bool:
        return now >= self.settings.least and now > self.settings.surge_factor * usual

    def surging(self) -> list[tuple[str, int, float]]:
        """The kinds of events that surge: type, count of the window, usual count."""
        kinds = (self.settings.limited_event, self.settings.risk_event)
        counted = [(kind, *self.counts(kind)) for kind in kinds]
        return [entry for entry in counted if self.is_surge(*entry[1:])]

    def sources(self, event: str) -> list[tuple[str, int]]:
        """Who the events of the window came from, and how many from each, most first."""
        sql = _PAYLOADS.format(events=self.named(self.settings.events_table))
        carried = [payload(row["payload"]) for row in self.rows(sql, event, self.window_s)]
        return Counter(self._source(one) for one in carried).most_common()

    def _source(self, carried: dict[str, Any]) -> str:
        return next((str(carried[name]) for name in self.settings.source_fields if carried.get(name)), "unknown")

    def traffic(self) -> tuple[float, float] | None:
        """Anonymous requests of the window, and of windows before on average; None where no expression is given."""
        rule = self.settings
        if rule.traffic is None or "prometheus" not in self.chosen.given:
            return None
        metrics = Metrics(self.context, self.chosen)
        expression = rule.traffic.replace("{window}", f"{self.window_s}s")
        counts = [metrics.value(expression, number * self.window_s) for number in range(rule.windows + 1)]
        return counts[0], sum(counts[1:]) / rule.windows
