"""Restore a dump into a scratch database, with a time limit, and count rows."""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import psycopg
from psycopg import sql

from runbook_checks.probes.backups.dumps import MYSQL, blocks_of, maker_of, text_of
from runbook_checks.probes.backups.extensions import HARMLESS, make_extensions
from runbook_checks.probes.backups.packing import Damaged
from runbook_checks.probes.core.deadline import within
from runbook_checks.probes.core.reading import NoReading, one_line

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Iterator

    from runbook_checks.probes.backups.scratch_server import Scratch

RESOURCE = "scratch"
HEAD = 1 << 16
MAX_SAID = 1 << 16
_ERROR = re.compile(r"(?:ERROR|FATAL|error): +(?:[0-9A-Z]{5}: )?(.*)")
# These errors concern the scratch server, not the dump.
_OURS = {
    "extension-missing": re.compile(r"extension \"[^\"]*\" is not available|could not open extension control file"),
    "role-missing": re.compile(r"role \"[^\"]*\" does not exist"),
    "no-space": re.compile(r"No space left on device|could not extend file"),
    "server-older": re.compile(r"unrecognized configuration parameter|invalid command \\"),
    "dump-connects": re.compile(r"backslash commands are restricted|unrestrict: wrong key"),
    "extension-untrusted": re.compile(r"permission denied to create extension"),
    "role-not-granted": re.compile(r"must be (?:member of role|able to SET ROLE)"),
    "rights-missing": re.compile(r"ERROR: +42501: "),  # insufficient_privilege
    "server-gone": re.compile(r"server closed the connection|connection to server|terminating connection"),
}
# The first lines of pg_dump, and after them psql's command; its key is letters and digits.
_OWN_RESTRICT = re.compile(rb"((?:[ \t\r]*(?:--[^\n]*)?\n)*+)[ \t]*\\restrict[ \t]+([0-9A-Za-z]+)[ \t\r]*\n")
_HARMLESS = """
    SELECT rolname FROM pg_roles r WHERE rolname = ANY({}) AND NOT EXISTS (
        SELECT FROM pg_roles s WHERE (s.rolsuper OR s.rolname LIKE 'pg\\_%') AND pg_has_role(r.oid, s.oid, 'MEMBER'))
"""
_ADVICE = {
    "extension-missing": "install it for the programs in backups.drill.binaries",
    "role-missing": "name it in backups.drill.roles",
    "no-space": "set backups.drill.folder to a folder with more space",
    "server-older": "set backups.drill.binaries to programs as new as the dump's, of a release since August 2025, "
    "which know \\restrict",
    "dump-connects": "a dump must not contain psql commands; make it without --create",
    "extension-untrusted": "name it in backups.drill.extensions",
    "role-not-granted": "name it in backups.drill.roles",
    "rights-missing": "no dump is restored with a superuser's rights; make it without what needs them",
    "server-gone": "the scratch server stopped",
}


@dataclass
class Restored:
    """The result of a restore. `error` is the server's first one, without the values after it."""

    seconds: float = 0.0
    plain: int = 0
    error: str | None = None
    is_over: bool = True
    rows: dict[str, int | None] = field(default_factory=dict)
    """The number of rows by table, None for a missing table."""


def restore(file: BinaryIO, scratch: Scratch, limit_s: float, extensions: Collection[str] = ()) -> Restored:
    """Stream a dump of PostgreSQL, compressed or not, into a scratch database; stop after `limit_s`.

    extensions  those that a superuser may create for the dump, beside the harmless ones

    NoReading kinds: those of dumps.text_of, and those that concern the scratch server (see _ADVICE).
    """
    with tempfile.TemporaryFile() as said:
        psql = scratch.psql(stderr=said)
        begun = time.monotonic()
        done = Restored()
        limit = within(limit_s)
        try:
            with limit.on_expiry(psql.kill):
                _feed(psql, _statements(file, scratch, extensions), done)
                psql.wait()
        finally:
            psql.kill()
            psql.wait()
        done.seconds = time.monotonic() - begun
        done.is_over = not limit.expired
        if not done.is_over and done.seconds < limit_s - 1:
            reason = f"the check's deadline is shorter than the restore's own limit of {limit_s:.0f} s"
            raise NoReading(RESOURCE, reason, kind="deadline")
        if psql.returncode and done.is_over:
            done.error = done.error or _first_error(said)
        return done


