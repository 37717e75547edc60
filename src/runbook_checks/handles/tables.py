"""The base class of handles that read a service's own tables in MySQL."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

MOST = 1000  # rows read one by one; further rows are only counted


class Tables(Handle):
    """Tables of the mysql database; their names come from the settings."""

    libraries = ("runbook_checks.probes.mysql.client",)

    @property
    def api(self) -> str:
        """The service's own address, for the commands of remedies."""
        http = self.chosen.settings.http
        url = self.bound.value(http.base_url, "http") if http else None
        return url.rstrip("/") if url else "https://API"

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a statement that only reads."""
        return self.bound.mysql.query(sql, parameters or None)

    def named(self, table: str) -> str:
        """A quoted table name with its database, because the DSN may name another database, or none."""
        mysql = self.chosen.settings.mysql
        parts = table.split(".") if "." in table or mysql is None else [mysql.schema, table]
        return ".".join("`" + part.replace("`", "``") + "`" for part in parts)

    def row(self, sql: str, *parameters: Any) -> dict[str, Any]:
        """The row of a statement that must return exactly one."""
        rows = self.rows(sql, *parameters)
        if len(rows) != 1:
            raise NoReading("mysql", f"a statement returned {len(rows)} rows, not one", kind="sql-error")
        return rows[0]


def in_path(value: object) -> str:
    """A value percent-encoded for a URL, which makes it safe in a shell too."""
    return quote(str(value), safe="")


def payload(text: Any) -> dict[str, Any]:
    """The JSON object of an event; empty if it has none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def first_fit(causes: dict[str, list[str]], *texts: str) -> str | None:
    """The first cause with a pattern that matches one of the texts."""
    for cause, patterns in causes.items():
        if any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns for text in texts):
            return cause
    return None
