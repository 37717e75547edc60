"""The base class of the handles of SQL databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.probes.sql.activity import Session, SlowStatement


@dataclass(frozen=True)
class Connections:
    """The server's maximum, and the connections in use: groups with kind, state, application and count."""

    maximum: int
    groups: list[dict[str, Any]]


class SqlDatabase(Handle):
    """A database, read-only. The subclasses hold what differs between engines."""

    resource: ClassVar[str]

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a statement that only reads."""
        raise NotImplementedError

    def row(self, sql: str, *parameters: Any) -> dict[str, Any]:
        """The row of a statement that must return exactly one."""
        rows = self.rows(sql, *parameters)
        if len(rows) != 1:
            raise NoReading(self.resource, f"a statement returned {len(rows)} rows, not one", kind="sql-error")
        return rows[0]

    @property
    def name(self) -> str:
        """The name of the database."""
        raise NotImplementedError

    def places(self, tables: Sequence[str]) -> dict[str, list[str]]:
        """The schemas that have tables of these names, by table."""
        raise NotImplementedError

    def connections(self) -> Connections:
        """The connections in use, the largest group first."""
        raise NotImplementedError

    def sessions(self) -> list[Session]:
        """The sessions that run a statement, or are idle in a transaction."""
        raise NotImplementedError

    def slow_statements(self) -> list[SlowStatement]:
        """Statements whose mean time is above the limit, the slowest first."""
        raise NotImplementedError
