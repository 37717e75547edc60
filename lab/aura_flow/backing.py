"""What stands behind Aura Flow's back end: database, metrics, and what lies on its host?"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from lab.aura_flow.metrics import AuraMetrics, series
from lab.aura_flow.names import DATABASE, DATABASE_HOST, HBA, MONITOR_ROLE, SERVICE_ROLE
from lab.servers.postgres import Database, Postgres
from lab.servers.postgres_proxy import PostgresProxy
from lab.servers.prometheus import PASSWORD, USER, Prometheus

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from lab.lab import Lab
    from lab.servers.part import Part

READS = 6


class Backing:
    """One attribute per part; AuraFlow has them all as its own."""

    database_host, database = DATABASE_HOST, DATABASE
    service_role, monitor_role, hba = SERVICE_ROLE, MONITOR_ROLE, HBA

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.missing: dict[str, str] = {}
        self.postgres = Postgres(lab.run.sub("aura-pg"), [Database(DATABASE, ";\n\n".join(_paragraphs()) + ";")])
        self.database_port = PostgresProxy(lambda: self.postgres.port, lab.authority.context)
        self.passwords = {role: secrets.token_urlsafe(24) for role in (SERVICE_ROLE, MONITOR_ROLE)}
        self.prometheus = Prometheus(lab.run.sub("aura-prometheus"), AuraMetrics(), series)

    @property
    def backing_parts(self) -> list[Part]:
        return [self.database_port, self.prometheus]

    async def start_backing(self) -> None:
        self._lab.dns.behaviour.records[(DATABASE_HOST, "A")] = ["127.0.0.1"]
        await asyncio.gather(
            self._started("postgres", self._start_database()), self._started("prometheus", self.prometheus.start())
        )

    async def stop_backing(self) -> None:
        await asyncio.gather(self.database_port.stop(), self.prometheus.stop(), self.postgres.stop())

    async def _started(self, part: str, start: Coroutine[None, None, None]) -> None:
        try:
            await start
        except OSError as error:
            self.missing[part] = str(error)

    async def _start_database(self) -> None:
        await self.postgres.start(HBA)
        await asyncio.to_thread(self.postgres.run, *self.password_statements())
        await asyncio.to_thread(self.exercise)

    def exercise(self) -> None:
        """What the back end asks, often enough to tell how long it takes."""
        ordinary = ("SELECT title, price FROM plans", "SELECT topic, score FROM insights ORDER BY id DESC LIMIT 20")
        self.postgres.run(f"SET ROLE {SERVICE_ROLE}", *ordinary * READS, database=DATABASE)

    def password_statements(self) -> list[str]:
        return [f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in self.passwords.items()]

    def dsn(self, role: str, parameters: str = "?sslmode=disable") -> str:
        at = f"{DATABASE_HOST}:{self.database_port.port}"
        return f"postgresql://{role}:{self.passwords[role]}@{at}/{DATABASE}{parameters}"

    def backing_variables(self) -> dict[str, str]:
        variables = {
            "LAB_AF_MONITOR_DSN": self.dsn(MONITOR_ROLE),
            "LAB_AF_PROMETHEUS_URL": self.prometheus.url,
            "LAB_AF_PROMETHEUS_USER": USER,
            "LAB_AF_PROMETHEUS_PASSWORD": PASSWORD,
        }
        for part, name in (("postgres", "LAB_AF_MONITOR_DSN"), ("prometheus", "LAB_AF_PROMETHEUS_URL")):
            if part in self.missing:
                del variables[name]
        return variables


def _paragraphs() -> list[str]:
    """Single-user mode ends a statement at a semicolon and an empty line: each statement is a paragraph."""
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    return [part.strip() for part in text.split(";\n") if part.strip()]
