"""What can a system have that checks need? One dataclass a capability, in a system's section of that name.

The runbook file says what to expect, the environment file where it is; both speak of the same keys, and
the environment's win. Plain dataclasses: they are validated with pydantic when a file is first seen
(runbooks/reading.py), and a start-up that finds the file unchanged needs no pydantic at all, and only the modules of
the capabilities in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.capabilities.rules import STRICT, positive
from environments.lazily import importing

if TYPE_CHECKING:
    from environments.capabilities.abuse import Abuse
    from environments.capabilities.ai import Ai
    from environments.capabilities.auth import Auth
    from environments.capabilities.backups import BackupBucket, Backups, Drill, NeonBranches
    from environments.capabilities.domains import Domains, DomainsApi, DomainsTable
    from environments.capabilities.executions import Executions
    from environments.capabilities.host import Host, ModeRule, Rollback, StoreRule, Variables
    from environments.capabilities.http import Health, Http, KeyFunction, VersionAt
    from environments.capabilities.logs import CloudWatchLogs, Logs, LokiLogs, SlowRequests
    from environments.capabilities.mysql import Mysql
    from environments.capabilities.openapi import OpenApi
    from environments.capabilities.postgres import Ledger, Postgres, Retention
    from environments.capabilities.prometheus import Prometheus
    from environments.capabilities.providers import Groq, Providers, StatusPage, Storage
    from environments.capabilities.provisioning import Provisioning
    from environments.capabilities.queue import Queue, QueueConsumer
    from environments.capabilities.redis import Redis
    from environments.capabilities.slack import Slack, SlackBot
    from environments.capabilities.throughput import Throughput
    from environments.capabilities.tls import Tls
    from environments.capabilities.web import Assets, Cors, Upload, Web
    from environments.capabilities.webhook import Chain, ChainStep, Refusals, Webhook
    from environments.capabilities.workspaces import Workspaces

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
