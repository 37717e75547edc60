"""The documented monitor roles are sufficient for every check of the four systems, and cannot change anything."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pymysql
import pytest

from tests.harness import PROJECT, LabClient, run, started_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "a long one"
BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^ *# +((?:CREATE|ALTER|GRANT) .*;)$", re.MULTILINE)


@dataclass(frozen=True)
class Role:
    """A monitor role: the document with its SQL, its name in the lab, and a statement that it must not run."""

    system: str
    user: str
    variable: str
    document: str
    forbidden: str

    def statements(self, project: Path = PROJECT) -> list[str]:
        """Return the SQL in the document: in a block of a page, or in the comments of an example."""
        text = (project / self.document).read_text()
        found = BLOCK.search(text)
        sql = found[1] if found else "\n".join(COMMENT.findall(text))
        return [statement.strip() for statement in re.sub(r"--.*", "", sql).split(";") if statement.strip()]

    def replace(self, lab: LabClient, project: Path = PROJECT) -> None:
        """Replace the lab's role by the documented one."""
        with closing(_administrator(self, lab)) as database, database.cursor() as cursor:
            for statement in (_renaming(self), *self.statements(project)):
                cursor.execute(statement)

    def environment(self, lab: LabClient, folder: Path) -> tuple[Path, dict[str, str]]:
        """Return the lab's environment file with the documented role, and the variables that it needs."""
        text = (PROJECT / "environments" / "lab.yaml").read_text()
        path = folder / "documented.yaml"
        path.write_text(text.replace("lab: true\n", "").replace(self.variable, "DOCUMENTED_DSN"))
        return path, lab.variables | {"DOCUMENTED_DSN": _dsn(self, lab)}


AURA, SALES = "environments/aura-flow.example.yaml", "environments/sales-ai.example.yaml"
ROLES = (
    Role(
        "ai-customer-service",
        "cs_monitor",
        "LAB_CS_MONITOR_DSN",
        "docs/ai-customer-service.md",
        "SELECT * FROM cs_sessions",
    ),
    Role("aura-flow", "aura_monitor", "LAB_AF_MONITOR_DSN", AURA, "SELECT * FROM users"),
    Role("sales-ai", "sales_monitor", "LAB_SALES_MONITOR_DSN", SALES, "SELECT * FROM leads"),
    Role("reverseai", "reverse_monitor", "LAB_REVERSE_MONITOR_DSN", "docs/reverseai.md", "DELETE FROM mysql.user"),
)


TRIED = [ROLES[0], *(pytest.param(role, marks=pytest.mark.slow) for role in ROLES[1:])]


@pytest.fixture(scope="module", params=TRIED, ids=lambda role: role.system)
def documented(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Role, LabClient]]:
    """A lab with the documented monitor role in place of its own."""
    role: Role = request.param
    with started_lab(tmp_path_factory.mktemp("lab"), role.system) as lab:
        role.replace(lab)
        yield role, lab


def _renaming(role: Role) -> str:
    if role.system == "reverseai":
        return f"RENAME USER '{role.user}'@'%' TO 'of_the_lab'@'%'"
    return f"ALTER ROLE {role.user} RENAME TO of_the_lab"


def _administrator(role: Role, lab: LabClient) -> Any:
    """Connect through the socket that only the lab's own user (and root) can reach."""
    folder = Path(lab.variables["LAB_CA_FILE"]).parents[1]
    if role.system == "reverseai":
        [socket] = [path for path in folder.rglob("s") if path.is_socket()]
        return pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
    [socket] = [path for path in folder.rglob(".s.PGSQL.*") if path.suffix != ".lock"]
    where: dict[str, Any] = {"host": str(socket.parent), "port": socket.suffix[1:], "user": "postgres"}
    return psycopg.connect(**where, dbname=_database(role, lab), autocommit=True)


def _database(role: Role, lab: LabClient) -> str:
    return urlsplit(lab.variables[role.variable]).path.strip("/")


def _dsn(role: Role, lab: LabClient) -> str:
    parts = urlsplit(lab.variables[role.variable])
    netloc = f"{role.user}:{quote(PASSWORD)}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc, query=parts.query.replace("DISABLED", "REQUIRED")))


def test_documented_role_is_enough_for_every_check(documented: tuple[Role, LabClient], tmp_path: Path) -> None:
    role, lab = documented
    environment, variables = role.environment(lab, tmp_path)
    ran = run("--env", str(environment), "--system", role.system, out=lab.out, variables=variables)
    unclear = {name: result["reason"] for name, result in ran.results.items() if result["outcome"] != "clear"}
    assert not unclear, f"add what these need to the role's SQL in {role.document}: {unclear}\n{ran.output()}"


def test_documented_role_can_change_nothing(documented: tuple[Role, LabClient]) -> None:
    role, lab = documented
    parts = urlsplit(lab.variables[role.variable])
    where: dict[str, Any] = {"host": "127.0.0.1", "port": parts.port, "user": role.user, "password": PASSWORD}
    if role.system == "reverseai":
        with closing(pymysql.connect(**where, database=_database(role, lab), ssl={"check_hostname": False})) as mysql:
            for statement in ("CREATE TABLE mine (id int)", role.forbidden):
                with pytest.raises(pymysql.err.OperationalError, match="command denied"):
                    mysql.cursor().execute(statement)
        return
    with psycopg.connect(**where, dbname=_database(role, lab), sslmode="disable") as postgres:
        for statement in ("CREATE TABLE mine ()", role.forbidden):
            with pytest.raises(psycopg.Error) as caught, postgres.transaction():
                postgres.execute(statement.encode())
            assert isinstance(
                caught.value, psycopg.errors.InsufficientPrivilege | psycopg.errors.ReadOnlySqlTransaction
            ), statement
