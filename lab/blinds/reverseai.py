"""Which sources and privileges can be taken from the checks of ReverseAI?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.faults.reverseai import system
from lab.faults.shared import metrics
from lab.registry import BlindsOf
from lab.reverseai.accounts import MONITOR
from lab.reverseai.names import DATABASE
from lab.servers.files import away

if TYPE_CHECKING:
    from lab.lab import Lab

blind = BlindsOf("reverseai")


@blind("ca-file-missing", "contract.violated")
def ca_file_gone(lab: Lab) -> Iterator[None]:
    with away(lab.authority.ca_file):
        yield


metrics.unseen(blind, system, "slo.error-rate", "slo.latency", "slo.execution-success")


def _revoke(lab: Lab, *grants: str) -> Iterator[None]:
    server = lab.reverseai.mariadb
    server.run(*(f"REVOKE {grant} FROM '{MONITOR}'@'%'" for grant in grants))
    yield
    server.run(*(f"GRANT {grant} TO '{MONITOR}'@'%'" for grant in grants))


@blind("mysql-process-revoked", "database.connections-exhausted", "database.long-running-query", "migration.missing")
def other_sessions_hidden(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "PROCESS ON *.*")


@blind("mysql-slow-log-revoked", "database.slow-queries")
def slow_log_closed(lab: Lab) -> Iterator[None]:
    yield from _revoke(lab, "SELECT ON mysql.slow_log")


@blind("mysql-slow-log-off")
def slow_log_not_kept(lab: Lab) -> Iterator[None]:
    """The statement summaries are left to look at."""
    lab.reverseai.mariadb.run("SET GLOBAL slow_query_log = 0")
    yield
    lab.reverseai.mariadb.run("SET GLOBAL slow_query_log = 1")


@blind("mysql-tables-revoked", "database.unreachable", "database.table-size")
def tables_closed(lab: Lab) -> Iterator[None]:
    """Whoever may see nothing in a database may not enter it either."""
    yield from _revoke(lab, f"SELECT ON {DATABASE}.*")


@blind("mysql-never-greets", "database.table-size", "migration.missing", "database.slow-queries")
def accepts_and_says_nothing(lab: Lab) -> None:
    lab.reverseai.database_port.behaviour.never_greets = True
