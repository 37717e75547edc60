"""Database rows of a message and of the steps of its session."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from runbook_checks_lab.customer_service.store import Connection

STEPS = {"assign": ("open", "assigned"), "resolve": ("assigned", "resolved"), "close": ("resolved", "closed")}


class NoSuchSession(Exception):
    """404."""


class WrongStatus(Exception):
    """409: the session does not have the status that this step needs."""


def receive(
    db: Connection, channel: str, message_id: str, open_id: str, content: str, sent_at: datetime, *, is_once: bool
) -> dict[str, Any]:
    """Process a message id once: the first request inserts it, and a concurrent one waits at the primary key."""
    claimed = db.execute(
        "INSERT INTO cs_message_dedup (channel, message_id) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING 1",
        (channel, message_id),
    ).fetchone()
    if not claimed and is_once:
        return _answer(db, _session_of(db, channel, message_id), is_duplicate=True)
    session_id = _open_session(db, channel, open_id)
    db.execute(
        "INSERT INTO cs_messages (session_id, channel, message_id, content, sent_at) VALUES (%s, %s, %s, %s, %s)",
        (session_id, channel, message_id, content, sent_at),
    )
    return _answer(db, session_id, is_duplicate=False)


def step(db: Connection, session_id: UUID, action: str, actor: str, *, is_audited: bool) -> str:
    begins, ends = STEPS[action]
    row = db.execute("SELECT status FROM cs_sessions WHERE id = %s FOR UPDATE", (session_id,)).fetchone()
    if row is None:
        raise NoSuchSession
    if row["status"] != begins:
        raise WrongStatus(row["status"])
    db.execute(
        "UPDATE cs_sessions SET status = %s, assignee = coalesce(assignee, %s), updated_at = now() WHERE id = %s",
        (ends, actor, session_id),
    )
    db.execute(
        "UPDATE cs_tickets SET status = %s, closed_at = CASE WHEN %s = 'closed' THEN now() END WHERE session_id = %s",
        (ends, ends, session_id),
    )
    if is_audited:
        audit(db, session_id, action, actor)
    return ends


def audit(db: Connection, session_id: UUID, action: str, actor: str) -> None:
    db.execute("INSERT INTO cs_audit_logs (session_id, action, actor) VALUES (%s, %s, %s)", (session_id, action, actor))


def remove(db: Connection, session_id: UUID) -> None:
    """Remove everything except the audit rows."""
    db.execute(
        "DELETE FROM cs_message_dedup AS d USING cs_messages AS m"
        " WHERE m.session_id = %s AND (d.channel, d.message_id) = (m.channel, m.message_id)",
        (session_id,),
    )
    if db.execute("DELETE FROM cs_sessions WHERE id = %s", (session_id,)).rowcount == 0:
        raise NoSuchSession


def sessions(db: Connection, limit: int) -> list[dict[str, Any]]:
    return _newest(db, "SELECT id, channel, status, assignee, created_at, updated_at FROM cs_sessions", limit)


def tickets(db: Connection, limit: int) -> list[dict[str, Any]]:
    return _newest(db, "SELECT id, session_id, subject, priority, status, created_at FROM cs_tickets", limit)


def _newest(db: Connection, select: str, limit: int) -> list[dict[str, Any]]:
    return db.execute(f"{select} ORDER BY created_at DESC LIMIT %s".encode(), (limit,)).fetchall()


def _open_session(db: Connection, channel: str, open_id: str) -> UUID:
    found = db.execute(
        "SELECT id FROM cs_sessions"
        " WHERE channel = %s AND open_id = %s AND status = 'open' ORDER BY created_at LIMIT 1",
        (channel, open_id),
    ).fetchone()
    if found:
        return _id(found)
    made = db.execute("INSERT INTO cs_sessions (channel, open_id) VALUES (%s, %s) RETURNING id", (channel, open_id))
    session_id = _id(made.fetchone())
    db.execute(
        "INSERT INTO cs_tickets (session_id, subject) VALUES (%s, %s)", (session_id, f"Question of {open_id}"[:200])
    )
    return session_id


def _session_of(db: Connection, channel: str, message_id: str) -> UUID:
    found = db.execute(
        "SELECT session_id AS id FROM cs_messages WHERE channel = %s AND message_id = %s ORDER BY created_at LIMIT 1",
        (channel, message_id),
    ).fetchone()
    return _id(found)


def _answer(db: Connection, session_id: UUID, *, is_duplicate: bool) -> dict[str, Any]:
    ticket = db.execute("SELECT id FROM cs_tickets WHERE session_id = %s", (session_id,)).fetchone()
    return {"session_id": session_id, "ticket_id": _id(ticket), "duplicate": is_duplicate}


def _id(row: dict[str, Any] | None) -> UUID:
    assert row is not None
    found: UUID = row["id"]
    return found
