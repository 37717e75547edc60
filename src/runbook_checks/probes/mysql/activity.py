"""Read what a MySQL or MariaDB server is doing, and how large its tables are.

Sources: MySQL 8.4 Reference Manual, 'INFORMATION_SCHEMA Tables', 'The Slow Query Log', 'Statement Summary Tables';
MariaDB Knowledge Base, same names. Without PROCESS the process list shows the account's own sessions only,
without an error; the InnoDB tables refuse such an account, so each list is joined with one of those.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.activity import Session, SlowStatement, TableSize
from runbook_checks.probes.sql.masking import without_literals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rows = Callable[..., list[dict[str, Any]]]

RESOURCE = "mysql"
_ME = "SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"
_SESSIONS = """
    SELECT p.id AS pid, p.user AS user, p.command AS command, COALESCE(p.info, '') AS statement,
           p.time AS age_s, t.trx_id IS NOT NULL AS in_transaction,
           COALESCE(t.trx_state = 'LOCK WAIT', 0) AS waits
    FROM information_schema.processlist p
    LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
    WHERE p.command NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID')
          AND p.user NOT IN ('system user', 'event_scheduler')
"""
_MAXIMUM = "SELECT @@max_connections AS maximum"
_SIZES = """
    SELECT table_schema AS place, table_name AS name, COALESCE(data_length, 0) / 1048576 AS data_mb,
           COALESCE(index_length, 0) / 1048576 AS index_mb, COALESCE(table_rows, 0) AS size
    FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'
    ORDER BY COALESCE(data_length, 0) + COALESCE(index_length, 0) DESC
"""
_TABLES = "SELECT table_schema AS place, table_name AS name FROM information_schema.tables WHERE table_name IN ({})"
_SLOW_LOG = "SELECT @@slow_query_log AS is_on, @@log_output AS output"
_SLOW = f"""
    SELECT CONVERT(sql_text USING utf8mb4) AS statement,
           FLOOR(TIME_TO_SEC(query_time)) * 1000 + MICROSECOND(query_time) / 1000 AS took_ms
    FROM mysql.slow_log
    WHERE start_time > NOW() - INTERVAL %s MINUTE AND user_host NOT LIKE CONCAT({_ME}, '[%%')
    ORDER BY start_time DESC LIMIT 5000
"""  # noqa: S608  it contains no value from outside
_DIGESTS_ON = "SELECT @@performance_schema AS is_on"
_DIGESTS = """
    SELECT digest AS id, digest_text AS statement, avg_timer_wait / 1e9 AS mean_ms, count_star AS calls,
           sum_timer_wait / 1e9 AS total_ms
    FROM performance_schema.events_statements_summary_by_digest
    WHERE schema_name = %s AND last_seen > NOW() - INTERVAL %s MINUTE AND digest_text IS NOT NULL
    ORDER BY avg_timer_wait DESC LIMIT 1000
"""


def in_use(rows: Rows) -> list[dict[str, Any]]:
    """Every client's session with its kind: idle-in-transaction, idle-pool or active-load; ours are among them."""
    return [
        {
            "kind": "active-load"
            if not _is_idle(row)
            else "idle-in-transaction"
            if row["in_transaction"]
            else "idle-pool",
            "state": row["command"],
            "application": row["user"],
        }
        for row in with_grant(rows, "PROCESS ON *.*", _SESSIONS)
    ]


def maximum(rows: Rows) -> int:
    return int(rows(_MAXIMUM)[0]["maximum"])


def sessions(rows: Rows, user: str) -> list[Session]:
    """Sessions that run a statement or are idle in a transaction; never our own."""
    return [
        Session(
            int(row["pid"]),
            row["user"],
            row["user"],
            without_literals(row["statement"], "mysql") or "no statement",
            float(row["age_s"]),
            _is_idle(row),
            bool(row["waits"]),
        )
        for row in with_grant(rows, "PROCESS ON *.*", _SESSIONS)
        if row["user"] != user and (row["in_transaction"] or not _is_idle(row))
    ]


