"""Names of AI Customer Service's components."""

from __future__ import annotations

HOST, DATABASE_HOST, DATABASE = "cs.lab.test", "db.lab.test", "ai_customer_service"
TABLES = ("cs_sessions", "cs_messages", "cs_tickets", "cs_audit_logs", "cs_message_dedup")
HBA = (
    "host all ai_cs 127.0.0.1/32 scram-sha-256",
    "host all cs_monitor 127.0.0.1/32 scram-sha-256",
)
BACKUP_AGE_H = 2.0

PREFIX = "/api/v1/customer-service"
LIVE, READY, OVERALL = "/actuator/health/live", "/actuator/health/ready", "/actuator/health"
INFO = "/actuator/info"
WEBHOOK = f"{PREFIX}/webhook"
