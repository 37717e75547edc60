"""The workspaces' databases: their records, and the schemas, accounts and grants on the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runbook_checks.handles.tables import MOST, Tables, payload
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.mysql.activity import with_grant

if TYPE_CHECKING:
    from runbook_checks.config import capabilities

_RECORDS = """
    SELECT workspace_id AS workspace, db_name AS name, status,
           TIMESTAMPDIFF(SECOND, created_at, NOW()) AS age_s, TIMESTAMPDIFF(SECOND, updated_at, NOW()) AS still_s
    FROM {table}
"""
_EVENTS = """
    SELECT payload_json AS payload, TIMESTAMPDIFF(SECOND, created_at, NOW()) AS age_s FROM {events}
    WHERE event_type = %s AND created_at > NOW() - INTERVAL %s SECOND ORDER BY created_at DESC LIMIT {most}
"""
_SCHEMAS = "SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name LIKE %s"
_ACCOUNTS = "SELECT user AS name, host AS host FROM mysql.user WHERE user LIKE %s"
_GRANTS = "SELECT user AS name, host AS host, db AS place, {columns} FROM mysql.db WHERE user LIKE %s"
_GLOBALLY = re.compile(r"^GRANT (.+?) ON \*\.\* TO ", re.IGNORECASE)
# Global privileges that show every database (MySQL 8.4 Reference Manual, 'SHOW DATABASES Statement').
_SHOWS_ALL = {
    "ALL PRIVILEGES",
    "SHOW DATABASES",
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
}


class Provisioning(Tables):
    """Records of workspaces' databases, failure events, schemas, accounts and grants."""

    needs = ("provisioning", "mysql")
    settings: capabilities.Provisioning

    def records(self) -> list[dict[str, Any]]:
        """Return every record: workspace, name, status, age_s since creation, still_s since the last update."""
        found = self.rows(_RECORDS.format(table=self.named(self.settings.table)))
        if not found:
            what = f"{self.settings.table} has no records; check that this is the database in use"
            raise NoReading("mysql", what, kind="not-in-use")
        return found

    def failures(self) -> dict[str, list[dict[str, Any]]]:
        """Return failure events by workspace, the newest first: age_s, said (the payload as text)."""
        rule = self.settings
        sql = _EVENTS.format(events=self.named(rule.events_table), most=MOST)
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows(sql, rule.failed_event, round(rule.events_h * 3600)):
            carried = payload(row["payload"])
            workspace = str(carried.get(rule.workspace_field, "unknown"))
            said = ": ".join(str(v) for k, v in carried.items() if k != rule.workspace_field and v is not None)
            found.setdefault(workspace, []).append({"age_s": row["age_s"], "said": said})
        return found

    def schemas(self) -> set[str]:
        """Return the workspaces' databases on the server."""
        self._require_show_databases()
        return {row["name"] for row in self.rows(_SCHEMAS, _like(self.settings.schema_prefix))}

    def hosts(self) -> dict[str, list[str]]:
        """Return the host patterns of each workspace account."""
        found: dict[str, list[str]] = {}
        for row in with_grant(self.rows, "SELECT ON mysql.user", _ACCOUNTS, _like(self.settings.account_prefix)):
            found.setdefault(row["name"], []).append(row["host"])
        return found

    def granted(self) -> dict[tuple[str, str], set[str]]:
        """Return the privileges of each account, by name and host, on its own database."""
        columns = ", ".join(map(_column, self.settings.privileges))
        sql = _GRANTS.format(columns=columns)
        found: dict[tuple[str, str], set[str]] = {}
        for row in with_grant(self.rows, "SELECT ON mysql.db", sql, _like(self.settings.account_prefix)):
            workspace = row["name"].removeprefix(self.settings.account_prefix)
            # An underscore in a grant matches any character unless it is escaped; both forms are in use.
            if row["place"].replace("\\", "") == self.schema_of(workspace):
                has = {word for word in self.settings.privileges if row[_column(word)] == "Y"}
                found.setdefault((row["name"], row["host"]), set()).update(has)
        return found

    def schema_of(self, workspace: str) -> str:
        return self.settings.schema_prefix + workspace

    def account_of(self, workspace: str) -> str:
        return self.settings.account_prefix + workspace

    def _require_show_databases(self) -> None:
        """Raise NoReading if the role lacks the privilege: MySQL hides other databases from it, without an error."""
        said = [str(next(iter(row.values()))) for row in self.rows("SHOW GRANTS")]
        has = {word.strip() for match in map(_GLOBALLY.match, said) if match for word in match[1].upper().split(",")}
        if not has & _SHOWS_ALL:
            user = self.row("SELECT CURRENT_USER() AS name")["name"]
            what = f"{user} does not see all databases; it needs GRANT SHOW DATABASES ON *.* TO '{user}'"
            raise NoReading("mysql", what.replace("@", "'@'"), kind="no-privilege")


def _column(privilege: str) -> str:
    """Return the column of a privilege: CREATE VIEW is Create_view_priv."""
    return f"{privilege.capitalize().replace(' ', '_')}_priv"


def _like(prefix: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", prefix) + "%"
