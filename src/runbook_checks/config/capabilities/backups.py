"""Settings of backups: where they are, how old the newest may be, how a restore is tried."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from runbook_checks.config.capabilities.rules import PositiveFloat, settings
from runbook_checks.config.secrets import Secret, Text


@settings
class BackupBucket:
    """A bucket of an S3 API, such as R2's, with dumps in it."""

    endpoint: Text
    """The account's own endpoint, without the bucket."""
    bucket: Text
    """The bucket."""
    access_key_id: Secret
    """The id of a key that may list and read."""
    secret_access_key: Secret
    """Its secret."""
    session_token: Secret | None = None
    """The token of a temporary key."""
    addressing: Literal["path", "virtual"] = "path"
    """Whether the bucket stands in the path or in the host's name."""
    region: str = "auto"
    """The region signed for; R2 knows 'auto' only."""
    prefix: str = ""
    """The beginning of the names, such as backups/."""


@settings
class NeonBranches:
    """Branches of a project at Neon that are backups."""

    project: Text
    """The project's id."""
    key: Secret
    """An API key that may list its branches."""
    api_url: Text = Text("literal", "https://console.neon.tech/api/v2")
    """Neon's API, version 2."""
    pattern: str = "backup-*"
    """The pattern of the branches' names."""


@settings
class Drill:
    """How a restore is tried: into a scratch PostgreSQL that is removed afterwards."""

    tables: list[str] = field(default_factory=list)
    """The tables that must have rows afterwards: schema.name, or a name in public."""
    roles: list[str] = field(default_factory=list)
    """The roles that own objects in the dump; they are created first."""
    extensions: list[str] = field(default_factory=list)
    """Extensions of the dump that only a superuser may create, such as postgis, and that you trust."""
    recovery_min: PositiveFloat = 30
    """The restore must finish within this time (RTO)."""
    loss_h: PositiveFloat | None = None
    """How many hours of data may be lost (RPO); reported beside the newest backup's age."""
    server: Secret | None = None
    """DSN of a server for scratch databases, with a role that may create them; else a server is started here."""
    binaries: Text | None = None
    """The folder with initdb, postgres, psql and pg_restore; else those of the package or the machine."""
    folder: Text | None = None
    """The folder for the data of a server started here; else the one for temporary files."""
    record: Text | None = None
    """The file that records the last successful drill; else one beside the reports."""
    last: Text | None = None
    """The last successful drill done elsewhere (2026-01-31, or with a time)."""
    max_age_days: PositiveFloat = 31
    """The maximum age of the last drill."""


@settings
class Backups:
    """Backups in a folder, in a bucket, as Neon's branches, of workspaces; every configured place is checked."""

    folder: Text | None = None
    """The folder with dumps."""
    bucket: BackupBucket | None = None
    """The bucket with dumps."""
    neon: NeonBranches | None = None
    """The branches at Neon."""
    workspaces: bool = False
    """Whether the workspace API gives the last backup of each workspace's database."""
    pattern: str = "*"
    """The pattern of the dumps' names."""
    max_age_h: PositiveFloat = 24
    """The maximum age of the newest backup, in each place."""
    least_percent: PositiveFloat = 50
    """The minimum size of the newest dump, in percent of its predecessors' median."""
    drill: Drill = Drill()
    """How a restore is tried."""
