"""Ledgers of migration tools on a real PostgreSQL, in one run of the command with a system for each ledger.

Alembic and Django make their own tables. The other tools' tables are as their documentation and sources describe them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import run
from tests.probes import pg

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "k9-Long-Enough"
SYMPTOM = "migration.unfinished"
PRISMA = "CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz)"

FLYWAY = (
    "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200),"
    " type varchar(20), script varchar(1000), success boolean NOT NULL)"
)
GOLANG = "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)"
RAILS = "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY)"
GOOSE = "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint, is_applied boolean, tstamp timestamp)"


def prisma(*rows: str) -> list[str]:
    """Return the statements for rows such as `a done`, `b back`, `c open`."""
    insert = "INSERT INTO _prisma_migrations VALUES ('{}', {})"
    values = {"done": "now(), NULL", "back": "NULL, now()", "open": "NULL, NULL"}
    split = [row.split() for row in rows]
    return [PRISMA, *(insert.format(name, values[state]) for name, state in split)]


def flyway(*rows: str) -> list[str]:
    """Return the statements for rows such as `'1.2' SQL true`."""
    insert = "INSERT INTO flyway_schema_history VALUES ({0}, {1}, 'x', '{2}', 'R{0}__x.sql', {3})"
    return [FLYWAY, *(insert.format(rank, *row.split()) for rank, row in enumerate(rows, 1))]


UNDO = "'2' UNDO_SQL true"
REPEATABLE = ("NULL SQL true",)


def golang(version: int, dirty: bool) -> list[str]:
    insert = "INSERT INTO schema_migrations VALUES ({}, {})"
    return [GOLANG, insert.format(version, dirty)]


def rails(*versions: str) -> list[str]:
    insert = "INSERT INTO schema_migrations VALUES ('{}')"
    return [RAILS, *map(insert.format, versions)]


def goose(*rows: str) -> list[str]:
    insert = "INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES ({}, {}, now())"
    return [GOOSE, *(insert.format(*row.split()) for row in ("0 true", *rows))]


@dataclass
class Case:
    """A ledger, the settings for it, and the result that it must have: an outcome, or the cause of a finding."""

    statements: list[str]
    result: str
    text: str = ""
    ledger: dict[str, Any] = field(default_factory=dict)


def case(statements: list[str], result: str, text: str = "", **ledger: Any) -> Case:
    return Case(statements, result, text, ledger)


BOOLEAN = ["CREATE TABLE steps (id int, ok boolean)"]
OWN: dict[str, Any] = {"table": "steps", "name": "id", "finished": "ok", "rolled_back": None}
CASES = {
    # Prisma
    "prisma-done": case(prisma("1 done", "2 done"), "clear", kind="prisma", expected="2"),
    "prisma-by-default": case(prisma("1 done", "2 done"), "clear", expected="2"),
    "prisma-behind": case(prisma("1 done"), "behind", "newest migration is 1", kind="prisma", expected="2"),
    "prisma-ahead": case(prisma("1 done", "2 done"), "ahead", kind="prisma", expected="1"),
    "prisma-open": case(prisma("1 done", "2 open"), "started-not-finished", "2", kind="prisma", expected="1"),
    "prisma-back-and-done": case(prisma("1 back", "1 done"), "clear", kind="prisma", expected="1"),
    "prisma-back-and-open": case(
        prisma("1 back", "1 open"), "started-not-finished", "begun", kind="prisma", expected="1"
    ),
    "prisma-back-for-good": case(prisma("1 done", "2 back"), "clear", kind="prisma", expected="1"),
    "prisma-back-in-between": case(prisma("1 done", "2 back", "3 done"), "clear", kind="prisma", expected="3"),
    "prisma-back-and-needed": case(prisma("1 done", "2 back"), "started-not-finished", "rolled back", expected="2"),
    "prisma-back-not-said": case(prisma("1 done", "2 back"), "unknown", "write postgres.ledger.expected"),
    "prisma-empty": case(prisma(), "behind", "newest migration is none", kind="prisma", expected="1"),
    # A team's own table
    "own-without-columns": case(
        ["CREATE TABLE steps (id int)", "INSERT INTO steps VALUES (9), (10)"],
        "clear",
        table="steps",
        name="id",
        expected="10",
    ),
    "own-numbers-sort-by-value": case(
        ["CREATE TABLE steps (id text)", "INSERT INTO steps VALUES ('9'), ('10')"],
        "ahead",
        table="steps",
        name="id",
        finished=None,
        rolled_back=None,
        expected="9",
    ),
    "own-boolean-true": case([*BOOLEAN, "INSERT INTO steps VALUES (1, true)"], "clear", **OWN, expected="1"),
    "own-boolean-false": case([*BOOLEAN, "INSERT INTO steps VALUES (1, false)"], "started-not-finished", **OWN),
    "own-boolean-null": case([*BOOLEAN, "INSERT INTO steps VALUES (1, NULL)"], "started-not-finished", **OWN),
    "own-rolled-back-boolean": case(
        [*BOOLEAN, "INSERT INTO steps VALUES (1, true), (2, false)"],
        "clear",
        table="steps",
        name="id",
        finished=None,
        rolled_back="ok",
        expected="2",
    ),
    "own-nameless": case(
        [*BOOLEAN, "INSERT INTO steps VALUES (1, true), (NULL, false), (NULL, true)"],
        "started-not-finished",
        "row 2 without a name",
        **OWN,
        expected="1",
    ),
    "own-nameless-and-done": case(
        [*BOOLEAN, "INSERT INTO steps VALUES (1, true), (NULL, true)"], "clear", **OWN, expected="1"
    ),
    "own-dirty": case(
        golang(3, True),
        "started-not-finished",
        "3",
        table="schema_migrations",
        name="version",
        finished="dirty",
        rolled_back=None,
    ),
    "own-clean": case(
        golang(3, False),
        "clear",
        table="schema_migrations",
        name="version",
        finished="dirty",
        rolled_back=None,
        expected="3",
    ),
    "own-text-is-not-understood": case(
        ["CREATE TABLE steps (id int, state text)", "INSERT INTO steps VALUES (1, 'failed')"],
        "unknown",
        "state (postgres.ledger.finished) is text",
        table="steps",
        name="id",
        finished="state",
    ),
    "own-column-misspelt": case([*BOOLEAN], "unknown", "it has id, ok", **OWN | {"finished": "okay"}),
    "own-name-misspelt": case([*BOOLEAN], "unknown", "no column migration_name (postgres.ledger.name)", table="steps"),
    # Flyway
    "flyway-done": case(
        flyway("'1.9' SQL true", "'1.10' SQL true", *REPEATABLE), "clear", kind="flyway", expected="1.10"
    ),
    "flyway-file-name": case(flyway("'1.9' SQL true"), "clear", kind="flyway", expected="V1_9__prices.sql"),
    "flyway-failed": case(flyway("'1' SQL true", "'2' SQL false"), "started-not-finished", "2", kind="flyway"),
    "flyway-repeatable-failed": case(
        flyway("'1' SQL true", "NULL SQL false"), "started-not-finished", "R2__x.sql", kind="flyway", expected="1"
    ),
    "flyway-behind": case(flyway("'1' SQL true", "'2' SQL true"), "behind", kind="flyway", expected="3"),
    "flyway-undone": case(
        flyway("'1' SQL true", "'2' SQL true", "'2' UNDO_SQL true"), "behind", kind="flyway", expected="2"
    ),
    "flyway-baseline": case(flyway("'7' BASELINE true"), "ahead", "7", kind="flyway", expected="6"),
    "flyway-other-name": case(flyway("'1' SQL true"), "unknown", "no version: new", kind="flyway", expected="new"),
    # golang-migrate
    "golang-done": case(golang(10, False), "clear", kind="golang-migrate", expected="000010_prices.up.sql"),
    "golang-dirty": case(golang(10, True), "started-not-finished", "10", kind="golang-migrate", expected="10"),
    "golang-behind": case(golang(9, False), "behind", kind="golang-migrate", expected="10"),
    "golang-ahead": case(golang(11, False), "ahead", kind="golang-migrate", expected="10"),
    "golang-empty": case([GOLANG], "behind", "is none", kind="golang-migrate", expected="10"),
    "golang-no-version": case(
        golang(1, False), "unknown", "no version number", kind="golang-migrate", expected="newest"
    ),
    "golang-of-another-tool": case(rails("1"), "unknown", "dirty", kind="golang-migrate", expected="1"),
    # Rails
    "rails-done": case(rails("20240101000000", "20240201000000"), "clear", kind="rails", expected="2024_02_01_000000"),
    "rails-behind": case(rails("20240101000000"), "behind", kind="rails", expected="20240201000000_add_price.rb"),
    "rails-ahead": case(rails("20240101000000", "20240201000000"), "ahead", kind="rails", expected="20240101000000"),
    # goose
    "goose-done": case(goose("1 true", "2 true"), "clear", kind="goose", expected="00002_prices.sql"),
    "goose-taken-back": case(goose("1 true", "2 true", "2 false"), "behind", "is 1", kind="goose", expected="2"),
    "goose-again": case(goose("1 true", "1 false", "1 true"), "clear", kind="goose", expected="1"),
    "goose-empty": case(goose(), "behind", "is none", kind="goose", expected="1"),
    # without a privilege
    "no-select": case(rails("1"), "unknown", 'GRANT SELECT ON \\"schema_migrations\\" TO \\"looker\\"', kind="rails"),
    "no-usage": case(rails("1"), "unknown", 'GRANT USAGE ON SCHEMA \\"no-usage\\" TO \\"looker\\"', kind="rails"),
    # without an expected migration
    "not-expected": case(rails("1"), "skipped", kind="rails"),
}


def alembic(server: pg.Server, folder: Path) -> dict[str, Case]:
    """Two databases' worth of Alembic: its own upgrade to a revision, and to two heads."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(str(folder / "alembic.ini"))
    config.set_main_option("script_location", str(folder / "alembic"))
    command.init(config, str(folder / "alembic"), template="generic")
    env = "from alembic import context\nimport sqlalchemy as sa\n" + (
        "engine = sa.create_engine(context.config.attributes['url'],"
        " connect_args={'options': '-csearch_path=' + context.config.attributes['schema']})\n"
        "with engine.connect() as connection:\n"
        "    context.configure(connection=connection)\n"
        "    with context.begin_transaction():\n"
        "        context.run_migrations()\n"
        "    connection.commit()\n"
    )
    (folder / "alembic" / "env.py").write_text(env)
    revisions = [("aa11", "base"), ("0bb2", "aa11"), ("cc33", "0bb2"), ("dd44", "0bb2")]
    for revision, head in revisions:
        command.revision(config, revision, rev_id=revision, head=head, splice=True)
    config.attributes["url"] = server.dsn().replace("postgresql://", "postgresql+psycopg://")
    assert set(ScriptDirectory.from_config(config).get_heads()) == {"cc33", "dd44"}

    def upgraded(schema: str, *to: str) -> None:
        server.run(f'CREATE SCHEMA "{schema}"')
        config.attributes["schema"] = f'"{schema}"'
        for revision in to:
            command.upgrade(config, revision)

    empty = ["CREATE TABLE alembic_version (version_num varchar(32))"]
    cases = {
        "alembic-done": (("cc33",), case([], "clear", expected="cc33")),
        "alembic-two-heads": (("heads",), case([], "clear", expected="cc33 (head)\ndd44 (head)")),
        "alembic-older": (("0bb2",), case([], "none", "newest migration is 0bb2", expected="cc33")),
        "alembic-newer": (("cc33",), case([], "none", "newest migration is cc33", expected="0bb2")),
        "alembic-one-head-missing": (("cc33",), case([], "behind", expected="cc33,dd44")),
        "alembic-one-head-more": (("heads",), case([], "ahead", expected="cc33")),
        "alembic-not-begun": (
            (),
            case(empty, "behind", expected="cc33"),
        ),
    }
    for name, (to, one) in cases.items():
        upgraded(name, *to)
        one.ledger["kind"] = "alembic"
    return {name: one for name, (_, one) in cases.items()}


