"""The bookshop of docs/example in operation: an HTTP server, PostgreSQL, a log and backups."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.harness import PROJECT
from tests.probes import pg

VERSION = "1.4.2"
PASSWORD = "a-long-one-for-the-monitor"
SCHEMA = (
    f"CREATE ROLE bookshop_monitor LOGIN PASSWORD '{PASSWORD}'",
    "CREATE ROLE bookshop LOGIN",
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.books (id int PRIMARY KEY)",
    "CREATE TABLE shop.orders (id int PRIMARY KEY, total numeric(12,2))",
    "CREATE TABLE shop.order_lines (id int PRIMARY KEY)",
    "GRANT USAGE ON SCHEMA shop TO bookshop_monitor",
    "GRANT pg_monitor TO bookshop_monitor",
)
OTHER_ADDRESSES = {
    "https://shop.staging.example.com": "{url}",
    "/var/log/bookshop/app.log": "{folder}/app.log",
    "/srv/backups/bookshop": "{folder}",
}


@dataclass
class Bookshop:
    """The shop, healthy except for the components named as down."""

    url: str
    dsn: str
    folder: Path
    down: set[str] = field(default_factory=set)

    def example(self, to: Path) -> Path:
        """Copy docs/example as a user would, with this shop's addresses; return its environment file."""
        shutil.copytree(PROJECT / "docs" / "example", to)
        staging = to / "staging.yaml"
        text = staging.read_text()
        for theirs, ours in OTHER_ADDRESSES.items():
            assert theirs in text
            text = text.replace(theirs, ours.format(url=self.url, folder=self.folder))
        staging.write_text(text)
        return staging

    @property
    def variables(self) -> dict[str, str]:
        return {"BOOKSHOP_MONITOR_DSN": self.dsn}


@contextmanager
def open_bookshop(folder: Path) -> Iterator[Bookshop]:
    """A newly opened shop: no errors in its log, and a new backup."""
    (folder / "app.log").write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} INFO the shop is open\n")
    (folder / "bookshop-1.dump").write_bytes(b"PGDMP")
    with pg.started(*SCHEMA) as database, serving() as (url, down):
        yield Bookshop(url, database.dsn("bookshop_monitor", PASSWORD), folder, down)


@contextmanager
def serving() -> Iterator[tuple[str, set[str]]]:
    """Run the shop's HTTP server; yield its address and the components that are down, which can be changed."""
    down: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            affected = down if self.path in ("/healthz", "/healthz/ready") else set()
            body: dict[str, object] = {"version": VERSION} if self.path == "/version" else _health(affected)
            self.send_response(503 if affected else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", down
        finally:
            server.shutdown()


def _health(down: set[str]) -> dict[str, object]:
    states = {name: "down" if name in down else "ok" for name in ("database", "payments")}
    return {"status": "down" if down else "ok", "checks": states}
