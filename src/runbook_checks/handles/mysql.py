"""The handle of a MySQL or MariaDB database."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.sql_database import Connections, SqlDatabase
from runbook_checks.probes.mysql import activity as mysqlactivity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runbook_checks.config import capabilities
    from runbook_checks.probes.sql.activity import Session, SlowStatement, TableSize


class MysqlDatabase(SqlDatabase):
    """The MySQL or MariaDB database, read-only."""

    needs = ("mysql",)
    libraries = ("runbook_checks.probes.mysql.client",)
    resource = "mysql"
    settings: capabilities.Mysql

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return self.bound.mysql.query(sql, parameters or None)

    @property
    def name(self) -> str:
        return self.settings.schema

    @property
    def user(self) -> str:
        """The account that the checks use."""
        return str(self.row("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AS name")["name"])

    def places(self, tables: Sequence[str]) -> dict[str, list[str]]:
        from runbook_checks.probes.mysql.client import dialect_of

        dialect = dialect_of(str(self.row("SELECT VERSION() AS version")["version"]))
        return mysqlactivity.places(self.rows, tables, dialect.innodb_tables)

    def connections(self) -> Connections:
        counted = Counter(tuple(one.items()) for one in mysqlactivity.in_use(self.rows))
        groups = [{**dict(group), "count": count} for group, count in counted.most_common()]
        return Connections(mysqlactivity.maximum(self.rows), groups)

    def sessions(self) -> list[Session]:
        return mysqlactivity.sessions(self.rows, self.user)

    def slow_statements(self) -> list[SlowStatement]:
        limits = self.settings
        return mysqlactivity.slow_statements(
            self.rows, limits.schema, limits.slow_window_min, limits.slow_statement_ms, limits.slow_statement_calls
        )

    def sizes(self) -> list[TableSize]:
        return mysqlactivity.sizes(self.rows, self.settings.schema, self.settings.tables)
