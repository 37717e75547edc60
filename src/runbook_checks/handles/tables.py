"""The base class of handles that read a service's own tables in MySQL."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from runbook_checks.handles.base import Handle
from runbook_checks.probes.core.reading import NoReading

MOST = 1000  # rows read one by one; what is beyond is counted


class Tables(Handle):
    """Tables of the mysql database, whose names stand in the settings."""

    libraries = ("runbook_checks.probes.mysql.client",)

    @property
    def api(self) -> str:
        """The service's own address, for what a remedy calls."""
        http = self.chosen.settings.http
        url = self.bound.value(http.base_url, "http") if http else None
        return url.rstrip("/") if url else "https://API"

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a statement that only reads."""
        return self.bound.mysql.query(sql, parameters or None)

    def named(self, table: str) -> str:
        """A table's name as SQL wants it, with its database's: the DSN may lead into another one, or into none."""
        mysql = self.chosen.settings.mysql
        parts = table.split(".") if "." in table or mysql is None else [mysql.schema, table]
        return ".".join("`" + part.replace("`", "``") + "`" for part in parts)

    def row(self, sql: str, *parameters: Any) -> dict[str, Any]:
        """The one row of a statement that must give one."""
        rows = self.rows(sql, *parameters)
        if len(rows) != 1:
            raise NoReading("mysql", f"a statement that gives one row gave {len(rows)}", kind="sql-error")
        return rows[0]


def in_path(value: object) -> str:
    """A value fit for an address and, as that, for a shell."""
    return quote(str(value), safe="")


def payload(text: Any) -> dict[str, Any]:
    """The object that an event carries; empty where it carries none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def first_fit(causes: dict[str, list[str]], *texts: str) -> str | None:
    """The first cause of which a pattern fits one of the texts."""
    for cause, patterns in causes.items():
        if any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns for text in texts):
            return cause
    return None
