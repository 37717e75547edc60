"""MariaDB unreachable, full, overloaded or too large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook_checks_lab.faults.reverseai import fault, system
from runbook_checks_lab.faults.shared import mariadb
from runbook_checks_lab.reverseai.accounts import WORKER
from runbook_checks_lab.reverseai.names import DATABASE
from runbook_checks_lab.servers.mariadb_sessions import sessions

if TYPE_CHECKING:
    from runbook_checks_lab.lab import Lab

mariadb.unreachable(fault, system)
mariadb.exhausted(fault, system)

SWOLLEN = f"{DATABASE}.what_reverse_audit_archive"
SLOW = f"SELECT n.id, SLEEP(0.4) FROM {DATABASE}.what_reverse_node_logs n WHERE n.error LIKE '%timeout%' OR n.id = 7"  # noqa: S608


def _session(lab: Lab, *statements: str) -> Iterator[None]:
    reverseai = system(lab)
    with sessions(reverseai.mariadb, 1, WORKER, reverseai.passwords[WORKER], statements):
        yield


@fault("database.long-running-query", cause="running-statement")
def statement_without_an_end(lab: Lab) -> Iterator[None]:
    """The transaction is older than the limit, which lab.yaml sets low."""
    yield from system(lab).aged(_session(lab, "SELECT SLEEP(3600)"))


@fault("database.long-running-query", cause="idle-in-transaction")
def transaction_left_open(lab: Lab) -> Iterator[None]:
    yield from system(lab).aged(_session(lab, "BEGIN", f"SELECT COUNT(*) FROM {system(lab).quiet_table}"))  # noqa: S608


@fault("database.slow-queries", cause="slow-statement")
def statement_in_the_slow_log(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    yield from _session(lab, "SET SESSION long_query_time = 0.3", *[SLOW] * 3, "SELECT 1")
    server.run("TRUNCATE mysql.slow_log")


@fault("database.table-size", cause="over-limit")
def table_too_large(lab: Lab) -> Iterator[None]:
    server = system(lab).mariadb
    server.run(
        f"USE {DATABASE}",
        f"CREATE TABLE {SWOLLEN} (id INT PRIMARY KEY AUTO_INCREMENT, what LONGTEXT)",
        f"INSERT INTO {SWOLLEN} (what) SELECT REPEAT('x', 600000) FROM seq_1_to_20",  # noqa: S608
        f"ANALYZE TABLE {SWOLLEN}",
    )
    yield
    server.run(f"DROP TABLE {SWOLLEN}")
