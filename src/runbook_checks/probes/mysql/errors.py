"""Classify errors of MySQL and MariaDB.

Numbers: MySQL 8.4 Reference Manual, 'Server Error Message Reference'; from 4000 up MariaDB's own, 'MariaDB Error
Codes'.
"""

from __future__ import annotations

import re

from runbook_checks.probes.http.rate_limits import RATE_LIMITED
from runbook_checks.probes.sql.pool import OWN_LIMIT, all_in_use

ON_CONNECT = {
    1040: "too-many-connections",
    1203: OWN_LIMIT,  # max_user_connections of the server
    1226: OWN_LIMIT,  # of the account
    1045: "authentication-failed",
    1698: "authentication-failed",
    1862: "authentication-failed",  # the password has expired
    1820: "authentication-failed",
    3118: "authentication-failed",  # the account is locked
    4151: "authentication-failed",
    1251: "authentication-failed",
    1049: "database-missing",
    1044: "no-privilege",
    1130: "host-not-allowed",
    1129: "host-not-allowed",  # blocked after too many broken attempts
    3159: "tls-required",
    4196: "tls-required",
    1053: "starting-up",  # shutting down
    3032: "starting-up",  # offline mode
    3168: "starting-up",  # a member of a group that isn't ready
}
ON_QUERY = {
    1226: RATE_LIMITED,
    1044: "no-privilege",
    1045: "no-privilege",
    1142: "no-privilege",
    1143: "no-privilege",
    1227: "no-privilege",
    1370: "no-privilege",
    1109: "undefined-table",
    1146: "undefined-table",
    1049: "undefined-table",
    1317: "statement-timeout",
    1969: "statement-timeout",
    3024: "statement-timeout",
    1205: "lock-timeout",
    1053: "connection-lost",
    1927: "connection-lost",
    2006: "connection-lost",
    2013: "connection-lost",
    2014: "connection-lost",
}
# Poolers and compatible servers send these texts with error numbers of their own.
WORDS = (
    ("tls-required", ("insecure transport", "requires secure connection", "require_secure_transport")),
    ("too-many-connections", ("too many connections",)),
    ("host-not-allowed", ("is not allowed to connect", "is blocked because")),
    ("authentication-failed", ("access denied for user",)),
)


def kind_on_connect(number: int, words: str) -> str | None:
    lower = words.lower()
    if number == 1226 and "max_user_connections" not in lower:
        return RATE_LIMITED  # connections in an hour
    by_words = next((kind for kind, parts in WORDS if any(part in lower for part in parts)), None)
    return by_words if number not in ON_CONNECT or by_words == "tls-required" else ON_CONNECT[number]


def kind_on_query(number: int) -> str:
    return ON_QUERY.get(number, "sql-error")


def own_limit(words: str, user: str, limit: int | None) -> str:
    """The reason for a refusal by the account's own limits, and what to do."""
    resource = re.search(r"'(max_\w+)'(?:.*current value: (\d+))?", words)
    name, value = resource.groups() if resource else ("max_user_connections", None)
    if name != "max_user_connections":
        used_up = f"the monitor account {user} has used up its {name} ({value or 'all of them'})"
        return f"{used_up}: raise it or run less often"
    in_use = all_in_use(f"the monitor account {user}", int(value) if value else limit)
    return f"{in_use}: raise its MAX_USER_CONNECTIONS or run fewer at once"


def masked(text: str, password: str) -> str:
    """Hide the password, because a server may repeat what it received."""
    return text.replace(password, "***") if len(password) >= 4 else text