def _feed(psql: subprocess.Popen[bytes], statements: Iterator[bytes], done: Restored) -> None:
    assert psql.stdin is not None
    with suppress(BrokenPipeError), psql.stdin as pipe:  # psql exits at the first error and prints it
        try:
            for piece in statements:
                done.plain += len(piece)
                pipe.write(piece)
        except Damaged as damaged:
            done.error = damaged.what
            psql.kill()


def _statements(file: BinaryIO, scratch: Scratch, extensions: Collection[str]) -> Iterator[bytes]:
    """The dump's text after psql's \\restrict with a key of ours, so that it cannot run psql commands (CVE-2025-8714).

    A dump's own \\restrict and \\unrestrict are removed: its author knows their key.
    """
    whole = text_of(blocks_of(file), scratch.place if (scratch.place / "pg_restore").is_file() else None)
    head = b""
    while len(head) < HEAD and (piece := next(whole, b"")):
        head += piece
    if maker_of(head) == MYSQL:
        what = "it is a dump of MySQL or MariaDB, and drills restore PostgreSQL's only"
        raise NoReading(RESOURCE, what, kind="other-format")
    if re.search(rb"^\\connect ", head[:HEAD], re.MULTILINE):
        raise _blamed("dump-connects", "it was made with --create, and would be restored into another database")
    head = make_extensions(scratch, head, {*HARMLESS, *extensions})
    yield b"\\restrict " + secrets.token_hex(32).encode() + b"\n"
    own = _OWN_RESTRICT.match(head)
    if own is None:
        yield from chain([head], whole)
    else:
        yield own[1]
        yield from _without(own[2], chain([head[own.end() :]], whole))


def _without(key: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The text without the lines that end the dump's own restriction."""
    line = re.compile(rb"(?<=\n)\\unrestrict[ \t]+" + re.escape(key) + rb"[ \t\r]*\n")
    longest, kept = len(key) + 64, b"\n"
    for piece in pieces:
        kept = line.sub(b"", kept + piece)
        yield kept[:-longest]
        kept = kept[-longest:]
    yield line.sub(b"", kept + b"\n")


def _first_error(said: BinaryIO) -> str:
    said.seek(0)
    text = said.read(MAX_SAID).decode(errors="replace")
    found = _ERROR.search(text)
    message = one_line(found.group(1) if found else text or "psql exited without a message", 200)
    for kind, pattern in _OURS.items():
        if pattern.search(text):
            raise _blamed(kind, message)
    return message


def _blamed(kind: str, message: str) -> NoReading:
    return NoReading(RESOURCE, f"the dump cannot be restored here: {message}; {_ADVICE[kind]}", kind=kind)


def make_roles(scratch: Scratch, roles: list[str]) -> None:
    """Create the owners in a dump on a server of our own; on another, grant those that exist.

    The role that restores may act as each of them. Superusers and roles with rights on files or programs are not
    granted.
    """
    if scratch.admin is None:
        return
    if scratch.is_own:
        scratch.run_as_admin(*(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)) for role in roles))
        lent = roles
    else:
        lent = [role for (role,) in scratch.run_as_admin(sql.SQL(_HARMLESS).format(roles))]
    to = sql.Identifier(scratch.reached["user"])
    scratch.run_as_admin(*(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), to) for role in lent))


def count(scratch: Scratch, tables: list[str]) -> dict[str, int | None]:
    """The number of rows by table, None for a missing table; a name without a schema is in public."""
    found: dict[str, int | None] = {}
    for table in tables:
        name = sql.Identifier(*(table.split(".", 1) if "." in table else ("public", table)))
        try:
            found[table] = scratch.run(sql.SQL("SELECT count(*) FROM {}").format(name))[0][0]
        except psycopg.errors.UndefinedTable:
            found[table] = None
        except psycopg.Error as error:
            raise NoReading(
                RESOURCE, f"the rows of {table} cannot be counted: {one_line(str(error), 120)}", kind="server-gone"
            ) from None
    return found
