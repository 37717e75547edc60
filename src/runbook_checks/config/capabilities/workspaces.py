"""Settings of the workspace and admin API: its addresses, and the workspaces to check."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveInt, settings


@settings
class Workspaces:
    """The workspace and admin API of the http service, with http.token; there wherever that is given."""

    database: str = "/api/v1/workspaces/{workspace}/database"
    """The address that tells a workspace's database: status, and last_backup with id and created_at."""
    quota: str = "/api/v1/billing/workspaces/{workspace}/quota"
    """The address that tells its quota."""
    quota_field: str = "db_storage_gb"
    """The field with {used, limit}."""
    access_policy: str = "/api/v1/workspaces/{workspace}/access-policy"
    """The address that tells who may run its applications."""
    sops: str = "/api/v1/admin/ops/sops"
    """The address of the list of SOPs; each SOP's own lies below it, by its key."""
    sop_keys: list[str] = field(default_factory=list)
    """The SOPs that must be there."""
    sop_severity: str = "P1"
    """The severity they must have."""
    ids: list[str] = field(default_factory=list)
    """The workspaces that are looked at; else all with a ready database in the provisioning table."""
    most: PositiveInt = 500
    """No more workspaces than this are asked for."""
    recover: list[str] = field(default_factory=list)
    """Workspaces about to be recovered, or that could have to be: they must be fit for it."""

    def __post_init__(self) -> None:
        for name in ("database", "quota", "access_policy"):
            if "{workspace}" not in getattr(self, name):
                raise ValueError(f"'{name}' must hold {{workspace}}")
