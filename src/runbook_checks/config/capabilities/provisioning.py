"""Settings of workspaces' own databases: their records, schemas, accounts and grants."""

from __future__ import annotations

import re
from dataclasses import field

from runbook_checks.config.addresses import quoted
from runbook_checks.config.capabilities.rules import PositiveFloat, patterns, settings


@settings
class Provisioning:
    """Workspaces' own databases, on the mysql server; present if that is configured."""

    table: str
    """The table of records: workspace_id, db_name, status (provisioning, ready, failed), created_at, updated_at."""
    events_table: str
    """The table of events: event_type, payload_json, created_at."""
    failed_event: str = "db.provision.failed"
    """The type of failure events."""
    workspace_field: str = "workspace_id"
    """The field of an event's payload that names the workspace."""
    schema_prefix: str = "ws_"
    """The prefix of a database's name, before the workspace's id."""
    account_prefix: str = "wsu_"
    """The prefix of an account's name, before the workspace's id."""
    privileges: list[str] = field(default_factory=lambda: ["SELECT", "INSERT", "UPDATE", "DELETE"])
    """The privileges that the account must have on the database."""
    stuck_min: PositiveFloat = 15
    """How long a record may be in provisioning."""
    events_h: PositiveFloat = 24
    """Period of events before the run."""
    near_percent: PositiveFloat = 90
    """The share of its storage quota from which a workspace is near it."""
    causes: dict[str, list[str]] = field(default_factory=dict)
    """Regular expressions of an event's payload by cause; the first match wins."""

    def __post_init__(self) -> None:
        patterns(causes=self.causes)
        wrong = [word for word in self.privileges if not re.fullmatch(r"[A-Z]+( [A-Z]+)*", word)]
        if wrong:
            raise ValueError(f"'privileges' must be in capitals, such as SELECT or CREATE VIEW, not {quoted(wrong[0])}")
