"""Check that a database answers, has connections left, and finishes its work in time."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from runbook_checks import Found, NoReading, symptom
from runbook_checks.handles.database import Database
from runbook_checks.handles.mysql import MysqlDatabase
from runbook_checks.handles.postgres import PostgresDatabase

if TYPE_CHECKING:
    from runbook_checks.probes.sql.activity import Session, TableRows
    from runbook_checks.probes.sql.locks import Chain

WORST = 10

_UNREACHABLE = (
    "name-not-resolved",
    "connection-refused",
    "connect-timeout",
    "authentication-failed",
    "database-missing",
    "too-many-connections",
    "tls-required",
    "host-not-allowed",
    "starting-up",
)
# The database cannot be used either, but the runbook has no cause for it.
_ALSO_UNREACHABLE = ("tls-failed", "connection-lost", "connection-reset", "malformed-answer")


@symptom("database.unreachable")
def check_database_answers(database: Database) -> None:
    """A service without its database is down, even if its own health check passes."""
    try:
        database.rows("SELECT 1 AS one")
    except NoReading as silence:
        if silence.kind not in (*_UNREACHABLE, *_ALSO_UNREACHABLE):
            raise
        cause = silence.kind if silence.kind in _UNREACHABLE else None
        evidence = {"host": "", "port": "", "database": "", "user": "", **silence.evidence}
        found = Found(cause, seen=silence.reason, wanted="a connection and an answer to SELECT 1", **evidence)
        raise found.among(*_after_connecting(silence.kind)) from None


def _after_connecting(kind: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Possible causes of a connection that was made and then broke: a server that closes it sends no reason."""
    ruled_out = dict.fromkeys(("name-not-resolved", "connection-refused", "connect-timeout"), "connected")
    if kind == "tls-failed":
        return (), ruled_out | {"tls-required": "TLS was spoken"}
    if kind == "malformed-answer":
        return (), ruled_out
    return ("starting-up", "host-not-allowed", "too-many-connections"), ruled_out


@symptom("database.connections-exhausted")
def check_connections_are_left(database: Database) -> None:
    """Without a free connection every new request fails. Which sessions hold them decides the remedy."""
    connections = database.connections()
    maximum, sessions = connections.maximum, connections.groups
    used = sum(int(session["count"]) for session in sessions)
    percent = database.settings.connections_warn_percent
    if used * 100 < maximum * percent:
        return
    by_kind: dict[str, int] = {}
    for session in sessions:
        by_kind[session["kind"]] = by_kind.get(session["kind"], 0) + int(session["count"])
    cause = max(by_kind, key=lambda kind: by_kind[kind])
    first = next(session for session in sessions if session["kind"] == cause)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(by_kind.items(), key=lambda kind: -kind[1]))
    raise Found(
        cause,
        seen=f"{used} of {maximum} connections in use: {told}",
        wanted=f"fewer than {percent:g} %",
        used=used,
        maximum=maximum,
        state=first["state"],
        application=first["application"] or "unnamed",
        count=by_kind[cause],
        sessions=sessions,
    )


@symptom("database.long-running-query")
def check_no_statement_runs_long(database: Database) -> None:
    """A statement that does not end keeps its locks and its connection, and vacuum cannot remove dead rows."""
    limit_s = database.settings.long_running_s
    long = [session for session in database.sessions() if session.age_s > limit_s and not session.waits_for_lock]
    Found.all(
        Found(
            "idle-in-transaction" if session.is_idle else "running-statement",
            seen=f"{session.application} as {session.user} {_doing(session)} for {session.age_s:.0f} s",
            wanted=f"no longer than {limit_s:g} s",
            subject=f"pid {session.pid}",
            pid=session.pid,
            user=session.user,
            application=session.application,
            age_s=round(session.age_s),
            statement=session.statement,
            limit_s=limit_s,
        )
        for session in sorted(long, key=lambda session: -session.age_s)
    )


def _doing(session: Session) -> str:
    return "has been idle in a transaction" if session.is_idle else "has been running one statement"


@symptom("database.slow-queries")
def check_statements_are_quick(database: Database) -> None:
    """A statement that is slow on average is slow for all users, and it is the first to suffer from more load."""
    limits = database.settings
    Found.all(
        Found(
            "slow-statement",
            seen=f"{statement.mean_ms:.0f} ms on average over {statement.calls} calls: {statement.statement}",
            wanted=f"at most {limits.slow_statement_ms:g} ms",
            subject=f"statement {statement.id}",
            severity=None if statement.mean_ms > limits.felt_statement_ms else "P3",
            statement=statement.statement,
            mean_ms=round(statement.mean_ms),
            calls=statement.calls,
            total_s=round(statement.total_ms / 1000, 1),
            limit_ms=limits.slow_statement_ms,
        )
        for statement in database.slow_statements()[:WORST]
    )


@symptom("database.lock-waits")
def check_nobody_waits_long_for_a_lock(postgres: PostgresDatabase) -> None:
    """Sessions that need the same rows queue behind one lock until no connection is left."""
    limit_s = postgres.settings.lock_wait_s
    Found.all(
        Found(
            "blocked-by-idle-transaction" if chain.root.state.startswith("idle") else "blocked-by-query",
            seen=f"{_block(chain)}; the longest has waited {chain.longest_s:.0f} s",
            wanted=f"no wait longer than {limit_s:g} s",
            subject=f"pid {chain.root.pid}",
            pid=chain.root.pid,
            user=chain.root.user,
            application=chain.root.application,
            statement=chain.root.statement,
            count=len(chain.waiting),
            waits_s=round(chain.longest_s),
            waiting=[asdict(one) for one in chain.waiting],
        )
        for chain in postgres.lock_chains()
        if chain.longest_s > limit_s
    )


