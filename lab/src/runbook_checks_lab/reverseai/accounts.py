"""Accounts of the database server and their grants: the service, the monitor, and each workspace."""

from __future__ import annotations

from runbook_checks_lab.reverseai.names import DATABASE, PRIVILEGES, WORKSPACES, account_of, schema_of

SERVICE, WORKER, MONITOR = "reverseai", "reverse_worker", "reverse_monitor"
# Grants of the monitoring account; docs/reverseai.md gives the reason for each.
MONITOR_GRANTS = (
    f"SELECT ON {DATABASE}.*",
    "SELECT ON mysql.user",
    "SELECT ON mysql.db",
    "SELECT ON mysql.slow_log",
    "SELECT ON performance_schema.*",
    "PROCESS, SHOW DATABASES ON *.*",
)


def accounts(passwords: dict[str, str]) -> list[str]:
    """Return the statements that create every account, with the given passwords or those that the server chooses."""
    made = [f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'" for name, password in passwords.items()]
    made.append(f"GRANT ALL ON *.* TO '{SERVICE}'@'%' WITH GRANT OPTION")
    made.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {DATABASE}.* TO '{WORKER}'@'%'")
    made += [f"GRANT {grant} TO '{MONITOR}'@'%'" for grant in MONITOR_GRANTS]
    for workspace in WORKSPACES:
        made += workspace_statements(workspace)
    return made


def workspace_statements(workspace: str) -> list[str]:
    schema, account = schema_of(workspace), account_of(workspace)
    return [
        f"CREATE DATABASE {schema}",
        f"CREATE TABLE {schema}.notes (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(200))",
        f"CREATE USER '{account}'@'%' IDENTIFIED BY PASSWORD '*{workspace.upper() * 5}'",
        f"GRANT {', '.join(PRIVILEGES)} ON {schema}.* TO '{account}'@'%'",
    ]
