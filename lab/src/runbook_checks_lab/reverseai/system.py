"""Start the components of ReverseAI together, and give their addresses."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from runbook_checks_lab.reverseai import domains, seeds
from runbook_checks_lab.reverseai.accounts import MONITOR, SERVICE, WORKER, accounts
from runbook_checks_lab.reverseai.log import EVERY_S, ORDINARY, background, history, normal_line
from runbook_checks_lab.reverseai.metrics import ReverseMetrics, series
from runbook_checks_lab.reverseai.names import BASE_HOST, DATABASE, DATABASE_HOST, HOST, RECOVERABLE
from runbook_checks_lab.reverseai.service import Service
from runbook_checks_lab.servers.asgi import HttpServer
from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.edge import Edge
from runbook_checks_lab.servers.front import Front
from runbook_checks_lab.servers.known_errors import is_known_due
from runbook_checks_lab.servers.loki import Loki
from runbook_checks_lab.servers.mariadb import MariaDb
from runbook_checks_lab.servers.mariadb_proxy import MariaDbProxy
from runbook_checks_lab.servers.prometheus import PASSWORD, Prometheus
from runbook_checks_lab.servers.timeseries import USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runbook_checks_lab.servers.component import Component
    from runbook_checks_lab.servers.recorder import Recorder
    from runbook_checks_lab.shared_servers import SharedServers

LONG_S = 2.0  # as mysql.long_running_s in environments/lab.yaml


class ReverseAi:
    """One attribute per component; `components` are those whose behaviour a fault may change."""

    host, database_host, database = HOST, DATABASE_HOST, DATABASE
    monitor_role, crowd_role, quiet_table = MONITOR, WORKER, f"{DATABASE}.what_reverse_workspace_databases"

    def __init__(self, shared: SharedServers) -> None:
        self._shared = shared
        self.missing: dict[str, str] = {}
        self.service = Service()
        self.http = HttpServer()
        self.front = Front(self.http.port, shared.authority.context)
        self.front.behaviour.chain = ChainPlan(names=(HOST,))
        self.edge = Edge(shared.authority.context, BASE_HOST)
        self.mariadb = MariaDb(shared.run.sub("ra-db"), [(DATABASE, _schema())])
        self.database_port = MariaDbProxy(lambda: self.mariadb.port)
        self.prometheus = Prometheus(shared.run.sub("ra-prometheus"), ReverseMetrics(), series)
        self.passwords = {role: secrets.token_urlsafe(24) for role in (SERVICE, WORKER, MONITOR)}
        self.loki = Loki()
        self.recorder: Recorder | None = None
        self._life: asyncio.Task[None] | None = None

    @property
    def components(self) -> list[Component]:
        """In the order in which a change settles: the service comes last."""
        return [self.front, self.edge, self.database_port, self.prometheus, self.loki, self.service]

    async def start(self) -> None:
        self.service.behaviour.token = secrets.token_urlsafe(32)
        self.loki.behaviour.tenant = "reverseai"
        for service in ORDINARY:
            self.loki.push({"service": service}, history(service, time.time()))
        records = self._shared.dns.behaviour.records
        records[(HOST, "A")] = records[(DATABASE_HOST, "A")] = ["127.0.0.1"]
        domains.name_records(self._shared.dns.behaviour)
        domains.certificates(self.edge.behaviour)
        await asyncio.gather(self._start_database(), self._start_service(), self._start_metrics(), self.loki.start())
        if "mariadb" not in self.missing:
            from runbook_checks_lab.reverseai.store import Store

            self.service.store = Store(self.database_port.port, self.passwords[SERVICE])
        for part in self.components:
            await part.settle()
        self._life = asyncio.create_task(self._live())

    async def _live(self) -> None:
        """Add normal operation: log lines, and an execution that has just begun, in place of the last one."""
        for number in itertools.count(1):
            await asyncio.sleep(EVERY_S)
            for service in ORDINARY:
                self.loki.push({"service": service}, [normal_line(service, time.time())])
            if is_known_due(number, EVERY_S):
                self.loki.push({"service": "runtime"}, [background(time.time())])
            if "mariadb" not in self.missing:
                with contextlib.suppress(Exception):  # a fault may have removed the table
                    await asyncio.to_thread(self.mariadb.run, seeds.JUST_BEGUN)

    async def stop(self) -> None:
        if self._life:
            self._life.cancel()
        fronts = (self.http, self.front, self.edge, self.database_port, self.prometheus, self.loki)
        await asyncio.gather(*(part.stop() for part in fronts))
        if self.service.store:
            self.service.store.close()
        await self.mariadb.stop()

    async def _start_database(self) -> None:
        try:
            await self.mariadb.start(await asyncio.to_thread(self._certificate))
        except OSError as error:
            self.missing["mariadb"] = str(error)
            return
        await asyncio.to_thread(self._fill)

    async def _start_metrics(self) -> None:
        try:
            await self.prometheus.start()
        except OSError as error:
            self.missing["prometheus"] = str(error)

    def _certificate(self) -> Path:
        return self._shared.authority.chain(ChainPlan(names=(DATABASE_HOST,)))

    def _fill(self) -> None:
        self.mariadb.run(*accounts(self.passwords))
        executions, nodes = seeds.executions()
        rows = {
            "what_reverse_executions": executions,
            "what_reverse_node_logs": nodes,
            "what_reverse_workspace_databases": seeds.workspace_databases(),
            "what_reverse_runtime_events": seeds.events(),
            "what_reverse_app_domains": domains.rows(),
        }
        for table, content in rows.items():
            self.mariadb.insert(f"{DATABASE}.{table}", content)

    async def _start_service(self) -> None:
        create_app = await asyncio.to_thread(_create_app)
        self.recorder = create_app(self.service)
        await self.http.start(self.recorder)

    def aged(self, begun: Iterator[None]) -> Iterator[None]:
        """Wait until the started statement is older than lab.yaml's limit."""
        next(begun)
        time.sleep(LONG_S + 1.1)  # the server reports whole seconds
        yield
        next(begun, None)

    def password_statements(self) -> list[str]:
        return [f"ALTER USER '{role}'@'%' IDENTIFIED BY '{password}'" for role, password in self.passwords.items()]

    def dsn(self, role: str, parameters: str = "") -> str:
        where = f"{DATABASE_HOST}:{self.database_port.port}"
        return f"mysql://{role}:{self.passwords[role]}@{where}/{DATABASE}{parameters}"

    def variables(self) -> dict[str, str]:
        variables = {
            "LAB_REVERSE_URL": f"https://{HOST}:{self.front.port}",
            "LAB_REVERSE_TOKEN": self.service.behaviour.token,
            "LAB_REVERSE_MONITOR_DSN": self.dsn(MONITOR, "?ssl-mode=DISABLED"),
            "LAB_REVERSE_VERSION": self.service.behaviour.versions[0],
            "LAB_REVERSE_RECOVERABLE": RECOVERABLE,
            "LAB_REVERSE_PROMETHEUS_URL": self.prometheus.url,
            "LAB_REVERSE_PROMETHEUS_USER": USER,
            "LAB_REVERSE_PROMETHEUS_PASSWORD": PASSWORD,
            "LAB_REVERSE_LOKI_URL": f"http://127.0.0.1:{self.loki.http.port}",
            "LAB_REVERSE_BASE_HOST": BASE_HOST,
            "LAB_REVERSE_EDGE_PORT": str(self.edge.port),
        }
        if "prometheus" in self.missing:
            del variables["LAB_REVERSE_PROMETHEUS_URL"]
        if "mariadb" in self.missing:
            del variables["LAB_REVERSE_MONITOR_DSN"]
        return variables

    def healed(self) -> None:
        """Called when the last fault has been undone: remove what it left."""

    def requests(self) -> list[dict[str, object]]:
        return list(self.recorder.requests) if self.recorder else []

    def statements(self) -> list[dict[str, object]]:
        return [] if "mariadb" in self.missing else self.mariadb.statements()

    def request_log(self) -> list[dict[str, object]]:
        return self.prometheus.queries.rows()

    def clear(self) -> None:
        self.prometheus.queries.clear()
        if self.recorder:
            self.recorder.requests.clear()
        if "mariadb" not in self.missing:
            self.mariadb.clear_log()


def _create_app() -> Callable[[Service], Recorder]:
    """Import in a thread, because FastAPI takes a while."""
    from runbook_checks_lab.reverseai.app import create_app

    return create_app


def _schema() -> str:
    return Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
