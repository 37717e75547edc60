"""Count events of abuse by window and by source."""

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
    """Events of requests that exceed a limit or look like an attack."""

    needs = ("abuse", "mysql")
    settings: capabilities.Abuse

    @property
    def window_s(self) -> int:
        return round(self.settings.window_min * 60)

    def counts(self, event: str) -> tuple[int, float]:
        """The number of these events in the window, and the average of the windows before."""
        rule, table = self.settings, self.named(self.settings.events_table)
        if not self.rows(_EVER.format(events=table)):
            what = f"{rule.events_table} has no event at all: is this the database in use?"
            raise NoReading("mysql", what, kind="not-in-use")
        whole_s = self.window_s * (rule.windows + 1)
        rows = self.rows(_COUNTS.format(events=table), self.window_s, event, whole_s)
        by_window = {int(row["place"]): int(row["count"]) for row in rows}
        before = sum(count for place, count in by_window.items() if place)
        return by_window.get(0, 0), before / rule.windows

    def is_surge(self, now: float, usual: float) -> bool:
        return now >= self.settings.least and now > self.settings.surge_factor * usual

    def surging(self) -> list[tuple[str, int, float]]:
        """The types of events that surge: type, count of the window, usual count."""
        kinds = (self.settings.limited_event, self.settings.risk_event)
        counts = [(kind, *self.counts(kind)) for kind in kinds]
        return [entry for entry in counts if self.is_surge(*entry[1:])]

    def sources(self, event: str) -> list[tuple[str, int]]:
        """The sources of the window's events with their counts, most frequent first."""
        sql = _PAYLOADS.format(events=self.named(self.settings.events_table))
        payloads = [payload(row["payload"]) for row in self.rows(sql, event, self.window_s)]
        return Counter(self._source(one) for one in payloads).most_common()

    def _source(self, event: dict[str, Any]) -> str:
        return next((str(event[name]) for name in self.settings.source_fields if event.get(name)), "unknown")

    def traffic(self) -> tuple[float, float] | None:
        """Anonymous requests of the window and the average of the windows before; None without abuse.traffic."""
        rule = self.settings
        if rule.traffic is None or "prometheus" not in self.chosen.given:
            return None
        metrics = Metrics(self.context, self.chosen)
        expression = rule.traffic.replace("{window}", f"{self.window_s}s")
        counts = [metrics.value(expression, number * self.window_s) for number in range(rule.windows + 1)]
        return counts[0], sum(counts[1:]) / rule.windows
