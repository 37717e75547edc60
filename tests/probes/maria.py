"""A MariaDB server for the tests, with a database `shop` and accounts that may only read, or also write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runbook_checks_lab.servers.mariadb import MariaDb
from runbook_checks_lab.toolbox import NotHere, find
from tests.probes import pki

PASSWORD = "k9-Long-Enough"


@contextmanager
def running(folder: Path, authority: pki.Made) -> Iterator[MariaDb]:
    try:
        find("mariadbd")
    except NotHere as missing:
        pytest.skip(str(missing))
    certificate, key = pki.make("localhost", authority, names=("localhost", "127.0.0.1")).write(folder)
    both = folder / "both.pem"
    both.write_text(Path(certificate).read_text() + Path(key).read_text())
    (folder / "ca.pem").write_bytes(authority.pem)
    server = MariaDb(folder, [("shop", "CREATE TABLE books (id INT PRIMARY KEY, title TEXT, price DECIMAL(8,2));")])
    asyncio.run(server.start(both))
    server.run(
        f"CREATE USER 'looker'@'%' IDENTIFIED BY '{PASSWORD}'",
        "GRANT SELECT ON shop.* TO 'looker'@'%'",
        "GRANT PROCESS ON *.* TO 'looker'@'%'",
        f"CREATE USER 'worker'@'%' IDENTIFIED BY '{PASSWORD}'",
        "GRANT ALL ON shop.* TO 'worker'@'%'",
        "INSERT INTO shop.books VALUES (1, 'Ünïcode — 书', 9.5), (2, NULL, 0)",
    )
    try:
        yield server
    finally:
        asyncio.run(server.stop())


def dsn(server: MariaDb, more: str = "?ssl-mode=DISABLED", *, user: str = "looker", host: str = "127.0.0.1") -> str:
    return f"mysql://{user}:{PASSWORD}@{host}:{server.port}/shop{more}"
