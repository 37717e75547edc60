"""Which answers say that an address isn't there, and which that it is not for us?"""

from __future__ import annotations

from runbook_checks_lab.aura_flow.names import METRICS
from runbook_checks_lab.boundaries.aura_flow import boundary, says
from runbook_checks_lab.registry import as_fault

boundary("health.metrics-unreadable", "405", "not-found")(says(f"GET {METRICS}", 405))
boundary("health.metrics-unreadable", "410", "not-found")(says(f"GET {METRICS}", 410))
boundary("health.metrics-unreadable", "500", "None")(says(f"GET {METRICS}", 500))
boundary("health.metrics-unreadable", "401", "unknown")(says(f"GET {METRICS}", 401))
boundary("health.slow", "10-s-allowed", settings={"http.slow_ms": 10_000})(
    as_fault("health.slow:slow-server", "aura-flow")
)
boundary("health.server-error", "504", "bad-gateway")(says("GET /api/plans", 504))
boundary("health.server-error", "507", "internal-error")(says("GET /api/plans", 507))
