"""What are the parts of Aura Flow called?"""

from __future__ import annotations

HOST = "aura.lab.test"

HEALTH, METRICS, AI_STATUS = "/health", "/monitoring/metrics", "/monitoring/ai-status"
DOCUMENT = "/api/openapi.json"
LOGIN, ME, ADMIN = "/api/auth/login", "/api/auth/me", "/api/admin/users"
PLANS, INSIGHTS, UPLOADS = "/api/plans", "/api/insights/preview", "/api/uploads"
VERSION, PREVIOUS = "2.4.0", "2.3.1"

MEGABYTE = 1 << 20
UPLOAD_LIMIT = 10 * MEGABYTE