def _block(chain: Chain) -> str:
    """One line: the root blocker, then which session waits for which."""
    if chain.cycle:
        circle = " -> ".join(str(one.pid) for one in (*chain.cycle, chain.cycle[0]))
        return f"{len(chain.cycle)} sessions wait for each other: {circle}"
    root = chain.root
    waits = ", ".join(f"{one.pid} -> {' and '.join(map(str, one.blockers))}" for one in chain.waiting)
    return f"{root.pid} ({root.application}, {root.state or 'in another state'}) holds up {len(chain.waiting)}: {waits}"


@symptom("database.idle-connections")
def check_no_session_is_left_idle(postgres: PostgresDatabase) -> None:
    """Each idle session uses memory and a connection that other clients need."""
    limit_s = postgres.settings.idle_s
    Found.all(
        Found(
            "leaked-connections",
            seen=f"{len(idle.pids)} of {idle.application} as {idle.user} idle, one for {idle.longest_s:.0f} s",
            wanted=f"none idle longer than {limit_s:g} s",
            subject=idle.application,
            application=idle.application,
            user=idle.user,
            count=len(idle.pids),
            longest_s=round(idle.longest_s),
            limit_s=limit_s,
            pids=list(idle.pids),
        )
        for idle in postgres.idle_sessions()
    )


@symptom("database.unused-indexes")
def check_indexes_are_used(postgres: PostgresDatabase) -> None:
    """An index that no query uses is still written with every row."""
    Found.all(
        Found(
            "never-scanned",
            seen=f"no query used {index.name} on {index.table} ({index.size_mb:.1f} MB)",
            wanted="every index that is not for uniqueness used at least once",
            subject=f"{index.schema}.{index.name}",
            index=f"{index.schema}.{index.name}",
            table=f"{index.schema}.{index.table}",
            size_mb=round(index.size_mb, 1),
            table_scans=index.table_scans,
        )
        for index in postgres.unused_indexes()
    )


@symptom("database.vacuum-overdue")
def check_dead_rows_are_cleared_away(postgres: PostgresDatabase) -> None:
    """Every scan reads dead rows and discards them, so that the table grows and queries become slower."""
    limits = postgres.settings
    Found.all(
        Found(
            "never-vacuumed" if table.vacuumed_h is None else "dead-rows",
            seen=f"{table.name} has {table.dead} dead rows beside {table.live}, {_vacuumed(table)}",
            wanted=f"at most {limits.dead_rows_percent:g} % dead, or a vacuum within {limits.vacuum_h:g} h",
            subject=f"{table.schema}.{table.name}",
            table=f"{table.schema}.{table.name}",
            dead=table.dead,
            live=table.live,
            percent=round(table.dead_percent),
            vacuumed=_vacuumed(table),
        )
        for table in postgres.tables()
        if table.dead >= limits.dead_rows and table.dead_percent > limits.dead_rows_percent
        if table.vacuumed_h is None or table.vacuumed_h > limits.vacuum_h
    )


def _vacuumed(table: TableRows) -> str:
    return "never vacuumed" if table.vacuumed_h is None else f"last vacuumed {table.vacuumed_h:.0f} h ago"


@symptom("database.retention-overdue")
def check_old_rows_are_gone(postgres: PostgresDatabase) -> None:
    """Rows kept longer than agreed slow down every query, and may break a data protection rule."""
    if not postgres.settings.retention:
        raise NoReading("postgres", "postgres.retention is not configured", kind="no-source")
    overdue = [(table, rule, postgres.overdue(table, rule)) for table, rule in postgres.settings.retention.items()]
    Found.all(
        Found(
            "archive-not-running",
            seen=f"{rows['count']} rows of {table} older than {rule.days:g} days, the oldest {rows['oldest_days']:.0f}",
            wanted=f"none older than {rule.days:g} days",
            subject=table,
            table=table,
            count=rows["count"],
            days=f"{rule.days:g}",
            oldest_days=round(rows["oldest_days"]),
            column=rule.column,
        )
        for table, rule, rows in overdue
        if rows["count"]
    )


@symptom("database.table-size")
def check_tables_are_not_too_large(mysql: MysqlDatabase) -> None:
    """A table that is too large for its server is slow to query, change and restore, and cannot be reduced quickly."""
    limit_mb = mysql.settings.table_mb
    Found.all(
        Found(
            "over-limit",
            seen=f"{table.name} takes {table.data_mb:.0f} MB and {table.index_mb:.0f} MB of indexes",
            wanted=f"at most {limit_mb:g} MB",
            subject=f"{table.schema}.{table.name}",
            table=f"{table.schema}.{table.name}",
            data_mb=round(table.data_mb),
            index_mb=round(table.index_mb),
            rows=table.rows,
            limit_mb=limit_mb,
        )
        for table in mysql.sizes()
        if table.data_mb + table.index_mb > limit_mb
    )
