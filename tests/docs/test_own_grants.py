"""The SQL in docs/own-system.md gives a role all that the checks of a database need, and each privilege is needed."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest

from tests.docs.blocks import blocks
from tests.docs.test_grants import PASSWORD
from tests.harness import LabClient, Ran, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENVIRONMENT = """
name: bookshop-in-the-lab
tier: staging
systems:
  bookshop:
    ca_file: {{env: LAB_CA_FILE}}
    {capability}:
      dsn: {{env: BOOKSHOP_MONITOR_DSN}}
"""
RUNBOOK = "title: The bookshop\n\n{capability}: {settings}\n\nsymptoms:\n{symptoms}\n"
POSTGRES = (
    "{schema: shop, tables: [orders], columns: {orders: {created_at: timestamp with time zone}},"
    " service_role: postgres, ledger: {expected: first}, retention: {orders: {days: 30}}, statistics_days: 0.0000001}"
)
ON_POSTGRES = (
    "database.connections-exhausted", "database.idle-connections", "database.lock-waits",
    "database.long-running-query", "database.retention-overdue", "database.slow-queries", "database.unreachable",
    "database.unused-indexes", "database.vacuum-overdue", "migration.column-drift", "migration.missing",
    "migration.permission-denied", "migration.unfinished",
)  # fmt: skip
ON_MYSQL = (
    "database.connections-exhausted", "database.long-running-query", "database.slow-queries", "database.table-size",
    "database.unreachable", "migration.missing",
)  # fmt: skip
UNKNOWN = 10  # the exit code
PRIVILEGE = re.compile(r"GRANT (.*) TO (.*)")


@dataclass(frozen=True)
class Shop:
    """The documented role's database in a lab: its settings, its symptoms, and the administrator's connection."""

    capability: str
    settings: str
    symptoms: tuple[str, ...]
    dsn: str
    lab: LabClient
    administrator: Any

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.administrator.cursor().execute(statement)

    def check(self, folder: Path) -> Ran:
        listed = "\n".join(f"  {symptom}:" for symptom in self.symptoms)
        words = {"capability": self.capability, "settings": self.settings, "symptoms": listed}
        (folder / "bookshop.yaml").write_text(RUNBOOK.format(**words))
        (folder / "shop.yaml").write_text(ENVIRONMENT.format(**words))
        variables = self.lab.variables | {"BOOKSHOP_MONITOR_DSN": self.dsn}
        return run("--env", str(folder / "shop.yaml"), out=self.lab.out, variables=variables)


def documented(engine: str) -> list[str]:
    """Return the statements of the page for an engine."""
    (block,) = [block for block in blocks("sql") if block.note == engine]
    return [text.strip() for text in re.sub(r"--.*", "", block.text).split(";") if text.strip()]


def _socket(lab: LabClient, pattern: str) -> Path:
    folder = Path(lab.variables["LAB_CA_FILE"]).parents[1]
    [socket] = [path for path in folder.rglob(pattern) if path.is_socket()]
    return socket


@contextmanager
def postgres_shop(lab: LabClient) -> Iterator[Shop]:
    socket = _socket(lab, ".s.PGSQL.*")
    where: dict[str, Any] = {"host": str(socket.parent), "port": socket.suffix[1:], "user": "postgres"}
    # The lab admits its own databases only by TCP.
    dsn = f"host={socket.parent} port={where['port']} dbname=bookshop user=bookshop_monitor password='{PASSWORD}'"
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as server:
        server.execute("CREATE DATABASE bookshop")
        try:
            with psycopg.connect(**where, dbname="bookshop", autocommit=True) as database:
                shop = Shop("postgres", POSTGRES, ON_POSTGRES, dsn, lab, database)
                shop.execute(
                    "CREATE EXTENSION pg_stat_statements",
                    "CREATE SCHEMA shop",
                    "CREATE TABLE shop.orders (id int, created_at timestamptz)",
                    "CREATE TABLE shop._prisma_migrations"
                    " (migration_name text, finished_at timestamptz, rolled_back_at timestamptz)",
                    "INSERT INTO shop._prisma_migrations VALUES ('first', now(), NULL)",
                    *["SELECT count(*) FROM shop.orders"] * 6,
                    "SELECT pg_stat_reset()",
                    "SELECT count(*) FROM shop.orders",
                    "SELECT pg_stat_force_next_flush()",
                    "REVOKE CONNECT ON DATABASE bookshop FROM PUBLIC",
                    *documented("postgres"),
                )
                yield shop
        finally:
            server.execute("DROP DATABASE bookshop WITH (FORCE)")
            server.execute("DROP ROLE IF EXISTS bookshop_monitor")


@contextmanager
def mysql_shop(lab: LabClient) -> Iterator[Shop]:
    port = re.search(r":(\d+)/", lab.variables["LAB_REVERSE_MONITOR_DSN"])
    assert port
    dsn = f"mysql://bookshop_monitor:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{port[1]}/bookshop?ssl-mode=REQUIRED"
    settings = "{schema: bookshop, tables: [orders]}"
    with closing(pymysql.connect(unix_socket=str(_socket(lab, "s")), user="root", autocommit=True)) as database:
        shop = Shop("mysql", settings, ON_MYSQL, dsn, lab, database)
        try:
            shop.execute("CREATE DATABASE bookshop", "CREATE TABLE bookshop.orders (id int)", *documented("mysql"))
            yield shop
        finally:
            shop.execute("DROP DATABASE bookshop", "DROP USER IF EXISTS 'bookshop_monitor'@'%'")


SHOPS = {"ai-customer-service": postgres_shop, "reverseai": mysql_shop}


@pytest.fixture(scope="module", params=SHOPS)
def shop(request: pytest.FixtureRequest, lab_of: Callable[[str], LabClient]) -> Iterator[Shop]:
    with SHOPS[request.param](lab_of(request.param)) as shop:
        yield shop


def test_role_is_enough_and_every_privilege_is_needed(shop: Shop, tmp_path: Path) -> None:
    ran = shop.check(tmp_path)
    assert {result["outcome"] for result in ran.results.values()} == {"clear"}, ran.output()
    assert set(ran.results) == set(shop.symptoms)
    for grant in filter(None, map(PRIVILEGE.match, documented(shop.capability))):
        shop.execute(f"REVOKE {grant[1]} FROM {grant[2]}")
        ran = shop.check(tmp_path)
        assert ran.code == UNKNOWN, f"not needed, or a finding without it: {grant[0]}\n{ran.output()}"
        shop.execute(grant[0])
