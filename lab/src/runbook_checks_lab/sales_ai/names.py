"""Names of Sales AI's components."""

from __future__ import annotations

HOST, DATABASE_HOST, DATABASE = "sales.lab.test", "sales-db.lab.test", "sales_ai"
SERVICE_ROLE, MONITOR_ROLE = "sales_ai", "sales_monitor"
TABLES = ("conversations", "transcripts", "leads")
BACKUP_BUCKET = "sales-backups"
HBA = (
    f"host all {SERVICE_ROLE} 127.0.0.1/32 scram-sha-256",
    f"host all {MONITOR_ROLE} 127.0.0.1/32 scram-sha-256",
)

HEALTH, VERSION = "/health", "/api/version"
CONVERSATIONS = "/api/conversations"
COMMANDS = "/slack/commands"
COMMAND = "/sales"
