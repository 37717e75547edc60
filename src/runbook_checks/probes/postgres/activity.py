"""Read what a PostgreSQL database is doing from its statistics views.

Sources: PostgreSQL documentation, 'The Cumulative Statistics System', 'pg_locks', 'pg_stat_statements'. A role
that is not a member of pg_read_all_stats sees other sessions and statements as empty: check the membership first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.activity import IdleSessions, Session, SlowStatement, Waiting
from runbook_checks.probes.sql.dsn_parameters import APPLICATION
from runbook_checks.probes.sql.masking import without_literals

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = Callable[..., list[dict[str, Any]]]

_SESSIONS = """
    SELECT pid, coalesce(usename, '') AS user, application_name AS application, coalesce(state, '') AS state, query,
           wait_event_type = 'Lock' AS waits,
           extract(epoch FROM clock_timestamp() - CASE WHEN state = 'active' THEN query_start ELSE state_change END)
               ::float8 AS age_s
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND application_name <> %s
"""
PREPARED = 0  # pg_blocking_pids returns 0 for a prepared transaction
# Waits of every backend, because a session of another database may hold the lock; one statement for one moment.
_WAITING = """
    WITH waiting AS MATERIALIZED (
        SELECT pid, min(waitstart) AS since, pg_blocking_pids(pid) AS blockers
        FROM pg_locks WHERE NOT granted GROUP BY pid
    )
    SELECT a.pid, coalesce(a.usename, a.backend_type) AS user, a.application_name AS application,
           coalesce(a.state, '') AS state, a.query, coalesce(w.blockers, '{}') AS blockers,
           coalesce(extract(epoch FROM clock_timestamp() - coalesce(w.since, a.query_start))::float8, 0) AS waits_s
    FROM pg_stat_activity a LEFT JOIN waiting w USING (pid)
    WHERE w.pid IS NOT NULL OR a.pid IN (SELECT unnest(blockers) FROM waiting)
"""
_IDLE = """
    SELECT coalesce(usename, '') AS user, application_name AS application, array_agg(pid ORDER BY state_change) AS pids,
           extract(epoch FROM clock_timestamp() - min(state_change))::float8 AS longest_s
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND datname = current_database() AND state = 'idle'
          AND application_name <> %s AND state_change < clock_timestamp() - make_interval(secs => %s)
    GROUP BY 1, 2 ORDER BY count(*) DESC
"""
_EXTENSION = """
    SELECT quote_ident(n.nspname) AS schema, current_database() AS database FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
"""
_STATEMENTS = """
    SELECT queryid::text AS id, query, mean_exec_time AS mean_ms, calls, total_exec_time AS total_ms
    FROM {schema}.pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
    WHERE d.datname = current_database() AND r.rolname <> current_user ORDER BY mean_exec_time DESC LIMIT 1000
"""
_SETTING = "SELECT current_setting(%s, true) AS value"
# Maintenance statements are slow by nature, and no user waits for them.
_UPKEEP = re.compile(
    r"\s*(copy|vacuum|analyze|create|alter|drop|reindex|refresh|cluster|truncate|checkpoint|grant|revoke|declare|fetch"
    r"|begin|commit|rollback|set|reset|show)\b",
    re.IGNORECASE,
)


def sessions(rows: Rows) -> list[Session]:
    """Sessions of this database that run a statement or are idle in a transaction; never our own."""
    read = rows(_SESSIONS, APPLICATION)
    if any(row["state"] in ("", "disabled") for row in read):
        raise NoReading("postgres", "track_activities is off: statements are hidden", kind="not-tracked")
    return [
        Session(
            row["pid"],
            row["user"],
            row["application"] or "unnamed",
            without_literals(row["query"]),
            float(row["age_s"] or 0),
            row["state"].startswith("idle in transaction"),
            bool(row["waits"]),
        )
        for row in read
        if row["state"] != "idle"
    ]


def idle_sessions(rows: Rows, longer_than_s: float) -> list[IdleSessions]:
    """Sessions of this database that are idle for longer, by application and user; never our own."""
    return [
        IdleSessions(row["user"], row["application"] or "unnamed", tuple(row["pids"]), float(row["longest_s"]))
        for row in rows(_IDLE, APPLICATION, longer_than_s)
    ]


def waiting(rows: Rows) -> list[Waiting]:
    """Every session that waits for a lock, and those it waits for."""
    found = [
        Waiting(
            row["pid"],
            row["user"],
            row["application"] or "unnamed",
            row["state"],
            without_literals(row["query"] or ""),
            tuple(dict.fromkeys(row["blockers"])),  # a parallel query's leader stands once for each worker
            float(row["waits_s"]),
        )
        for row in rows(_WAITING)
    ]
    if any(PREPARED in session.blockers for session in found):
        found.append(Waiting(PREPARED, "", "a prepared transaction", "idle, prepared", "", (), 0.0))
    return found


def slow_statements(rows: Rows, slower_than_ms: float, min_calls: int) -> list[SlowStatement]:
    """Statements of other roles with at least `min_calls` calls, the slowest first.

    NoReading kinds: extension-missing, not-tracked, no-statistics (they have just been reset).
    """
    read = rows(_STATEMENTS.format(schema=_schema(rows)))
    if not any(row["calls"] >= min_calls for row in read):
        reason = f"pg_stat_statements holds no statement of this database that others ran {min_calls} times"
        raise NoReading("postgres", reason, kind="no-statistics")
    return [
        SlowStatement(row["id"], without_literals(row["query"]), row["mean_ms"], row["calls"], row["total_ms"])
        for row in read
        if row["mean_ms"] > slower_than_ms and row["calls"] >= min_calls and not _UPKEEP.match(row["query"])
    ]


def _schema(rows: Rows) -> str:
    found = rows(_EXTENSION)
    if not found:
        what = "the extension pg_stat_statements is not in this database: add it to shared_preload_libraries, then"
        raise NoReading("postgres", f"{what} CREATE EXTENSION pg_stat_statements", kind="extension-missing")
    if rows(_SETTING, "pg_stat_statements.track")[0]["value"] == "none":
        raise NoReading("postgres", "pg_stat_statements.track = none: no statement is recorded", kind="not-tracked")
    return str(found[0]["schema"])
