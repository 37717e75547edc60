"""Start the components of Sales AI together, and give their addresses."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.sales_ai.files import RollbackFiles, write_rollback_files
from runbook_checks_lab.sales_ai.logfile import WorkersLog
from runbook_checks_lab.sales_ai.names import (
    BACKUP_BUCKET,
    DATABASE,
    DATABASE_HOST,
    HBA,
    HOST,
    MONITOR_ROLE,
    SERVICE_ROLE,
)
from runbook_checks_lab.sales_ai.providers.cloudflare import Cloudflare
from runbook_checks_lab.sales_ai.providers.groq import Groq
from runbook_checks_lab.sales_ai.providers.neon import Neon
from runbook_checks_lab.sales_ai.providers.slack import Slack
from runbook_checks_lab.sales_ai.providers.status import StatusPages
from runbook_checks_lab.sales_ai.service import Workers
from runbook_checks_lab.sales_ai.storage import Storage
from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.dotenv import Dotenv
from runbook_checks_lab.servers.dumps import DumpBucket, dump_of
from runbook_checks_lab.servers.front import Front
from runbook_checks_lab.servers.postgres import Database, Postgres
from runbook_checks_lab.servers.postgres_proxy import PostgresProxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.servers.recorder import Recorder
    from runbook_checks_lab.shared_servers import SharedServers

READS = 6


class SalesAi:
    """One attribute per component; `components` are those whose behaviour a fault may change."""

    host, database_host, database = HOST, DATABASE_HOST, DATABASE
    service_role, monitor_role, hba = SERVICE_ROLE, MONITOR_ROLE, HBA

    def __init__(self, shared: SharedServers) -> None:
        folder = shared.run.sub("sales-ai")
        self._shared = shared
        self.missing: dict[str, str] = {}
        self.log = WorkersLog(folder / "workers.jsonl")
        self.drill_record = folder / "drills.json"
        self.rollback: RollbackFiles = write_rollback_files(folder)
        self.dotenv = Dotenv(folder / "next-release.env")
        self.service = Workers(self.log)
        self.http = HttpServer()
        self.front = Front(self.http.port, shared.authority.context)
        self.front.behaviour.chain = ChainPlan(names=(HOST,))
        self.direct = Front(self.http.port)
        self.postgres = Postgres(
            shared.run.sub("sales-pg"), [Database(DATABASE, ";\n\n".join(_paragraphs("schema.sql")) + ";")]
        )
        self.database_port = PostgresProxy(lambda: self.postgres.port, shared.authority.context)
        self.passwords = {role: secrets.token_urlsafe(24) for role in (SERVICE_ROLE, MONITOR_ROLE)}
        self.cloudflare, self.groq = Cloudflare(shared), Groq(shared)
        self.slack, self.neon = Slack(shared), Neon(shared)
        self.status = StatusPages(shared)
        self.storage = Storage(shared)
        self.dumps = DumpBucket(shared.moto, BACKUP_BUCKET, "backups/", "backup_{day}.sql.gz")
        self.backup_key_id, self.backup_secret = secrets.token_hex(16), secrets.token_hex(32)
        self.recorder: Recorder | None = None
        self._life: asyncio.Task[None] | None = None

    @property
    def providers(self) -> list[Cloudflare | Groq | Slack | Neon | StatusPages]:
        return [self.cloudflare, self.groq, self.slack, self.neon, self.status]

    @property
    def components(self) -> list[Component]:
        """In the order in which a change settles: the Workers come last."""
        providers = [part for provider in self.providers for part in provider.components]
        return [*providers, self.storage.front, self.front, self.direct, self.database_port, self.dotenv, self.service]

    async def start(self) -> None:
        self.service.behaviour.signing_secret = secrets.token_hex(16)
        self._hand_out_keys()
        self.dotenv.behaviour.values = self._next_release()
        records = self._shared.dns.behaviour.records
        records[(HOST, "A")] = records[(DATABASE_HOST, "A")] = ["127.0.0.1"]
        self.log.fill_history(time.time())
        starting = (provider.run() for provider in self.providers)
        await asyncio.gather(self._start_database(), self._start_service(), self._start_storage(), *starting)
        if not {"postgres", "object storage"} & {*self.missing}:
            await asyncio.to_thread(self._make_dumps)
        for part in self.components:
            await part.settle()
        self._life = asyncio.create_task(self.log.live())

    def _make_dumps(self) -> None:
        self.dumps.dump = dump_of(self.postgres, DATABASE)
        self.dumps.without_rows = dump_of(self.postgres, DATABASE, "--schema-only")
        self.dumps.make()
        self.dumps.fill()

    async def stop(self) -> None:
        if self._life:
            self._life.cancel()
        stopping = (self.http, self.front, self.direct, self.database_port, self.storage.front, *self.providers)
        await asyncio.gather(*(part.stop() for part in stopping))
        await self.postgres.stop()

    def _hand_out_keys(self) -> None:
        self.cloudflare.behaviour.key = secrets.token_urlsafe(30)
        self.cloudflare.behaviour.account = secrets.token_hex(16)
        self.groq.behaviour.key = f"gsk_{secrets.token_hex(20)}"
        self.slack.behaviour.key = f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
        self.neon.behaviour.key = f"napi_{secrets.token_hex(20)}"

    async def _start_storage(self) -> None:
        self._shared.moto.behaviour.keys[self.backup_key_id] = self.backup_secret
        try:
            await self.storage.start()
        except OSError as error:
            self.missing["object storage"] = str(error)

    async def _start_database(self) -> None:
        try:
            await self.postgres.start(HBA)
        except OSError as error:
            self.missing["postgres"] = str(error)
            return
        # Rows have ages, and the template may be days old.
        statements = [*self.password_statements(), *_paragraphs("rows.sql")]
        await asyncio.to_thread(self.postgres.run, *statements, database=DATABASE)
        await asyncio.to_thread(self.exercise)

    def exercise(self) -> None:
        """Run the Workers' queries, with every index, and often enough to measure their duration."""
        self.postgres.run(*_paragraphs("reads.sql") * READS, database=DATABASE)

    async def _start_service(self) -> None:
        create_app = await asyncio.to_thread(_create_app)
        self.recorder = create_app(self.service)
        await self.http.start(self.recorder)

    def password_statements(self) -> list[str]:
        return [f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in self.passwords.items()]

    def dsn(self, role: str) -> str:
        at = f"{DATABASE_HOST}:{self.database_port.port}"
        return f"postgresql://{role}:{self.passwords[role]}@{at}/{DATABASE}?sslmode=disable"

    def _next_release(self) -> dict[str, str]:
        """Return the names from `wrangler secret list` and the release's configuration."""
        return {
            "DATABASE_URL": self.dsn(SERVICE_ROLE),
            "SLACK_BOT_TOKEN": self.slack.behaviour.key,
            "SLACK_SIGNING_SECRET": self.service.behaviour.signing_secret,
            "SLACK_WEBHOOK_URL": f"https://hooks.slack.com/services/T0SALES/B0SALES/{secrets.token_hex(12)}",
            "CLOUDFLARE_R2_ENDPOINT": self.storage.url,
            "NEON_API_KEY": self.neon.behaviour.key,
            "GROQ_API_KEY": self.groq.behaviour.key,
        }

    def variables(self) -> dict[str, str]:
        variables = {
            "LAB_SALES_URL": f"https://{HOST}:{self.front.port}",
            "LAB_SALES_DIRECT_URL": f"http://127.0.0.1:{self.direct.port}",
            "LAB_SALES_VERSION": self.service.behaviour.versions[0],
            "LAB_SALES_MONITOR_DSN": self.dsn(MONITOR_ROLE),
            "LAB_SALES_DOTENV": str(self.dotenv.path),
            "LAB_SALES_LOG_FILE": str(self.log.path),
            "LAB_SALES_DRILL_RECORD": str(self.drill_record),
            "LAB_SALES_PREVIOUS_BUNDLE": str(self.rollback.artefact),
            "LAB_SALES_PREVIOUS_CONFIG": str(self.rollback.configuration),
            "LAB_SALES_ROLLBACK_SCRIPT": str(self.rollback.script),
        }
        if "postgres" in self.missing:
            del variables["LAB_SALES_MONITOR_DSN"]
        return variables | self._of_providers() | ({} if "object storage" in self.missing else self._of_storage())

    def _of_providers(self) -> dict[str, str]:
        return {
            "LAB_SALES_SIGNING_SECRET": self.service.behaviour.signing_secret,
            "LAB_SALES_CLOUDFLARE_URL": self.cloudflare.api_url,
            "LAB_SALES_CLOUDFLARE_ACCOUNT": self.cloudflare.behaviour.account,
            "LAB_SALES_CLOUDFLARE_TOKEN": self.cloudflare.behaviour.key,
            "LAB_SALES_GROQ_URL": self.groq.api_url,
            "LAB_SALES_GROQ_KEY": self.groq.behaviour.key,
            "LAB_SALES_SLACK_URL": self.slack.api_url,
            "LAB_SALES_SLACK_TOKEN": self.slack.behaviour.key,
            "LAB_SALES_NEON_URL": self.neon.api_url,
            "LAB_SALES_NEON_PROJECT": self.neon.behaviour.project,
            "LAB_SALES_NEON_KEY": self.neon.behaviour.key,
            "LAB_SALES_STATUS_GROQ": f"{self.status.url}/groq/api/v2/summary.json",
            "LAB_SALES_STATUS_CLOUDFLARE": f"{self.status.url}/cloudflare/api/v2/summary.json",
            "LAB_SALES_STATUS_NEON": f"{self.status.url}/neon/api/v2/summary.json",
            "LAB_SALES_STATUS_SLACK": f"{self.status.url}/slack/api/v2.0.0/current",
            "LAB_SALES_STATUS_GOOGLE": f"{self.status.url}/google/incidents.json",
        }

    def _of_storage(self) -> dict[str, str]:
        return {
            "LAB_SALES_R2_ENDPOINT": self.storage.url,
            "LAB_SALES_R2_KEY_ID": self.storage.key_id,
            "LAB_SALES_R2_SECRET": self.storage.secret,
            "LAB_SALES_BACKUP_KEY_ID": self.backup_key_id,
            "LAB_SALES_BACKUP_SECRET": self.backup_secret,
        }

    def healed(self) -> None:
        """Called when the last fault has been undone."""

    def requests(self) -> list[dict[str, object]]:
        recorders = [self.recorder, *(provider.recorder for provider in self.providers)]
        return [row for recorder in recorders if recorder for row in recorder.requests]

    def statements(self) -> list[dict[str, object]]:
        return [] if "postgres" in self.missing else self.postgres.statements()

    def request_log(self) -> list[dict[str, object]]:
        return []  # every server's log is kept elsewhere

    def clear(self) -> None:
        for recorder in (self.recorder, *(provider.recorder for provider in self.providers)):
            if recorder:
                recorder.requests.clear()
        if "postgres" not in self.missing:
            self.postgres.clear_log()


def _create_app() -> Callable[[Workers], Recorder]:
    """Import in a thread, because FastAPI takes a while."""
    from runbook_checks_lab.sales_ai.app import create_app

    return create_app


def _paragraphs(name: str) -> list[str]:
    """Return each statement as a paragraph: in single-user mode a statement ends with a semicolon and an empty line."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [part.strip() for part in text.split(";\n") if part.strip()]
