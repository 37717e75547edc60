"""The servers and files behind Aura Flow's back end: database, metrics, host."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.aura_flow.files import PREVIOUS_TAG, REPOSITORY, RollbackFiles, write_rollback_files
from runbook_checks_lab.aura_flow.logfile import CombinedLog
from runbook_checks_lab.aura_flow.metrics import AuraMetrics, series
from runbook_checks_lab.aura_flow.names import (
    DATABASE,
    DATABASE_HOST,
    DRILLED_DAYS,
    HBA,
    MIGRATION,
    MONITOR,
    MONITOR_ROLE,
    SERVICE_ROLE,
)
from runbook_checks_lab.servers.dotenv import Dotenv
from runbook_checks_lab.servers.dumps import DrillRecord, DumpFolder, dump_of
from runbook_checks_lab.servers.front import Front
from runbook_checks_lab.servers.image_registry import ImageRegistry
from runbook_checks_lab.servers.ports import quiet_port
from runbook_checks_lab.servers.postgres import Database, Postgres
from runbook_checks_lab.servers.postgres_proxy import PostgresProxy
from runbook_checks_lab.servers.prometheus import PASSWORD, Prometheus
from runbook_checks_lab.servers.redis import Redis
from runbook_checks_lab.servers.timeseries import USER

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.shared_servers import SharedServers

READS = 6


class Backing:
    """One attribute per component; AuraFlow inherits them."""

    database_host, database = DATABASE_HOST, DATABASE
    service_role, monitor_role, hba = SERVICE_ROLE, MONITOR_ROLE, HBA

    def __init__(self, shared: SharedServers) -> None:
        folder = shared.run.sub("aura-flow")
        self._shared = shared
        self.missing: dict[str, str] = {}
        self.postgres = Postgres(shared.run.sub("aura-pg"), [Database(DATABASE, ";\n\n".join(_paragraphs()) + ";")])
        self.database_port = PostgresProxy(lambda: self.postgres.port, shared.authority.context)
        self.passwords = {role: secrets.token_urlsafe(24) for role in (SERVICE_ROLE, MONITOR_ROLE)}
        folder = shared.run.sub("aura-backups")
        self.dumps = DumpFolder(folder / "daily", "backup_{day}.sql.gz")
        self.drills = DrillRecord(folder / "drills.json", "aura-flow")
        self.prometheus = Prometheus(shared.run.sub("aura-prometheus"), AuraMetrics(), series)
        self.cache_password, self.registry_password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.redis = Redis(shared.run.sub("aura-redis"), {MONITOR: (self.cache_password, "+ping +info")})
        self.redis_port = Front(self.redis.port)
        self.registry = ImageRegistry(MONITOR, self.registry_password, {REPOSITORY: ["latest", PREVIOUS_TAG]})
        self.log = CombinedLog(folder / "combined.log")
        self.rollback: RollbackFiles = write_rollback_files(folder)
        self.dotenv = Dotenv(folder / "next-release.env")
        self.next_port = quiet_port()
        self._life: asyncio.Task[None] | None = None

    @property
    def backing_components(self) -> list[Component]:
        return [self.database_port, self.prometheus, self.redis_port, self.registry, self.dotenv]

    async def start_backing(self) -> None:
        self._shared.dns.behaviour.records[(DATABASE_HOST, "A")] = ["127.0.0.1"]
        self.dotenv.behaviour.values = self._next_release()
        self.log.begin(time.time())
        self._life = asyncio.create_task(self.log.live())
        await asyncio.gather(
            self._started("postgres", self._start_database()),
            self._started("prometheus", self.prometheus.start()),
            self._started("redis", self.redis.start()),
            self.registry.start(),
        )

    async def stop_backing(self) -> None:
        if self._life:
            self._life.cancel()
        stopped = (self.database_port, self.prometheus, self.redis_port, self.redis, self.registry, self.postgres)
        await asyncio.gather(*(part.stop() for part in stopped))

    async def _started(self, part: str, start: Coroutine[None, None, None]) -> None:
        try:
            await start
        except OSError as error:
            self.missing[part] = str(error)

    async def _start_database(self) -> None:
        await self.postgres.start(HBA)
        await asyncio.to_thread(self.postgres.run, *self.password_statements())
        await asyncio.to_thread(self.exercise)
        await asyncio.to_thread(self._make_dumps)

    def _make_dumps(self) -> None:
        self.dumps.dump = dump_of(self.postgres, DATABASE)
        self.dumps.without_rows = dump_of(self.postgres, DATABASE, "--schema-only")
        self.dumps.fill()
        self.drills.note(DRILLED_DAYS)

    def exercise(self) -> None:
        """Run the back end's queries, often enough to measure their duration."""
        usual = ("SELECT title, price FROM plans", "SELECT topic, score FROM insights ORDER BY id DESC LIMIT 20")
        self.postgres.run(f"SET ROLE {SERVICE_ROLE}", *usual * READS, database=DATABASE)

    def password_statements(self) -> list[str]:
        return [f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in self.passwords.items()]

    def dsn(self, role: str, parameters: str = "?sslmode=disable") -> str:
        at = f"{DATABASE_HOST}:{self.database_port.port}"
        return f"postgresql://{role}:{self.passwords[role]}@{at}/{DATABASE}{parameters}"

    def _next_release(self) -> dict[str, str]:
        """Return server/.env of the instance that is about to start."""
        return {
            "NODE_ENV": "production",
            "PORT": str(self.next_port),
            "DATABASE_URL": self.dsn(SERVICE_ROLE),
            "CORS_ORIGIN": "https://aura.lab.test",
            "JWT_SECRET": secrets.token_urlsafe(32),
            "JWT_EXPIRES_IN": "1h",
        }

    def backing_variables(self) -> dict[str, str]:
        variables = {
            "LAB_AF_MONITOR_DSN": self.dsn(MONITOR_ROLE),
            "LAB_AF_BACKUP_FOLDER": str(self.dumps.folder),
            "LAB_AF_DRILL_RECORD": str(self.drills.path),
            "LAB_AF_PROMETHEUS_URL": self.prometheus.url,
            "LAB_AF_PROMETHEUS_USER": USER,
            "LAB_AF_PROMETHEUS_PASSWORD": PASSWORD,
            "LAB_AF_MIGRATION": MIGRATION,
            "LAB_AF_REDIS_URL": f"redis://{MONITOR}:{self.cache_password}@127.0.0.1:{self.redis_port.port}/0",
            "LAB_AF_REGISTRY_URL": self.registry.url,
            "LAB_AF_REGISTRY_USER": MONITOR,
            "LAB_AF_REGISTRY_PASSWORD": self.registry_password,
            "LAB_AF_LOG_FILE": str(self.log.path),
            "LAB_AF_DOTENV": str(self.dotenv.path),
            "LAB_AF_NEXT_ADDRESS": f"127.0.0.1:{self.next_port}",
            "LAB_AF_PREVIOUS_CONFIG": str(self.rollback.configuration),
            "LAB_AF_ROLLBACK_SCRIPT": str(self.rollback.script),
        }
        ways = {"postgres": "LAB_AF_MONITOR_DSN", "prometheus": "LAB_AF_PROMETHEUS_URL", "redis": "LAB_AF_REDIS_URL"}
        return {name: value for name, value in variables.items() if name not in map(ways.get, self.missing)}


def _paragraphs() -> list[str]:
    """Return each statement as a paragraph: in single-user mode a statement ends with a semicolon and an empty line."""
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    return [part.strip() for part in text.split(";\n") if part.strip()]
