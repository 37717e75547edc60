"""Read a PostgreSQL database's counters of tables, indexes and rows.

Source: PostgreSQL documentation, 'The Cumulative Statistics System'. The counters are open to every role; they are
no reading while track_counts is off, and a short one after a crash or a reset, when they begin at zero again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.activity import Index, TableRows

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = Callable[..., list[dict[str, Any]]]

# A database whose own counters were never reset has them since the server's began.
_COUNTED = """
    SELECT current_setting('track_counts') AS tracked, current_database() AS database,
           extract(epoch FROM clock_timestamp() - greatest(
               (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
               (SELECT stats_reset FROM pg_stat_bgwriter)))::float8 / 86400 AS days,
           (SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables)::float8 AS scans,
           (SELECT count(*) FROM pg_stat_user_tables) AS tables
"""
# Without unique and exclusion indexes, on which constraints and replicas rest, and without invalid and unfinished ones.
_UNUSED = """
    SELECT s.schemaname AS schema, s.relname AS table, s.indexrelname AS name,
           pg_relation_size(s.indexrelid) / 1048576.0 AS size_mb, t.seq_scan + t.idx_scan AS scans
    FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid) JOIN pg_stat_user_tables t ON t.relid = s.relid
    WHERE s.idx_scan = 0 AND i.indisvalid AND NOT (i.indisunique OR i.indisexclusion)
    ORDER BY size_mb DESC, s.schemaname, s.relname, s.indexrelname
"""
_TABLES = """
    SELECT schemaname AS schema, relname AS name, n_live_tup AS live, n_dead_tup AS dead,
           extract(epoch FROM clock_timestamp() - greatest(last_vacuum, last_autovacuum))::float8 / 3600 AS vacuumed_h,
           extract(epoch FROM clock_timestamp() - greatest(last_analyze, last_autoanalyze))::float8 / 3600 AS analyzed_h
    FROM pg_stat_user_tables ORDER BY n_dead_tup DESC
"""
_HIDDEN = "SELECT row_security_active(%s) AS hidden"


def require(rows: Rows, days: float) -> None:
    """NoReading unless the counters are kept, and for so long.

    Kinds: not-tracked, too-young, no-statistics (nothing has been counted: no query has read any table).
    """
    counted = rows(_COUNTED)[0]
    where = counted["database"]
    if counted["tracked"] != "on":
        raise NoReading("postgres", f"track_counts is off: {where} keeps no counters", kind="not-tracked")
    if counted["days"] is None or counted["days"] < days:
        age = "of an unknown age" if counted["days"] is None else f"only {_duration(counted['days'])} old"
        reason = f"the statistics of {where} are {age}, and are meaningful after {_duration(days)}"
        raise NoReading("postgres", reason, kind="too-young")
    if counted["tables"] and not counted["scans"]:
        raise NoReading(
            "postgres",
            f"no table of {where} has been read since the counters began",
            kind="no-statistics",
        )


def _duration(days: float) -> str:
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.2g} h"


def unused_indexes(rows: Rows) -> list[Index]:
    """The largest first."""
    return [
        Index(row["schema"], row["table"], row["name"], float(row["size_mb"]), int(row["scans"]))
        for row in rows(_UNUSED)
    ]


def tables(rows: Rows) -> list[TableRows]:
    """Those with the most dead rows first."""
    return [TableRows(**row) for row in rows(_TABLES)]


def older_rows(
    rows: Rows, table: tuple[str, str], column: str, days: float, where: tuple[str, str] | None
) -> dict[str, Any]:
    """{count, oldest_days} of the rows older than so many days, of those with `where`'s value in its column.

    NoReading kind hidden-rows: row-level security shows this role some rows only.
    """
    name = sql.Identifier(*table)
    if rows(_HIDDEN, name.as_string())[0]["hidden"]:
        reason = f"row-level security hides rows of {table[1]}: give the monitor's role BYPASSRLS"
        raise NoReading("postgres", reason, kind="hidden-rows")
    statement = sql.SQL(
        "SELECT count(*) AS count, extract(epoch FROM now() - min({column}))::float8 / 86400 AS oldest_days"
        " FROM {table} WHERE {column} < now() - make_interval(secs => %s)"
    ).format(column=sql.Identifier(column), table=name)
    given: list[Any] = [days * 86400]
    if where:
        statement += sql.SQL(" AND {}::text = %s").format(sql.Identifier(where[0]))
        given.append(where[1])
    return rows(statement.as_string(), *given)[0]
