"""Rules of the back end that a fault can change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from runbook_checks_lab.aura_flow.names import UPLOAD_LIMIT, VERSION
from runbook_checks_lab.servers.answers import HttpBehaviour

Origins = Literal["listed", "reflected", "any", "null too", "suffix"]


@dataclass
class TokenRules:
    """How tokens are issued and validated; with the defaults, JWT as in RFC 7519."""

    lifetime_s: float = 3600.0
    issues_with_another_key: bool = False
    is_required: bool = True
    takes_unsigned: bool = False
    checks_signature: bool = True
    checks_times: bool = True
    takes_embedded_keys: bool = False
    checks_role: bool = True
    refuses_with: int = 401  # status for an invalid token


@dataclass
class CorsRules:
    """Origins that may call the API from a browser."""

    origins: list[str] = field(default_factory=list)
    preflight_status: int = 204
    judges: Origins = "listed"
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "DELETE")
    headers: tuple[str, ...] = ("authorization", "content-type")
    is_silent: bool = False


@dataclass
class ServiceBehaviour(HttpBehaviour):
    versions: tuple[str, ...] = (VERSION,)
    token: TokenRules = field(default_factory=TokenRules)
    cors: CorsRules = field(default_factory=CorsRules)
    knows_users: bool = True
    limits_logins: bool = True
    upload_limit: int = UPLOAD_LIMIT
    too_large_status: int = 413
    upload_delay_s: float = 0.0
    takes_uploads: bool = True
