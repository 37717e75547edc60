"""The handle of a PostgreSQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook_checks.handles.sql_database import Connections, SqlDatabase
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres import activity as pgactivity
from runbook_checks.probes.sql.locks import chains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.config import capabilities
    from runbook_checks.probes.sql.activity import IdleSessions, Index, Session, SlowStatement, TableRows
    from runbook_checks.probes.sql.locks import Chain


_SESSIONS = """
    SELECT coalesce(state, 'unknown') AS state, coalesce(application_name, '') AS application, count(*) AS count
    FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1, 2 ORDER BY 3 DESC
"""
_MAXIMUM = "SELECT current_setting('max_connections')::int AS maximum"
# pg_catalog shows every table to every role; information_schema hides those one has no privilege on.
_TABLES = """
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'
"""
# A column that does not exist is NULL in the row as JSON, and so no UUID.
_UUIDS = """
    count(DISTINCT CASE WHEN to_jsonb(t)->>{0} ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
    THEN lower(to_jsonb(t)->>{0}) END)
"""


class PostgresDatabase(SqlDatabase):
    """The PostgreSQL database, read-only."""

    needs = ("postgres",)
    resource = "postgres"
    libraries = ("runbook_checks.probes.postgres.client",)
    settings: capabilities.Postgres

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return self.bound.postgres.query(sql, parameters or None)

    def count(self, table: str, column: str, value: str, *, uuid: str | None = None) -> int:
        """Count the rows with a value in a column, now; with `uuid`, the distinct UUIDs in that other column."""
        from psycopg import sql

        where = sql.SQL("SELECT {} AS count FROM {} t WHERE {}::text = %s").format(
            sql.SQL("count(*)") if uuid is None else sql.SQL(_UUIDS).format(uuid),
            sql.Identifier(self.settings.schema, table),
            sql.Identifier(column),
        )
        return int(self.bound.postgres.query(where.as_string(), [value], fresh=True)[0]["count"])

    @property
    def name(self) -> str:
        return str(self.row("SELECT current_database() AS name")["name"])

    def places(self, tables: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in self.rows(_TABLES, list(tables)):
            found.setdefault(row["name"], []).append(row["schema"])
        return found

    def connections(self) -> Connections:
        self.require_role("pg_read_all_stats")
        maximum = int(self.row(_MAXIMUM)["maximum"])
        groups = self.rows(_SESSIONS)
        for group in groups:
            group["kind"] = _kind(group["state"])
        return Connections(maximum, groups)

    def require_role(self, role: str) -> None:
        """NoReading unless the monitor's role is a member of `role`."""
        sql = "SELECT pg_has_role(current_user, %s, 'USAGE') AS member, current_user::text AS name"
        seen = self.row(sql, role)
        if not seen["member"]:
            what = f"{seen['name']} cannot see other sessions: GRANT {role} TO {seen['name']}"
            raise NoReading("postgres", what, kind="no-privilege")

    def sessions(self) -> list[Session]:
        self.require_role("pg_read_all_stats")
        return pgactivity.sessions(self.rows)

    def slow_statements(self) -> list[SlowStatement]:
        self.require_role("pg_read_all_stats")
        limits = self.settings
        return pgactivity.slow_statements(self.rows, limits.slow_statement_ms, limits.slow_statement_calls)

    def lock_chains(self) -> list[Chain]:
        """Sessions that wait for locks, by the session that they all wait for."""
        self.require_role("pg_read_all_stats")
        return chains(pgactivity.waiting(self.rows))

    def require_counters(self) -> None:
        """NoReading unless the counters of tables and indexes cover enough days."""
        from runbook_checks.probes.postgres import statistics as pgcounters

        pgcounters.require(self.rows, self.settings.statistics_days)

    def unused_indexes(self) -> list[Index]:
        """Indexes that no query has used since the counters began, without those that enforce uniqueness."""
        from runbook_checks.probes.postgres import statistics as pgcounters

        self.require_counters()
        return pgcounters.unused_indexes(self.rows)

    def tables(self) -> list[TableRows]:
        """The tables' live and dead rows, and when they were last vacuumed and analyzed."""
        from runbook_checks.probes.postgres import statistics as pgcounters

        self.require_counters()
        return pgcounters.tables(self.rows)

    def idle_sessions(self) -> list[IdleSessions]:
        """Idle sessions by application and user."""
        self.require_role("pg_read_all_stats")
        return pgactivity.idle_sessions(self.rows, self.settings.idle_s)

    def overdue(self, table: str, rule: capabilities.Retention) -> dict[str, Any]:
        """How many rows of a table are older than its rule allows, and the age of the oldest in days."""
        from runbook_checks.probes.postgres import statistics as pgcounters

        where = (rule.status_column, rule.status) if rule.status_column else None
        return pgcounters.older_rows(self.rows, (self.settings.schema, table), rule.column, rule.days, where)


def _kind(state: str) -> str:
    if state.startswith("idle in transaction"):
        return "idle-in-transaction"
    return "idle-pool" if state == "idle" else "active-load"
