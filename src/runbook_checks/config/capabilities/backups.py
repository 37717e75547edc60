"""Settings of backups: where they lie, how old the newest may be, how a restore is tried."""

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
    """What stands before the names, such as backups/."""


@settings
class NeonBranches:
    """Branches of a project at Neon that are taken as backups."""

    project: Text
    """The project's id."""
    key: Secret
    """An API key that may list its branches."""
    api_url: Text = Text("literal", "https://console.neon.tech/api/v2")
    """Neon's API, version 2."""
    pattern: str = "backup-*"
    """What the branches' names look like."""


@settings
class Drill:
    """How a restore is tried: into a PostgreSQL of its own that is thrown away afterwards."""

    tables: list[str] = field(default_factory=list)
    """The tables that must hold rows afterwards, schema.name or in public."""
    roles: list[str] = field(default_factory=list)
    """The roles that own things in the dump; they are made beforehand."""
    extensions: list[str] = field(default_factory=list)
    """Extensions of the dump that only a superuser may make, such as postgis, and that you trust."""
    recovery_min: PositiveFloat = 30
    """The restore must be over within this time (RTO)."""
    loss_h: PositiveFloat | None = None
    """So much may be lost (RPO); told beside the newest backup's age."""
    server: Secret | None = None
    """DSN of a server for scratch databases, by a role that may create some and no more; else one is made here."""
    binaries: Text | None = None
    """The folder with initdb, postgres and psql; else the package's or the machine's own."""
    folder: Text | None = None
    """Where a server made on this machine keeps its data; else the folder for temporary files."""
    record: Text | None = None
    """The file in which the last drill that went well is noted; else one beside the reports."""
    last: Text | None = None
    """When somebody else's drill last went well (2026-01-31, or with a time)."""
    max_age_days: PositiveFloat = 31
    """The last drill must be younger."""


@settings
class Backups:
    """Backups in a folder, in a bucket, as Neon's branches, of workspaces: each place that is named is looked at."""

    folder: Text | None = None
    """Dumps lie in this folder."""
    bucket: BackupBucket | None = None
    """Dumps lie in this bucket."""
    neon: NeonBranches | None = None
    """Neon keeps branches."""
    workspaces: bool = False
    """The workspace API tells the last backup of each workspace's database."""
    pattern: str = "*"
    """What the dumps' names look like."""
    max_age_h: PositiveFloat = 24
    """The newest must be younger, in each place."""
    least_percent: PositiveFloat = 50
    """The newest dump must have so much of the size its predecessors have (their median)."""
    drill: Drill = Drill()
    """How a restore is tried."""
