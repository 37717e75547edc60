"""Names of ReverseAI's components."""

from __future__ import annotations

HOST, DATABASE_HOST, DATABASE = "api.reverse.lab.test", "db.reverse.lab.test", "reverseai"
# The target of custom domains: a CNAME to it proves a domain, and an apex has its addresses.
BASE_HOST = "apps.reverse.lab.test"
TABLES = (
    "what_reverse_executions",
    "what_reverse_node_logs",
    "what_reverse_workspace_databases",
    "what_reverse_runtime_events",
    "what_reverse_app_domains",
)
PREFIX = "/api/v1"
HEALTH = "/health"
SOPS = ("domain_binding_failure", "workspace_db_provision_failed", "anonymous_abuse", "user_data_recovery")

# Workspaces by id, named by their purpose. All are healthy.
WORKSPACES = ("a71c05e2", "b3d94f10", "c6e82ab7", "d05f61c3")
RECOVERABLE = WORKSPACES[0]
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "DROP")


def schema_of(workspace: str) -> str:
    return f"ws_{workspace}"


def account_of(workspace: str) -> str:
    return f"wsu_{workspace}"
