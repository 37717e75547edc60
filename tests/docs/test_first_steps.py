"""Is the role that the README makes enough for every check, and no more than that?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from tests.docs.blocks import blocks
from tests.harness import PROJECT, SYSTEM, LabClient, run, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "a long one"


@pytest.fixture(scope="module")
def strange_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    """A lab whose own monitor role is gone, and the README's in its place."""
    with started_lab(tmp_path_factory.mktemp("lab")) as lab:
        (block,) = [block for block in blocks("sql") if block.document.name == "README.md"]
        with _superuser(lab) as database:
            database.execute("ALTER ROLE cs_monitor RENAME TO cs_monitor_of_the_lab")
            for statement in re.sub(r"--.*", "", block.text).split(";"):
                if statement.strip():
                    database.execute(statement.encode())
        yield lab


def _superuser(lab: LabClient) -> psycopg.Connection[tuple[object, ...]]:
    """In through the socket that only the lab's own user (and root) can reach."""
    folder = Path(lab.variables["LAB_CA_FILE"]).parents[1]
    (socket,) = [path for path in folder.rglob(".s.PGSQL.*") if path.suffix != ".lock"]
    return psycopg.connect(
        host=str(socket.parent), port=socket.suffix[1:], dbname="ai_customer_service", user="postgres", autocommit=True
    )


def _dsn(lab: LabClient) -> str:
    parts = urlsplit(lab.variables["LAB_CS_MONITOR_DSN"])
    netloc = f"cs_monitor:{quote(PASSWORD)}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc))


def test_it_is_enough_for_every_check(strange_lab: LabClient, tmp_path: Path) -> None:
    text = (PROJECT / "environments" / "lab.yaml").read_text()
    environment = tmp_path / "first-steps.yaml"
    environment.write_text(text.replace("lab: true\n", "").replace("LAB_CS_MONITOR_DSN", "README_DSN"))
    variables = strange_lab.variables | {"README_DSN": _dsn(strange_lab)}
    ran = run("--env", str(environment), "--system", SYSTEM, out=strange_lab.out, variables=variables)
    assert ran.code == 0, ran.output()
    assert set(ran.outcomes("clear")) == set(ran.results), ran.output()


def test_it_can_change_nothing(strange_lab: LabClient) -> None:
    port = urlsplit(strange_lab.variables["LAB_CS_MONITOR_DSN"]).port
    with psycopg.connect(
        host="127.0.0.1",
        port=port,
        dbname="ai_customer_service",
        user="cs_monitor",
        password=PASSWORD,
        sslmode="disable",
    ) as database:
        for statement in ("CREATE TABLE mine ()", "DELETE FROM cs_messages", "SELECT * FROM cs_sessions"):
            with pytest.raises(psycopg.Error) as caught, database.transaction():
                database.execute(statement.encode())
            assert isinstance(
                caught.value, psycopg.errors.InsufficientPrivilege | psycopg.errors.ReadOnlySqlTransaction
            ), statement
