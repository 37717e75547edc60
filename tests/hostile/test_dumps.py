"""Dumps that try to run programs, read files or open connections on the host of the restore drill."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runbook_checks.probes.backups.restore import Restored, count, make_roles, restore
from runbook_checks.probes.backups.scratch_server import Scratch, database_on, own_server
from runbook_checks.probes.core.reading import NoReading
from tests.probes import pg

SERVERS = {"embedded": pg.embedded_binaries(), "system": pg.system_binaries()}
CANARY = "dump-was-here"
KEY = "k" * 63


@pytest.fixture(scope="module", params=SERVERS)
def binaries(request: pytest.FixtureRequest) -> Path:
    found = SERVERS[request.param]
    if found is None:
        pytest.skip(f"no PostgreSQL binaries ({request.param}) available")
    return found


@pytest.fixture(scope="module")
def scratch(binaries: Path) -> Iterator[Scratch]:
    with own_server(binaries, None) as made:
        yield made


@pytest.fixture
def canary(scratch: Scratch, tmp_path: Path) -> Path:
    """A path at which no dump may create a file, but the server's user could."""
    scratch.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o777)
    return tmp_path / CANARY


def restored(scratch: Scratch, dump: str, *extensions: str) -> Restored:
    return restore(io.BytesIO(dump.encode()), scratch, 60, extensions)


def refused(scratch: Scratch, dump: str) -> NoReading:
    """Return the reason why a dump could not be restored for lack of rights; such a dump is not reported as broken."""
    with pytest.raises(NoReading) as caught:
        restored(scratch, dump)
    assert caught.value.resource == "scratch"
    return caught.value


SQL = {
    "copy from program": "CREATE TABLE t (a text);\nCOPY t FROM PROGRAM 'touch {canary}';",
    "copy to program": "COPY (SELECT 1) TO PROGRAM 'cat > {canary}';",
    "copy to a file": "COPY (SELECT 1) TO '{canary}';",
    "copy from a file": "CREATE TABLE t (a text);\nCOPY t FROM '/etc/passwd';",
    "read a file": "SELECT pg_read_file('/etc/passwd');",
    "list a folder": "SELECT pg_ls_dir('/');",
    "import a file": "SELECT lo_import('/etc/passwd');",
    "export a file": "SELECT lo_export(lo_from_bytea(0, 'x'), '{canary}');",
    "set an archive command": "ALTER SYSTEM SET archive_command = 'touch {canary}';",
    "preload a library": "ALTER ROLE CURRENT_USER SET session_preload_libraries = 'auto_explain';",
    "a function in C": "CREATE FUNCTION run(cstring) RETURNS int AS 'libc.so.6', 'system' LANGUAGE C;",
    "load a library": "LOAD '/lib/x86_64-linux-gnu/libc.so.6';",
    "a language that runs programs": "CREATE EXTENSION file_fdw;",
    "connections out": "CREATE EXTENSION dblink;",
    "tables elsewhere": "CREATE EXTENSION postgres_fdw;",
    "an event trigger": "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';\n"
    "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f();",
    "to be the superuser": "SET SESSION AUTHORIZATION drill;",
    "to become the superuser": "SET ROLE drill;",
    "a right on programs": "GRANT pg_execute_server_program TO CURRENT_USER;",
    "a superuser": "CREATE ROLE boss SUPERUSER;",
}


@pytest.mark.parametrize("what", SQL)
def test_sql_runs_no_program_and_reads_no_file(scratch: Scratch, canary: Path, what: str) -> None:
    reported = refused(scratch, SQL[what].format(canary=canary))
    assert reported.kind in ("rights-missing", "extension-untrusted", "role-not-granted", "extension-missing"), reported
    assert not canary.exists()


