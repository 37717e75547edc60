"""Facts about a database's activity, the same for every engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Session:
    """One session that runs a statement or keeps a transaction open. Statements have no literals."""

    pid: int
    user: str
    application: str
    statement: str
    """The running one, or the last one of a session that is idle in its transaction."""
    age_s: float
    """How long the statement has been running, or the session has been idle."""
    is_idle: bool
    """Idle in a transaction."""
    waits_for_lock: bool


@dataclass(frozen=True)
class SlowStatement:
    """One statement that is slow on average since the statistics began."""

    id: str
    statement: str
    mean_ms: float
    calls: int
    total_ms: float


@dataclass(frozen=True)
class Waiting:
    """One session that waits for a lock or holds one. `pid` 0 is a prepared transaction."""

    pid: int
    user: str
    application: str
    state: str
    statement: str
    blockers: tuple[int, ...]
    waits_s: float


@dataclass(frozen=True)
class IdleSessions:
    """The sessions of one application and user that have been idle for longer than a limit."""

    user: str
    application: str
    pids: tuple[int, ...]
    longest_s: float
    """The longest idle time among them."""


@dataclass(frozen=True)
class Index:
    """One index that no query has used."""

    schema: str
    table: str
    name: str
    size_mb: float
    table_scans: int
    """How often the table was read in other ways."""


@dataclass(frozen=True)
class TableRows:
    """One table's rows as the statistics count them, and the hours since it was last vacuumed and analyzed."""

    schema: str
    name: str
    live: int
    dead: int
    vacuumed_h: float | None
    analyzed_h: float | None

    @property
    def dead_percent(self) -> float:
        return 100 * self.dead / max(1, self.live + self.dead)


@dataclass(frozen=True)
class TableSize:
    """The size of one table; `rows` is the server's estimate."""

    schema: str
    name: str
    data_mb: float
    index_mb: float
    rows: int
