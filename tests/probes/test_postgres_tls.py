"""Results of PostgreSQL over TLS: required, verified, refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres.client import Postgres
from tests.misbehaving.postgres import LET_IN, READY, behind_tls, refusal
from tests.misbehaving.server import FakeServer
from tests.probes import pg, pki

NO_ENTRY = 'no pg_hba.conf entry for host "127.0.0.1", user "u", database "d", '
OUTSIDE = refusal("28000", NO_ENTRY + "no encryption")


def kind_of(reader: Postgres) -> tuple[str | None, dict[str, object]]:
    with pytest.raises(NoReading) as caught:
        reader.query("SELECT 1")
    return caught.value.kind, caught.value.evidence


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        (refusal("28P01", "password authentication failed"), "tls-required"),
        (LET_IN + READY, "tls-required"),
        (refusal("28000", NO_ENTRY + "SSL encryption"), "host-not-allowed"),
        (b"\x00garbage", "host-not-allowed"),
    ],
    ids=["past-pg-hba", "let-in", "no-entry-either", "garbage"],
)
def test_missing_pg_hba_entry_is_diagnosed_with_tls(tmp_path: Path, inside: bytes, kind: str) -> None:
    files = pki.make("db").write(tmp_path)
    with FakeServer(behind_tls(*files, inside, OUTSIDE)) as server:
        dsn = f"postgresql://u:password@127.0.0.1:{server.port}/d?sslmode=disable"
        found, evidence = kind_of(Postgres(dsn, connect_timeout_s=2))
        assert found == kind
        assert evidence["sqlstate"] == "28000"
        assert server.visits == 2


def test_over_tls_already_it_is_the_host(tmp_path: Path) -> None:
    files = pki.make("db").write(tmp_path)
    inside = refusal("28000", NO_ENTRY + "SSL encryption")
    with FakeServer(behind_tls(*files, inside, OUTSIDE)) as server:
        dsn = f"postgresql://u:password@127.0.0.1:{server.port}/d?sslmode=require"
        assert kind_of(Postgres(dsn, connect_timeout_s=2))[0] == "host-not-allowed"
        assert server.visits == 1


class Secured:
    def __init__(self, server: pg.Server, folder: Path, root: pki.Made) -> None:
        self.server, self.ca_file = server, str(folder / "root.pem")
        Path(self.ca_file).write_bytes(root.pem)
        self.strange_ca = str(folder / "strange.pem")
        Path(self.strange_ca).write_bytes(pki.make("Strange", is_ca=True).pem)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    binaries = pg.system_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL with TLS available (the embedded one is built without)")
    folder = tmp_path_factory.mktemp("tls")
    root = pki.make("Root", is_ca=True)
    server = pg.Server(binaries, tls=pki.make("db", root, names=("127.0.0.1",)).write(folder))
    try:
        yield Secured(server.start(), folder, root)
    finally:
        server.stop()


def test_real_server_that_requires_tls(secured: Secured) -> None:
    server = secured.server
    server.hba("hostssl all all 127.0.0.1/32 scram-sha-256")
    server.reload()
    try:
        assert kind_of(Postgres(server.dsn(more="?sslmode=disable")))[0] == "tls-required"
        assert Postgres(server.dsn()).query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [
            {"ssl": True}
        ]
    finally:
        server.hba("host all all 127.0.0.1/32 scram-sha-256")
        server.reload()


def test_a_ca_file_means_that_the_server_is_verified(secured: Secured) -> None:
    dsn = secured.server.dsn()
    sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert Postgres(dsn, ca_file=secured.ca_file).query(sql) == [{"ssl": True}]
    assert kind_of(Postgres(dsn, ca_file=secured.strange_ca))[0] == "tls-failed"
    named = secured.server.dsn(host="localhost")
    assert kind_of(Postgres(named, ca_file=secured.ca_file))[0] == "tls-failed"
    assert kind_of(Postgres(secured.server.dsn(more="?sslmode=verify-full")))[0] == "tls-failed"


def test_refusals_over_tls_are_recognised_by_their_message(secured: Secured) -> None:
    server = secured.server
    wrong = server.dsn(password="wrong-password", more="?sslmode=require")
    assert kind_of(Postgres(wrong))[0] == "authentication-failed"
    missing = server.dsn(database="missing", more="?sslmode=require")
    assert kind_of(Postgres(missing))[0] == "database-missing"