def test_subscription_and_view_run_without_superuser_rights(scratch: Scratch, canary: Path) -> None:
    """Rows are counted without superuser rights, because a view runs functions with the rights of its reader."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        where = f"host=127.0.0.1 port={server.getsockname()[1]} dbname=x"
        reported = refused(scratch, f"CREATE SUBSCRIPTION s CONNECTION '{where}' PUBLICATION p;")
        assert reported.kind == "rights-missing"
        with pytest.raises(TimeoutError):
            server.accept()
    body = f"BEGIN COPY (SELECT 1) TO PROGRAM 'touch {canary}'; RETURN 1; END"
    function = f"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ {body} $$;"
    dump = f"{function}\nCREATE VIEW items AS SELECT f() AS id;\n"
    assert restored(scratch, dump).error is None
    with pytest.raises(NoReading, match="external program"):
        count(scratch, ["items"])
    assert not canary.exists()


META = [
    r"\! touch {canary}",
    r"\o |cat > {canary}",
    r"\o {canary}",
    r"\i {script}",
    r"\ir {script}",
    r"\copy (SELECT 1) TO PROGRAM 'cat > {canary}'",
    r"\copy (SELECT 1) TO '{canary}'",
    r"\set x `touch {canary}`",
    r"\setenv PSQL_PAGER 'touch {canary}'",
    r"\g |cat > {canary}",
    r"SELECT 'touch {canary}' \gexec",
    r"SELECT 1 \g |cat > {canary}",
    r"SELECT '\\! touch {canary}' AS x \gset",
    r"\connect - drill",
    r"\w {canary}",
    r"\s {canary}",
    r"\e {canary}",
    r"\lo_export 1 {canary}",
    r"\unrestrict guessed",
]


@pytest.mark.parametrize(
    ("where", "command"),
    [(where, META[0]) for where in ("without", "before", "within")] + [("behind", command) for command in META],
)
def test_dump_cannot_run_psql_commands(scratch: Scratch, canary: Path, where: str, command: str) -> None:
    """Also if the dump sets its own restriction, whose key it knows, and ends it before the command."""
    script = canary.with_name("script.sql")
    script.write_text(f"\\! touch {canary}\n")
    order = command.format(canary=canary, script=script)
    dump = {
        "without": f"SELECT 1;\n{order}\n",
        "before": f"{order}\n\\restrict {KEY}\nSELECT 1;\n\\unrestrict {KEY}\n",
        "within": f"--\n-- PostgreSQL dump\n--\n\n\\restrict {KEY}\n\nSELECT 1;\n{order}\n\\unrestrict {KEY}\n",
        "behind": f"--\n\n\\restrict {KEY}\n\nSELECT 1;\n\\unrestrict {KEY}\n{order}\n",
    }[where]
    assert refused(scratch, dump).kind == "dump-connects"
    assert not canary.exists()


LEGITIMATE = """--
-- PostgreSQL database dump
--

\\restrict @KEY

-- Dumped from database version 17.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET row_security = off;

CREATE SCHEMA shop;
ALTER SCHEMA shop OWNER TO seller;
CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;
COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA shop;
COMMENT ON EXTENSION pg_trgm IS 'text similarity';
CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA public;
COMMENT ON EXTENSION pg_stat_statements IS 'statistics';

