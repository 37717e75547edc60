"""Read workflow executions and their nodes from the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.handles.tables import MOST, Tables
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from runbook_checks.config import capabilities

_STUCK = """
    SELECT id, TIMESTAMPDIFF(SECOND, started_at, NOW()) AS age_s FROM {executions}
    WHERE status = 'running' AND started_at < NOW() - INTERVAL %s SECOND ORDER BY started_at LIMIT {most}
"""
_FINISHED = """
    SELECT COUNT(*) AS finished, COALESCE(SUM(status = 'failed'), 0) AS failed FROM {executions}
    WHERE status IN ('completed', 'failed') AND started_at > NOW() - INTERVAL %s SECOND
"""
_FAILED = """
    SELECT id, COALESCE(error_message, '') AS error FROM {executions}
    WHERE status = 'failed' AND started_at > NOW() - INTERVAL %s SECOND ORDER BY started_at DESC LIMIT {most}
"""
# Logs of nodes may be written shortly after the execution's end.
_EMPTY = """
    SELECT e.id AS id, TIMESTAMPDIFF(MICROSECOND, e.started_at, e.completed_at) / 1000 AS took_ms,
           COUNT(n.execution_id) AS nodes, COALESCE(SUM(n.status IN ({good})), 0) AS succeeded,
           COALESCE(SUM(n.status IN ({bad})), 0) AS failed
    FROM {executions} e LEFT JOIN {nodes} n ON n.execution_id = e.id
    WHERE e.status = 'completed' AND e.completed_at BETWEEN NOW() - INTERVAL %s SECOND AND NOW() - INTERVAL 30 SECOND
    GROUP BY e.id, e.started_at, e.completed_at HAVING succeeded = 0 OR took_ms <= 0
    ORDER BY e.id DESC LIMIT {most}
"""
_BY_TYPE = """
    SELECT node_type, COUNT(*) AS runs, COALESCE(SUM(status IN ({bad})), 0) AS errors,
           COALESCE(SUM(duration_ms > %s), 0) AS slow, MAX(duration_ms) AS longest_ms
    FROM {nodes} WHERE started_at > NOW() - INTERVAL %s SECOND GROUP BY node_type
"""
_NODES = """
    SELECT execution_id, node_id, node_type, status, COALESCE(error, '') AS error FROM {nodes}
    WHERE execution_id IN ({ids}) ORDER BY started_at
"""
_COMMON_ERROR = """
    SELECT COALESCE(error, '') AS error FROM {nodes} WHERE node_type = %s AND status IN ({bad})
    AND started_at > NOW() - INTERVAL %s SECOND GROUP BY error ORDER BY COUNT(*) DESC LIMIT 1
"""
_NEWEST = "SELECT TIMESTAMPDIFF(SECOND, MAX(started_at), NOW()) / 3600 AS age_h FROM {executions}"


class Executions(Tables):
    """Executions and node logs from their tables; ages by the server's clock."""

    needs = ("executions", "mysql")
    settings: capabilities.Executions

    @property
    def window_s(self) -> int:
        return round(self.settings.window_min * 60)

    def require_use(self) -> None:
        """NoReading unless there is a recent execution: a table that is not written to proves nothing."""
        age_h = self.row(self._sql(_NEWEST))["age_h"]
        if age_h is None or float(age_h) > self.settings.quiet_h:
            newest = "is empty" if age_h is None else f"has had none for {float(age_h):.0f} h"
            raise NoReading("mysql", f"{self.settings.table} {newest}: is this the database in use?", kind="not-in-use")

    def stuck(self) -> list[dict[str, Any]]:
        """Running executions older than the limit: id, age_s; the oldest first."""
        return self.rows(self._sql(_STUCK), round(self.settings.stuck_min * 60))

    def finished(self) -> tuple[int, int]:
        """The number of finished executions of the window, and of failed ones among them."""
        row = self.row(self._sql(_FINISHED), self.window_s)
        return int(row["finished"]), int(row["failed"])

    def failed(self) -> list[dict[str, Any]]:
        """The failed executions of the window: id, error; the newest first."""
        return self.rows(self._sql(_FAILED), self.window_s)

    def empty(self) -> list[dict[str, Any]]:
        """Completed executions of the window in which no node succeeded, or that took no time."""
        return self.rows(self._sql(_EMPTY), self.window_s)

    def by_node_type(self) -> list[dict[str, Any]]:
        """Per node type in the window: runs, errors, slow, longest_ms."""
        return self.rows(self._sql(_BY_TYPE), self.settings.slow_node_ms, self.window_s)

    def common_error(self, node_type: str) -> str:
        """The most frequent error message of a node type."""
        rows = self.rows(self._sql(_COMMON_ERROR), node_type, self.window_s)
        return str(rows[0]["error"]) if rows else ""

    def nodes_of(self, ids: list[Any]) -> dict[Any, list[dict[str, Any]]]:
        """The node logs of these executions in order."""
        found: dict[Any, list[dict[str, Any]]] = {number: [] for number in ids}
        if ids:
            for row in self.rows(self._sql(_NODES, ids=", ".join(["%s"] * len(ids))), *ids):
                found[row["execution_id"]].append(row)
        return found

    def _sql(self, text: str, **more: str) -> str:
        rule = self.settings
        words = {
            name: ", ".join("'" + word.replace("'", "''").replace("\\", "\\\\") + "'" for word in words)
            for name, words in (("good", rule.node_succeeded), ("bad", rule.node_failed))
        }
        tables = {"executions": self.named(rule.table), "nodes": self.named(rule.node_table)}
        return text.format(most=MOST, **tables, **words, **more)
