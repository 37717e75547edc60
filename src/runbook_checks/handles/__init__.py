"""What can a check ask for by name? One handle per capability: settings, bound probes, and the words of its field.

A check's parameter names the handle. A handle costs nothing until it is used, and its repr is the system's name,
for parameters are shown in reports. Its module is imported when it is first asked for: a run loads those that its
checks need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from runbook_checks.config.lazy import importing
from runbook_checks.handles.base import Handle

if TYPE_CHECKING:
    from runbook_checks.handles.abuse import Abuse
    from runbook_checks.handles.accounts import Accounts
    from runbook_checks.handles.backing import AiStatus, Cache, Ledger
    from runbook_checks.handles.backups import Backups
    from runbook_checks.handles.burst import Burst
    from runbook_checks.handles.certificates import Certificates
    from runbook_checks.handles.database import Database
    from runbook_checks.handles.domains import Domains
    from runbook_checks.handles.executions import Executions
    from runbook_checks.handles.host import NextInstance, OwnHost, WayBack
    from runbook_checks.handles.log import Log
    from runbook_checks.handles.metrics import Metrics
    from runbook_checks.handles.mysql import MysqlDatabase
    from runbook_checks.handles.postgres import PostgresDatabase
    from runbook_checks.handles.providers import Groq, ObjectStorage, StatusPages
    from runbook_checks.handles.provisioning import Provisioning
    from runbook_checks.handles.queue import Queue
    from runbook_checks.handles.receiver import Receiver
    from runbook_checks.handles.service import Contract, Front, Service
    from runbook_checks.handles.sites import Sites
    from runbook_checks.handles.slack import SlackBot, SlashCommand
    from runbook_checks.handles.web import FrontEnd
    from runbook_checks.handles.workspaces import Workspaces

__all__ = [
    "HANDLES",
    "Abuse",
    "Accounts",
    "AiStatus",
    "Backups",
    "Burst",
    "Cache",
    "Certificates",
    "Contract",
    "Database",
    "Domains",
    "Executions",
    "Front",
    "FrontEnd",
    "Groq",
    "Handle",
    "Ledger",
    "Log",
    "Metrics",
    "MysqlDatabase",
    "NextInstance",
    "ObjectStorage",
    "OwnHost",
    "PostgresDatabase",
    "Provisioning",
    "Queue",
    "Receiver",
    "Service",
    "Sites",
    "SlackBot",
    "SlashCommand",
    "StatusPages",
    "WayBack",
    "Workspaces",
]

# The parameter of a check: module and class.
_PLACES = {
    "service": "service.Service",
    "database": "database.Database",
    "postgres": "postgres.PostgresDatabase",
    "mysql": "mysql.MysqlDatabase",
    "executions": "executions.Executions",
    "provisioning": "provisioning.Provisioning",
    "abuse": "abuse.Abuse",
    "workspaces": "workspaces.Workspaces",
    "receiver": "receiver.Receiver",
    "instance": "host.NextInstance",
    "host": "host.OwnHost",
    "front": "service.Front",
    "domains": "domains.Domains",
    "certificates": "certificates.Certificates",
    "sites": "sites.Sites",
    "log": "log.Log",
    "contract": "service.Contract",
    "backups": "backups.Backups",
    "way_back": "host.WayBack",
    "metrics": "metrics.Metrics",
    "queue": "queue.Queue",
    "slash_command": "slack.SlashCommand",
    "slack_bot": "slack.SlackBot",
    "groq": "providers.Groq",
    "storage": "providers.ObjectStorage",
    "status_pages": "providers.StatusPages",
    "cache": "backing.Cache",
    "ai": "backing.AiStatus",
    "ledger": "backing.Ledger",
    "burst": "burst.Burst",
    "web": "web.FrontEnd",
    "accounts": "accounts.Accounts",
}
__getattr__ = importing(__name__, _PLACES.values())


class _Handles(Mapping[str, type[Handle]]):
    """Handle classes by the names of parameters."""

    def __getitem__(self, name: str) -> type[Handle]:
        handle: type[Handle] = __getattr__(_PLACES[name].partition(".")[2])
        return handle

    def __contains__(self, name: object) -> bool:
        return name in _PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


HANDLES: Mapping[str, type[Handle]] = _Handles()
