"""Responses that show a missing address, and responses that show a refused one."""

from __future__ import annotations

from runbook_checks_lab.aura_flow.names import METRICS
from runbook_checks_lab.boundaries.aura_flow import boundary, responds
from runbook_checks_lab.registry import as_fault

boundary("health.metrics-unreadable", "405", "not-found")(responds(f"GET {METRICS}", 405))
boundary("health.metrics-unreadable", "410", "not-found")(responds(f"GET {METRICS}", 410))
boundary("health.metrics-unreadable", "500", "None")(responds(f"GET {METRICS}", 500))
boundary("health.metrics-unreadable", "401", "unknown")(responds(f"GET {METRICS}", 401))
boundary("health.slow", "10-s-allowed", settings={"http.slow_ms": 10_000})(
    as_fault("health.slow:slow-server", "aura-flow")
)
boundary("health.server-error", "504", "bad-gateway")(responds("GET /api/plans", 504))
boundary("health.server-error", "507", "internal-error")(responds("GET /api/plans", 507))
