"""What can a system have that checks need? One dataclass a capability, in a system's section of that name.

The runbook file says what to expect, the environment file where it is; both speak of the same keys, and
the environment's win. Plain dataclasses: they are validated with pydantic when a file is first seen
(config/load.py), and a start-up that finds the file unchanged needs no pydantic at all, and only the modules of
the capabilities in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.config.capabilities.rules import STRICT, positive
from runbook_checks.config.lazy import importing

if TYPE_CHECKING:
    from runbook_checks.config.capabilities.abuse import Abuse
    from runbook_checks.config.capabilities.ai import Ai
    from runbook_checks.config.capabilities.auth import Auth
    from runbook_checks.config.capabilities.backups import BackupBucket, Backups, Drill, NeonBranches
    from runbook_checks.config.capabilities.domains import Domains, DomainsApi, DomainsTable
    from runbook_checks.config.capabilities.executions import Executions
    from runbook_checks.config.capabilities.host import Host, ModeRule, Rollback, StoreRule, Variables
    from runbook_checks.config.capabilities.http import Health, Http, KeyFunction, VersionAt
    from runbook_checks.config.capabilities.logs import CloudWatchLogs, Logs, LokiLogs, SlowRequests
    from runbook_checks.config.capabilities.mysql import Mysql
    from runbook_checks.config.capabilities.openapi import OpenApi
    from runbook_checks.config.capabilities.postgres import Ledger, Postgres, Retention
    from runbook_checks.config.capabilities.prometheus import Prometheus
    from runbook_checks.config.capabilities.providers import Groq, Providers, StatusPage, Storage
    from runbook_checks.config.capabilities.provisioning import Provisioning
    from runbook_checks.config.capabilities.queue import Queue, QueueConsumer
    from runbook_checks.config.capabilities.redis import Redis
    from runbook_checks.config.capabilities.slack import Slack, SlackBot
    from runbook_checks.config.capabilities.throughput import Throughput
    from runbook_checks.config.capabilities.tls import Tls
    from runbook_checks.config.capabilities.web import Assets, Cors, Upload, Web
    from runbook_checks.config.capabilities.webhook import Chain, ChainStep, Refusals, Webhook
    from runbook_checks.config.capabilities.workspaces import Workspaces

__all__ = [
    "STRICT",
    "Abuse",
    "Ai",
    "Assets",
    "Auth",
    "BackupBucket",
    "Backups",
    "Chain",
    "ChainStep",
    "CloudWatchLogs",
    "Cors",
    "Domains",
    "DomainsApi",
    "DomainsTable",
    "Drill",
    "Executions",
    "Groq",
    "Health",
    "Host",
    "Http",
    "KeyFunction",
    "Ledger",
    "Logs",
    "LokiLogs",
    "ModeRule",
    "Mysql",
    "NeonBranches",
    "OpenApi",
    "Postgres",
    "Prometheus",
    "Providers",
    "Provisioning",
    "Queue",
    "QueueConsumer",
    "Redis",
    "Refusals",
    "Retention",
    "Rollback",
    "Slack",
    "SlackBot",
    "SlowRequests",
    "StatusPage",
    "Storage",
    "StoreRule",
    "Throughput",
    "Tls",
    "Upload",
    "Variables",
    "VersionAt",
    "Web",
    "Webhook",
    "Workspaces",
    "positive",
]

_PLACES = {
    "abuse": "Abuse",
    "ai": "Ai",
    "auth": "Auth",
    "backups": "BackupBucket Backups Drill NeonBranches",
    "domains": "Domains DomainsApi DomainsTable",
    "executions": "Executions",
    "host": "Host ModeRule Rollback StoreRule Variables",
    "http": "Health Http KeyFunction VersionAt",
    "logs": "CloudWatchLogs Logs LokiLogs SlowRequests",
    "mysql": "Mysql",
    "openapi": "OpenApi",
    "postgres": "Ledger Postgres Retention",
    "prometheus": "Prometheus",
    "providers": "Groq Providers StatusPage Storage",
    "provisioning": "Provisioning",
    "queue": "Queue QueueConsumer",
    "redis": "Redis",
    "slack": "Slack SlackBot",
    "throughput": "Throughput",
    "tls": "Tls",
    "web": "Assets Cors Upload Web",
    "webhook": "Chain ChainStep Refusals Webhook",
    "workspaces": "Workspaces",
}
__getattr__ = importing(__name__, [f"{module}.{name}" for module, names in _PLACES.items() for name in names.split()])
