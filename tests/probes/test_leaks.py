"""After hundreds of readings of hostile far ends nothing remains: no socket, no thread, no secret."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.http.client import Http
from runbook_checks.probes.mysql.client import Mysql
from runbook_checks.probes.postgres.client import Postgres
from runbook_checks.probes.tls.server import look
from tests.misbehaving.server import REGISTRY, FakeServer

HTTP = ["silent", "resets-at-once", "drips-body", "oversized", "short-body", "garbage", "continue-storm", "html"]
POSTGRES = ["never-greets", "resets", "garbage", "scram-stalls", "silent-mid-query", "starting-up", "endless-rows"]
MYSQL = ["never-greets", "resets", "garbage", "greets-without-end", "silent-mid-query", "endless-rows", "wants-a-file"]
TLS = ["silent", "stalls-after-hello", "plain-http", "alert", "closes"]


def descriptors(servers: list[FakeServer]) -> int:
    """Return the client's own descriptors; a server's end of a connection may close later."""
    return len(os.listdir("/proc/self/fd")) - sum(server.open_connections() for server in servers)


def own_threads() -> list[str]:
    return sorted(t.name for t in threading.enumerate() if not t.name.startswith("misbehaving"))


def http_reading(port: int, number: int) -> None:
    http = Http(f"http://127.0.0.1:{port}", timeout_s=0.15)
    try:
        http.get("/", fresh=number % 2 == 0)
    finally:
        http.close()


def https_reading(port: int, number: int) -> None:
    http = Http(f"https://127.0.0.1:{port}", timeout_s=0.15)
    try:
        http.send("POST", "/", body=b"{}")
    finally:
        http.close()


def postgres_reading(port: int, number: int) -> None:
    dsn = f"postgresql://u:password@127.0.0.1:{port}/d"
    database = Postgres(dsn, connect_timeout_s=0.15, statement_timeout_s=0.1)
    try:
        database.query(f"SELECT {number}")
    finally:
        database.close()


def mysql_reading(port: int, number: int) -> None:
    dsn = f"mysql://u:password@127.0.0.1:{port}/d?ssl-mode=DISABLED"
    database = Mysql(dsn, connect_timeout_s=0.15, statement_timeout_s=0.1)
    try:
        database.query(f"SELECT {number}")
    finally:
        database.close()


def tls_reading(port: int, number: int) -> None:
    look("127.0.0.1", port, timeout_s=0.15)


def test_two_hundred_hostile_readings_leave_nothing_behind() -> None:
    kinds = [(f"http.{n}", http_reading) for n in HTTP]
    kinds += [(f"postgres.{n}", postgres_reading) for n in POSTGRES]
    kinds += [(f"mysql.{n}", mysql_reading) for n in MYSQL]
    kinds += [(f"tls.{n}", reader) for n in TLS for reader in (tls_reading, https_reading)]

    def read(number: int) -> None:
        name, reader = kinds[number % len(kinds)]
        with suppress(NoReading):
            reader(ports[name], number)

    with ExitStack() as stack:
        servers = {name: stack.enter_context(FakeServer(REGISTRY[name])) for name, _ in kinds}
        ports = {name: server.port for name, server in servers.items()}
        for number in range(len(kinds)):
            read(number)  # what is imported and started once
        settle()
        before, threads = descriptors([*servers.values()]), own_threads()
        with ThreadPoolExecutor(8, thread_name_prefix="misbehaving reader") as pool:
            list(pool.map(read, range(250)))
        settle()
        assert descriptors([*servers.values()]) <= before
        assert own_threads() == threads


def settle() -> None:
    gc.collect()
    time.sleep(0.3)


HEAVY = {
    "requests",
    "urllib3",
    "psycopg",
    "pymysql",
    "boto3",
    "dns",
    "cryptography",
    "schemathesis",
    "hypothesis",
    "psutil",
    "ssl",
}


MODULES = [
    *("http.client", "tls.server", "net.resolve", "core.single_flight", "host.variables"),
    *("host.files", "logs.file", "auth.signing", "openapi.violations"),
    *("logs.loki", "logs.cloudwatch"),
]


@pytest.mark.parametrize("module", MODULES)
def test_importing_a_probe_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, runbook_checks.probes.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
