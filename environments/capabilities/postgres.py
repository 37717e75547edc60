"""What is there to know of a PostgreSQL database: the way in, the tables it must hold, its limits?"""

from __future__ import annotations

from dataclasses import dataclass, field

from environments.capabilities.rules import STRICT, positive
from environments.references import Secret


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A PostgreSQL database, seen by a role that may only look."""

    __pydantic_config__ = STRICT
    dsn: Secret
    """The monitor role's DSN (the service's own is preflight's)."""
    schema: str = "public"
    """The schema that holds the service's tables."""
    tables: list[str] = field(default_factory=list)
    """The tables a release needs."""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    """Table to column to the type it must have, for columns that have been seen to break."""
    service_role: str | None = None
    """The role the service and its migrations run as."""
    connections_warn_percent: float = 80
    """Connections in use, of the server's maximum, from which they count as exhausted."""
    connect_timeout_s: float = 4
    """A connection must be there within this time."""
    statement_timeout_s: float = 5
    """No statement of ours runs longer."""

    def __post_init__(self) -> None:
        positive(connections_warn_percent=self.connections_warn_percent)
        positive(connect_timeout_s=self.connect_timeout_s, statement_timeout_s=self.statement_timeout_s)
