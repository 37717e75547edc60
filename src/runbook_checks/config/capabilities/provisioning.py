"""Settings of workspaces' own databases: their records, schemas, accounts and grants."""

from __future__ import annotations

import re
from dataclasses import field

from runbook_checks.config.addresses import quoted
from runbook_checks.config.capabilities.rules import PositiveFloat, patterns, settings


@settings
class Provisioning:
    """Workspaces' own databases, on the mysql server; there wherever that is given."""

    table: str
    """The table of records: workspace_id, db_name, status (provisioning, ready, failed), created_at, updated_at."""
    events_table: str
    """The table of events: event_type, payload_json, created_at."""
    failed_event: str = "db.provision.failed"
    """The type of the event that tells of a failure."""
    workspace_field: str = "workspace_id"
    """The field of an event's payload that names the workspace."""
    schema_prefix: str = "ws_"
    """What a workspace's database is called, before its id."""
    account_prefix: str = "wsu_"
    """What its account is called, before its id."""
    privileges: list[str] = field(default_factory=lambda: ["SELECT", "INSERT", "UPDATE", "DELETE"])
    """What the account must be granted on the database."""
    stuck_min: PositiveFloat = 15
    """A record may be in provisioning for so long."""
    events_h: PositiveFloat = 24
    """Events are looked at so far back."""
    near_percent: PositiveFloat = 90
    """So much of its storage quota a workspace may use."""
    causes: dict[str, list[str]] = field(default_factory=dict)
    """Cause to regular expressions of what an event's payload says; first fit wins."""

    def __post_init__(self) -> None:
        patterns(causes=self.causes)
        wrong = [word for word in self.privileges if not re.fullmatch(r"[A-Z]+( [A-Z]+)*", word)]
        if wrong:
            raise ValueError(f"'privileges' must be in capitals, such as SELECT or CREATE VIEW, not {quoted(wrong[0])}")