CREATE FUNCTION shop.grow(n integer) RETURNS integer LANGUAGE plpgsql AS $$BEGIN RETURN n + 1; END$$;
ALTER FUNCTION shop.grow(n integer) OWNER TO seller;
CREATE TABLE shop.books (id integer NOT NULL, title text);
ALTER TABLE shop.books OWNER TO seller;
CREATE SEQUENCE shop.books_id_seq;
ALTER SEQUENCE shop.books_id_seq OWNER TO seller;
CREATE TABLE public.readers (id integer NOT NULL, book integer);
ALTER TABLE public.readers OWNER TO librarian;
COPY shop.books (id, title) FROM stdin;
1\tone \\\\! touch nothing
2\tline\\nof two
\\.
COPY public.readers (id, book) FROM stdin;
7\t1
\\.
SELECT pg_catalog.setval('shop.books_id_seq', 2, true);
SELECT pg_catalog.lo_create('16400');
ALTER LARGE OBJECT 16400 OWNER TO seller;
ALTER TABLE ONLY shop.books ADD CONSTRAINT books_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.readers ADD CONSTRAINT fk FOREIGN KEY (book) REFERENCES shop.books(id);
CREATE INDEX books_title ON shop.books USING gin (title shop.gin_trgm_ops);
CREATE INDEX books_grown ON shop.books USING btree (id);
ALTER TABLE shop.books ENABLE ROW LEVEL SECURITY;
ALTER TABLE ONLY shop.books FORCE ROW LEVEL SECURITY;
CREATE POLICY no_rows ON shop.books USING (false);
GRANT USAGE ON SCHEMA shop TO librarian;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;
GRANT SELECT ON TABLE shop.books TO librarian;
ALTER DEFAULT PRIVILEGES FOR ROLE seller IN SCHEMA shop GRANT SELECT ON TABLES TO librarian;
COMMENT ON SCHEMA public IS 'standard public schema';

--
-- PostgreSQL database dump complete
--

\\unrestrict @KEY

""".replace("@KEY", KEY)


def test_dumps_restore_without_a_superuser(binaries: Path) -> None:
    """Statistics, in public or elsewhere, are as harmless as trusted extensions; other extensions are configured."""
    elsewhere = LEGITIMATE.replace("pg_stat_statements WITH SCHEMA public", "pg_stat_statements WITH SCHEMA shop")
    for dump in (LEGITIMATE, elsewhere, LEGITIMATE.replace("pg_stat_statements", "dblink")):
        with own_server(binaries, None) as scratch:
            make_roles(scratch, ["seller", "librarian"])
            if "dblink" in dump:
                assert refused(scratch, "CREATE EXTENSION IF NOT EXISTS dblink;").kind == "extension-untrusted"
            done = restored(scratch, dump, *(["dblink"] if "dblink" in dump else []))
            assert done.error is None
            assert count(scratch, ["shop.books", "readers"]) == {"shop.books": 2, "readers": 1}
            assert scratch.run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


def test_superuser_in_the_environment_grants_no_rights(tmp_path: Path) -> None:
    canary = tmp_path / CANARY
    with pg.started(
        "CREATE ROLE seller", "CREATE ROLE root SUPERUSER", "GRANT pg_execute_server_program TO seller"
    ) as it:
        with database_on(it.dsn(), it.binaries) as scratch:
            make_roles(scratch, ["seller", "root", "boss", "absent"])
            reported = refused(scratch, f"COPY (SELECT 1) TO PROGRAM 'touch {canary}';")
            assert reported.kind == "rights-missing"
            for role in ("seller", "root", "boss"):
                assert refused(scratch, f"SET ROLE {role};").kind in ("rights-missing", "role-not-granted")
            name = scratch.reached["user"]
        with database_on(it.dsn(), it.binaries) as other:
            assert (name,) not in other.run("SELECT rolname FROM pg_roles")
    assert not canary.exists()


def test_scratch_server_has_no_secret_in_its_environment(binaries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the server nor its supervisor nor psql has the secret in its environment."""
    import psutil

    monkeypatch.setenv("PAYMENTS_TOKEN", "s3cret-of-payments")
    with own_server(binaries, None) as scratch, open(os.devnull, "wb") as nothing:
        psql = scratch.psql(stderr=nothing)
        try:
            children = psutil.Process().children(recursive=True)
            names = {child.name() for child in children}
            assert {"postgres", "psql"} <= names, names
            for child in children:
                with suppress(FileNotFoundError, ProcessLookupError):  # PostgreSQL's helper processes come and go
                    assert "s3cret-of-payments" not in Path(f"/proc/{child.pid}/environ").read_text("utf-8", "replace")
        finally:
            psql.kill()
            psql.communicate()
