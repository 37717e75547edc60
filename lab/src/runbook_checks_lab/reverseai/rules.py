"""Rules of the API that a fault can change."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook_checks_lab.reverseai.names import SOPS, WORKSPACES
from runbook_checks_lab.servers.answers import HttpBehaviour

LIMITS: dict[str, Any] = {
    "per_ip": {"max_requests": 60, "window_seconds": 60},
    "per_session": {"max_requests": 30, "window_seconds": 60},
    "per_workspace": {"max_requests": 6000, "window_seconds": 60},
    "blacklist": ["198.51.100.7", "sha256:" + "5e" * 32],
    "graylist": ["2001:db8::7"],
    "graylist_policy": "captcha",
    "require_captcha": True,
}
TITLES = ("Domain binding fails", "A workspace database is not provisioned", "Anonymous abuse", "Recovery of user data")


@dataclass
class ApiBehaviour(HttpBehaviour):
    token: str = ""
    backups: dict[str, dict[str, Any] | None] = field(default_factory=lambda: {w: backup(w, 3) for w in WORKSPACES})
    quotas: dict[str, dict[str, float]] = field(
        default_factory=lambda: {w: {"used": 1.2 + n, "limit": 10.0} for n, w in enumerate(WORKSPACES)}
    )
    policies: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            w: {"policy": "private" if n else "public_anonymous", "rate_limit_json": copy.deepcopy(LIMITS)}
            for n, w in enumerate(WORKSPACES)
        }
    )
    sops: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(map(_sop, SOPS, TITLES)))
    without_detail: tuple[str, ...] = ()


def backup(workspace: str, age_h: float) -> dict[str, Any]:
    """Return the API's entry for a backup of this age."""
    return {"id": f"bk-{workspace}", "created_at": (datetime.now(UTC) - timedelta(hours=age_h)).isoformat()}


def _sop(key: str, title: str) -> tuple[str, dict[str, Any]]:
    steps = ["Read the state through the API", "Fix the named cause", "Read the state again"]
    return key, {"key": key, "title": title, "severity": "P1", "triggers": ["a user reports it"], "steps": steps}
