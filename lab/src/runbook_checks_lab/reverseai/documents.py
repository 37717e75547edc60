"""The API's JSON documents, from which the OpenAPI document is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

WorkspaceId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
Severity = Literal["P0", "P1", "P2", "P3"]


class Component(BaseModel):
    status: Literal["ok", "down"]


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    components: dict[str, Component]


class Version(BaseModel):
    version: str


class Problem(BaseModel):
    code: str
    message: str


class Domain(BaseModel):
    id: int
    domain: str
    status: str
    verification_token: str
    verification_attempts: int
    last_verification_error: str | None
    next_retry_at: datetime | None
    support_url: str | None
    ssl_status: str
    verified_at: datetime | None
    ssl_issued_at: datetime | None
    ssl_expires_at: datetime | None
    created_at: datetime


class Domains(BaseModel):
    domains: list[Domain]


class Backup(BaseModel):
    id: str
    created_at: datetime


class Database(BaseModel):
    workspace_id: str
    db_name: str
    status: str
    created_at: datetime
    updated_at: datetime
    last_backup: Backup | None


class Amount(BaseModel):
    used: float
    limit: float


class Quota(BaseModel):
    workspace_id: str
    db_storage_gb: Amount


class Limit(BaseModel):
    max_requests: int
    window_seconds: int


class RateLimits(BaseModel):
    per_ip: Limit | None = None
    per_session: Limit | None = None
    per_workspace: Limit | None = None
    blacklist: list[str] = []
    graylist: list[str] = []
    graylist_policy: str | None = None
    require_captcha: bool = False


class AccessPolicy(BaseModel):
    workspace_id: str
    policy: Literal["private", "workspace", "public_anonymous"]
    rate_limit_json: RateLimits


class SopEntry(BaseModel):
    key: str
    title: str
    severity: Severity


class Sops(BaseModel):
    sops: list[SopEntry]


class Sop(SopEntry):
    triggers: list[str]
    steps: list[str]
