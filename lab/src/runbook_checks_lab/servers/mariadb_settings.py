"""MariaDB's settings in the lab: small, quick, and logging every statement."""

from __future__ import annotations

MAX_CONNECTIONS = 40

SETTINGS = {
    "bind-address": "127.0.0.1",
    "max-connections": str(MAX_CONNECTIONS),
    "skip-name-resolve": "1",
    "performance-schema": "ON",
    "performance-schema-digests-size": "200",
    "performance-schema-max-table-instances": "200",
    "performance-schema-max-thread-instances": "100",
    "log-output": "TABLE",
    "slow-query-log": "1",
    "long-query-time": "10",
    "general-log": "1",
    "skip-log-bin": "1",
    "innodb-lock-wait-timeout": "5",
}
