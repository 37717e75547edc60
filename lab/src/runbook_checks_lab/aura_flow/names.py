"""Names of Aura Flow's components."""

from __future__ import annotations

HOST, DATABASE_HOST, DATABASE = "aura.lab.test", "aura-db.lab.test", "aura_flow"
SERVICE_ROLE, MONITOR_ROLE = "aura_flow_user", "aura_monitor"
MONITOR = "monitor"  # the account for Redis and the registry
DRILLED_DAYS = 5.0  # since the last restore drill
MIGRATION = "20260118103000_uploads"
TABLES = ("users", "plans", "insights", "uploads")
HBA = (
    f"host all {SERVICE_ROLE} 127.0.0.1/32 scram-sha-256",
    f"host all {MONITOR_ROLE} 127.0.0.1/32 scram-sha-256",
)

HEALTH, METRICS, AI_STATUS = "/health", "/monitoring/metrics", "/monitoring/ai-status"
DOCUMENT = "/api/openapi.json"
LOGIN, ME, ADMIN = "/api/auth/login", "/api/auth/me", "/api/admin/users"
PLANS, INSIGHTS, UPLOADS = "/api/plans", "/api/insights/preview", "/api/uploads"
VERSION, PREVIOUS = "2.4.0", "2.3.1"

MEGABYTE = 1 << 20
UPLOAD_LIMIT = 10 * MEGABYTE
