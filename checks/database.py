"""Does the database answer, and has it room for another connection?"""

from __future__ import annotations

from fixtures import Found, NoReading, symptom
from fixtures.handles import Database

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
# It can't be used either, but why is none of the runbook's causes.
_ALSO_UNREACHABLE = ("tls-failed", "connection-lost", "connection-reset", "malformed-answer")

_SESSIONS = """
    SELECT coalesce(state, 'unknown') AS state, coalesce(application_name, '') AS application, count(*) AS count
    FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1, 2 ORDER BY 3 DESC
"""
_MAXIMUM = "SELECT current_setting('max_connections')::int AS maximum"


@symptom("database.unreachable")
def check_database_answers(database: Database) -> None:
    """A service without its database is down, whatever its own health says."""
    try:
        database.rows("SELECT 1 AS one")
    except NoReading as silence:
        if silence.kind not in (*_UNREACHABLE, *_ALSO_UNREACHABLE):
            raise
        cause = silence.kind if silence.kind in _UNREACHABLE else None
        evidence = {"host": "", "port": "", "database": "", "user": "", **silence.evidence}
        raise Found(cause, seen=silence.reason, wanted="a connection and an answer to SELECT 1", **evidence) from None


@symptom("database.connections-exhausted")
def check_connections_are_left(database: Database) -> None:
    """When the last connection is gone, every new request fails; who holds them says what to do."""
    database.require_role("pg_read_all_stats")
    maximum = int(database.row(_MAXIMUM)["maximum"])
    sessions = database.rows(_SESSIONS)
    used = sum(int(session["count"]) for session in sessions)
    percent = database.settings.connections_warn_percent
    if used * 100 < maximum * percent:
        return
    by_state: dict[str, int] = {}
    for session in sessions:
        by_state[_kind(session["state"])] = by_state.get(_kind(session["state"]), 0) + int(session["count"])
    cause = max(by_state, key=lambda kind: by_state[kind])
    first = next(session for session in sessions if _kind(session["state"]) == cause)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(by_state.items(), key=lambda kind: -kind[1]))
    raise Found(
        cause,
        seen=f"{used} of {maximum} connections in use: {told}",
        wanted=f"fewer than {percent:g} %",
        used=used,
        maximum=maximum,
        state=first["state"],
        application=first["application"] or "unnamed",
        count=by_state[cause],
        sessions=sessions,
    )


def _kind(state: str) -> str:
    if state.startswith("idle in transaction"):
        return "idle-in-transaction"
    return "idle-pool" if state == "idle" else "active-load"