MIGRATE = """
import sys, django
from django.conf import settings
from django.core.management import call_command
_, url, schema, *targets = sys.argv
from urllib.parse import urlsplit
at = urlsplit(url)
place = {"USER": at.username, "PASSWORD": at.password, "HOST": at.hostname, "PORT": at.port, "NAME": at.path[1:]}
path = {"options": "-csearch_path=" + '"' + schema + '"'}
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "OPTIONS": path, **place}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "books"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
for target in targets:
    call_command("migrate", *target.split(), verbosity=0)
"""


def django(server: pg.Server, folder: Path) -> dict[str, Case]:
    """Django's own apps and one of ours, migrated by Django itself: names sort across apps in no useful order."""
    migrations = folder / "books" / "migrations"
    migrations.mkdir(parents=True)
    names = ["0001_initial", "0002_price", "0003_isbn"]
    text = "from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = {}\n    {}\n"
    (folder / "books" / "__init__.py").touch()
    (migrations / "__init__.py").touch()
    for before, name in zip([None, *names], names, strict=False):
        needs = f"[('books', '{before}')]" if before else "[]"
        (migrations / f"{name}.py").write_text(text.format(needs, "operations = []"))

    def migrate(schema: str, *targets: str) -> None:
        script = [sys.executable, "-c", MIGRATE, server.dsn(), schema, *targets]
        subprocess.run(script, cwd=folder, check=True, timeout=60)

    cases = {
        "django-done": case([], "clear", expected="books.0003_isbn auth.0012_alter_user_first_name_max_length"),
        "django-name-alone": case([], "clear", expected="0003_isbn"),
        "django-one-app-behind": case([], "behind", "newest migration is books.0003", expected="books.0004_author"),
        "django-one-app-ahead": case([], "ahead", "newest migration is books.0003", expected="books.0002_price"),
        "django-name-of-several-apps": case([], "unknown", "write APP.0001_initial", expected="0001_initial"),
        "django-unknown-app": case([], "behind", "is none", expected="shelves.0001_initial"),
        "django-squashed": case([], "clear", expected="books.0003_isbn"),
        "django-squash-expected": case([], "ahead", "books.0003", expected="books.0001_squashed_0002"),
        "django-migrated-back": case([], "behind", "books.0001", expected="books.0003_isbn"),
    }
    for name, one in cases.items():
        one.ledger["kind"] = "django"
        server.run(f'CREATE SCHEMA "{name}"')
    migrate("django-done", "")
    migrate("django-migrated-back", "", "books 0001")
    migrate("django-squashed", "")
    squashed = "replaces = [('books', '0001_initial'), ('books', '0002_price')]\n    operations = []"
    (migrations / "0001_squashed_0002.py").write_text(text.format("[]", squashed))
    migrate("django-squashed", "")
    for name in cases.keys() - {"django-done", "django-migrated-back", "django-squashed"}:
        source = "django-squashed" if name == "django-squash-expected" else "django-done"
        server.run(f'CREATE TABLE "{name}".django_migrations AS TABLE "{source}".django_migrations')
    return cases


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Case, dict[str, Any]]]:
    """Return all the cases and their results, by name, from one run."""
    folder = tmp_path_factory.mktemp("ledgers")
    (folder / "shop.yaml").write_text(f"title: Shop\nsymptoms: {{{SYMPTOM}: }}\n")
    with pg.started(f"CREATE ROLE looker LOGIN PASSWORD '{SECRET}'") as server:
        cases = everything(server, folder)
        grants = [f'GRANT USAGE ON SCHEMA "{name}" TO looker' for name in cases]
        server.run(*grants, *(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{name}" TO looker' for name in cases))
        server.run('REVOKE ALL ON "no-select".schema_migrations FROM looker')
        server.run('REVOKE ALL ON SCHEMA "no-usage" FROM looker')
        dsn = {"env": "DSN_LOOKER"}
        systems = {
            name: {"runbook": "shop.yaml", "postgres": {"dsn": dsn, "schema": name, "ledger": one.ledger}}
            for name, one in cases.items()
        }
        file = folder / "staging.yaml"
        file.write_text(json.dumps({"name": "staging", "tier": "staging", "effects": "read", "systems": systems}))
        ran = run("--env", str(file), out=folder / "out", variables={"DSN_LOOKER": server.dsn("looker", SECRET)})
    found = {result["system"]: result for result in ran.document["results"]}
    assert found.keys() == cases.keys(), ran.output()
    return {name: (one, found[name]) for name, one in cases.items()}


def everything(server: pg.Server, folder: Path) -> dict[str, Case]:
    made = {**alembic(server, folder), **django(server, folder)}
    for name in CASES:
        server.run(f'CREATE SCHEMA "{name}"')
    for name, one in {**CASES, **made}.items():
        server.run(*(f'SET search_path = "{name}"; {statement}' for statement in one.statements))
    return CASES | made


def outcome(result: dict[str, Any]) -> str:
    """Return a result's outcome, or the cause of its finding."""
    return result["findings"][0]["cause"] or "none" if result["outcome"] == "found" else result["outcome"]


def test_every_ledger_is_judged(judged: dict[str, tuple[Case, dict[str, Any]]]) -> None:
    got = {name: outcome(result) for name, (_, result) in judged.items()}
    assert got == {name: one.result for name, (one, _) in judged.items()}
    lacking = {name: result for name, (one, result) in judged.items() if one.text not in json.dumps(result)}
    assert not lacking, json.dumps(lacking, indent=1)
    for name in ("alembic-older", "alembic-newer"):
        candidates = judged[name][1]["findings"][0]["candidates"]
        assert [one["what"] for one in candidates] == ["behind", "ahead"]
