"""Start the components of AI Customer Service together, and give their addresses."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.customer_service.files import RollbackFiles, write_backups, write_rollback_files
from runbook_checks_lab.customer_service.logfile import LogFile
from runbook_checks_lab.customer_service.names import BACKUP_AGE_H, DATABASE, DATABASE_HOST, HBA, HOST
from runbook_checks_lab.customer_service.service import Service
from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.dotenv import Dotenv
from runbook_checks_lab.servers.front import Front
from runbook_checks_lab.servers.ports import quiet_port
from runbook_checks_lab.servers.postgres import Database, Postgres
from runbook_checks_lab.servers.postgres_proxy import PostgresProxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.servers.recorder import Recorder
    from runbook_checks_lab.shared_servers import SharedServers


class CustomerService:
    """One attribute per component; `components` are those whose behaviour a fault may change."""

    host, database_host, database = HOST, DATABASE_HOST, DATABASE
    service_role, monitor_role, hba = "ai_cs", "cs_monitor", HBA

    def __init__(self, shared: SharedServers) -> None:
        folder = shared.run.sub("ai-customer-service")
        self._shared = shared
        self.missing: dict[str, str] = {}
        self.log = LogFile(folder / "ai-cs.log")
        self.backups: Path = folder / "backups"
        self.rollback: RollbackFiles = write_rollback_files(folder)
        self.dotenv = Dotenv(folder / "next-instance.env")
        self.service = Service(self.log)
        self.http = HttpServer()
        self.front = Front(self.http.port, shared.authority.context)
        self.direct = Front(self.http.port)
        self.postgres = Postgres(shared.run.sub("cs-pg"), [Database(DATABASE, _schema())])
        self.database_port = PostgresProxy(lambda: self.postgres.port, shared.authority.context)
        self.next_port = quiet_port()
        self.passwords = {role: secrets.token_urlsafe(24) for role in (self.service_role, self.monitor_role)}
        self.recorder: Recorder | None = None
        self._life: asyncio.Task[None] | None = None

    @property
    def components(self) -> list[Component]:
        """In the order in which a change settles: the service comes last."""
        return [self.front, self.direct, self.database_port, self.dotenv, self.service]

    async def start(self) -> None:
        self.service.behaviour.secret = secrets.token_urlsafe(32)
        self.dotenv.behaviour.values = self._next_instance()
        records = self._shared.dns.behaviour.records
        records[(HOST, "A")] = records[(DATABASE_HOST, "A")] = ["127.0.0.1"]
        self.log.fill(time.time())
        write_backups(self.backups, BACKUP_AGE_H)
        await asyncio.gather(self._start_database(), self._start_service())
        if "postgres" not in self.missing:
            from runbook_checks_lab.customer_service.store import Store

            self.service.store = Store("127.0.0.1", self.database_port.port, self.passwords["ai_cs"])
        for part in self.components:
            await part.settle()
        self._life = asyncio.create_task(self.service.live())

    async def stop(self) -> None:
        if self._life:
            self._life.cancel()
        await asyncio.gather(self.http.stop(), self.front.stop(), self.direct.stop(), self.database_port.stop())
        await self.postgres.stop()

    async def _start_database(self) -> None:
        try:
            await self.postgres.start(HBA)
        except OSError as error:
            self.missing["postgres"] = str(error)
            return
        await asyncio.to_thread(self.postgres.run, *self.password_statements())

    async def _start_service(self) -> None:
        create_app = await asyncio.to_thread(_create_app)
        _, self.recorder = create_app(self.service)
        await self.http.start(self.recorder)

    def password_statements(self) -> list[str]:
        return [f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in self.passwords.items()]

    def dsn(self, role: str, parameters: str = "") -> str:
        return f"postgresql://{role}:{self.passwords[role]}@{DATABASE_HOST}:{self.database_port.port}/{DATABASE}{parameters}"

    def _next_instance(self) -> dict[str, str]:
        return {
            "AI_CS_RUNTIME_ENV": "production",
            "AI_CS_POSTGRES_ENABLED": "true",
            "AI_CS_POSTGRES_DSN": self.dsn("ai_cs", "?sslmode=disable"),
            "AI_CS_WEBHOOK_SECRET": self.service.behaviour.secret,
            "AI_CS_LOG_LEVEL": "info",
            "AI_CS_ADDR": f"127.0.0.1:{self.next_port}",
            "AI_CS_WEBHOOK_MAX_SKEW_SECONDS": "300",
        }

    def variables(self) -> dict[str, str]:
        variables = {
            "LAB_CS_URL": f"https://{HOST}:{self.front.port}",
            "LAB_CS_DIRECT_URL": f"http://127.0.0.1:{self.direct.port}",
            "LAB_CS_TLS_ADDRESS": f"{HOST}:{self.front.port}",
            "LAB_CS_MONITOR_DSN": self.dsn("cs_monitor", "?sslmode=disable"),
            "LAB_CS_WEBHOOK_SECRET": self.service.behaviour.secret,
            "LAB_CS_DOTENV": str(self.dotenv.path),
            "LAB_CS_LOG_FILE": str(self.log.path),
            "LAB_CS_BACKUP_FOLDER": str(self.backups),
            "LAB_CS_ARTEFACT": str(self.rollback.artefact),
            "LAB_CS_PREVIOUS_CONFIG": str(self.rollback.configuration),
            "LAB_CS_ROLLBACK_SCRIPT": str(self.rollback.script),
            "LAB_CS_VERSION": self.service.behaviour.versions[0],
        }
        if "postgres" in self.missing:
            del variables["LAB_CS_MONITOR_DSN"]
        return variables

    def healed(self) -> None:
        """Called when the last fault has been undone."""
        self.log.forget_failures()

    def requests(self) -> list[dict[str, object]]:
        return list(self.recorder.requests) if self.recorder else []

    def statements(self) -> list[dict[str, object]]:
        return [] if "postgres" in self.missing else self.postgres.statements()

    def request_log(self) -> list[dict[str, object]]:
        return []  # every server's log is kept elsewhere

    def clear(self) -> None:
        if self.recorder:
            self.recorder.requests.clear()
        if "postgres" not in self.missing:
            self.postgres.clear_log()


def _create_app() -> Callable[[Service], tuple[FastAPI, Recorder]]:
    """Import in a thread, because FastAPI takes a while."""
    from runbook_checks_lab.customer_service.app import create_app

    return create_app


def _schema() -> str:
    """Return each statement as a paragraph: in single-user mode a statement ends with a semicolon and an empty line."""
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    return ";\n\n".join(part.strip() for part in text.split(";\n") if part.strip()) + ";"