def _is_idle(row: dict[str, Any]) -> bool:
    return bool(row["command"] == "Sleep")


def places(rows: Rows, tables: Sequence[str], innodb: str) -> dict[str, list[str]]:
    """The databases that have tables of these names, readable or not.

    `innodb` is the list of all InnoDB tables, which needs PROCESS. Tables of other engines are visible with
    any privilege on them.
    """
    names = list(dict.fromkeys(tables))
    likes = " OR ".join(["name LIKE %s"] * len(names))
    everywhere = f"SELECT name AS path FROM {innodb} WHERE {likes}"  # noqa: S608  two names of the server's own
    seen = with_grant(rows, "PROCESS ON *.*", everywhere, *[f"%/{name}" for name in names])
    found = {(place, name) for row in seen for place, _, name in [row["path"].partition("/")]}
    found |= {(row["place"], row["name"]) for row in rows(_TABLES.format(", ".join(["%s"] * len(names))), *names)}
    return {name: sorted(place for place, other in found if other == name) for name in names}


def sizes(rows: Rows, schema: str, expected: Sequence[str]) -> list[TableSize]:
    """The database's tables, the largest first. NoReading undefined-table if an expected one is not visible."""
    read = rows(_SIZES, schema)
    unseen = [table for table in expected if table not in {row["name"] for row in read}]
    if unseen or not read:
        what = f"{schema} shows no table {', '.join(unseen) or 'at all'}"
        raise NoReading(RESOURCE, f"{what}; to see them: GRANT SELECT ON {schema}.*", kind="undefined-table")
    return [
        TableSize(row["place"], row["name"], float(row["data_mb"]), float(row["index_mb"]), int(row["size"]))
        for row in read
    ]


def slow_statements(
    rows: Rows, schema: str, window_min: float, slower_than_ms: float, at_least: int
) -> list[SlowStatement]:
    """The slowest on average, from the slow log where it goes to its table, else from the statement summaries.

    NoReading not-tracked where the server keeps neither.
    """
    kept = rows(_SLOW_LOG)[0]
    if kept["is_on"] and "TABLE" in str(kept["output"]).upper():
        found = _grouped(with_grant(rows, "SELECT ON mysql.slow_log", _SLOW, window_min))
    elif rows(_DIGESTS_ON)[0]["is_on"]:
        read = with_grant(rows, "SELECT ON performance_schema.*", _DIGESTS, schema, window_min)
        found = [
            SlowStatement(
                row["id"],
                without_literals(row["statement"], "mysql"),
                float(row["mean_ms"]),
                int(row["calls"]),
                float(row["total_ms"]),
            )
            for row in read
        ]
    else:
        what = "the slow log does not go to a table (slow_query_log, log_output) and performance_schema is off"
        raise NoReading(RESOURCE, what, kind="not-tracked")
    slow = [one for one in found if one.mean_ms > slower_than_ms and one.calls >= at_least]
    return sorted(slow, key=lambda one: -one.mean_ms)


def _grouped(entries: list[dict[str, Any]]) -> list[SlowStatement]:
    took: dict[str, list[float]] = {}
    for entry in entries:
        took.setdefault(without_literals(entry["statement"], "mysql"), []).append(float(entry["took_ms"]))
    return [
        SlowStatement(hashlib.sha256(text.encode()).hexdigest()[:12], text, sum(ms) / len(ms), len(ms), sum(ms))
        for text, ms in took.items()
    ]


def with_grant(rows: Rows, grant: str, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows of a statement. NoReading no-privilege names the missing grant."""
    try:
        return rows(sql, *parameters)
    except NoReading as refused:
        if refused.kind != "no-privilege":
            raise
        who = f"'{refused.evidence.get('user', 'the account')}'@'...'"
        reason = f"{refused.evidence.get('user')} may not read this; it needs GRANT {grant} TO {who}"
        raise NoReading(RESOURCE, reason, kind="no-privilege", evidence=refused.evidence) from None
