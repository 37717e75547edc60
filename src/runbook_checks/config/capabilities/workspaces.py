"""Settings of the workspace and admin API: its addresses, and the workspaces to check."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveInt, settings


@settings
class Workspaces:
    """The workspace and admin API of the http service, with http.token; present if that is configured."""

    database: str = "/api/v1/workspaces/{workspace}/database"
    """The path of a workspace's database: status, and last_backup with id and created_at."""
    quota: str = "/api/v1/billing/workspaces/{workspace}/quota"
    """The path of its quota."""
    quota_field: str = "db_storage_gb"
    """The field with {used, limit}."""
    access_policy: str = "/api/v1/workspaces/{workspace}/access-policy"
    """The path of its access policy: who may run its applications."""
    sops: str = "/api/v1/admin/ops/sops"
    """The path of the list of SOPs; each SOP is below it, by its key."""
    sop_keys: list[str] = field(default_factory=list)
    """The SOPs that must exist."""
    sop_severity: str = "P1"
    """The severity they must have."""
    ids: list[str] = field(default_factory=list)
    """The workspaces to check; by default all with a ready database in the provisioning table."""
    most: PositiveInt = 500
    """Maximum number of workspaces in a run."""
    recover: list[str] = field(default_factory=list)
    """Workspaces whose data must be recoverable."""

    def __post_init__(self) -> None:
        for name in ("database", "quota", "access_policy"):
            if "{workspace}" not in getattr(self, name):
                raise ValueError(f"'{name}' must hold {{workspace}}")
