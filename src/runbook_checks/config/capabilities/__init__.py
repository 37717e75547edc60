"""What a system can have that checks need: one dataclass for each capability, read from the section of its name.

The runbook file says what to expect, the environment file where it is. Both use the same keys; the environment's win.
"""

# ruff: noqa: F401 - the package hands out the names of its modules
# mypy: implicit-reexport

from runbook_checks.config.capabilities.abuse import Abuse
from runbook_checks.config.capabilities.ai import Ai
from runbook_checks.config.capabilities.auth import Auth
from runbook_checks.config.capabilities.backups import BackupBucket, Backups
from runbook_checks.config.capabilities.domains import Domains, DomainsApi, DomainsTable
from runbook_checks.config.capabilities.executions import Executions
from runbook_checks.config.capabilities.host import Host, Rollback, Variables
from runbook_checks.config.capabilities.http import Http, KeyFunction
from runbook_checks.config.capabilities.logs import CloudWatchLogs, Logs, LokiLogs, SlowRequests
from runbook_checks.config.capabilities.mysql import Mysql
from runbook_checks.config.capabilities.openapi import OpenApi
from runbook_checks.config.capabilities.postgres import Ledger, Postgres, Retention
from runbook_checks.config.capabilities.prometheus import Prometheus
from runbook_checks.config.capabilities.providers import Groq, Providers, Storage
from runbook_checks.config.capabilities.provisioning import Provisioning
from runbook_checks.config.capabilities.queue import Queue
from runbook_checks.config.capabilities.redis import Redis
from runbook_checks.config.capabilities.slack import Slack, SlackBot
from runbook_checks.config.capabilities.throughput import Throughput
from runbook_checks.config.capabilities.tls import Tls
from runbook_checks.config.capabilities.web import Cors, Upload, Web
from runbook_checks.config.capabilities.webhook import ChainStep, Webhook
from runbook_checks.config.capabilities.workspaces import Workspaces
