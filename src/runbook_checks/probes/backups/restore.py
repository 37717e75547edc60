"""Can a dump be restored, how long does it take, and which tables hold rows then?"""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import psycopg
from psycopg import sql

from runbook_checks.probes.backups.dumps import MYSQL, blocks_of, maker_of, text_of
from runbook_checks.probes.backups.extensions import HARMLESS, make_extensions
from runbook_checks.probes.backups.packing import Damaged, chained
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
# What the scratch server lacks says nothing about the dump.
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
# What pg_dump begins with, and behind it psql's command; its key is letters and digits.
_OWN_RESTRICT = re.compile(rb"((?:[ \t\r]*(?:--[^\n]*)?\n)*+)[ \t]*\\restrict[ \t]+([0-9A-Za-z]+)[ \t\r]*\n")
_HARMLESS = """
    SELECT rolname FROM pg_roles r WHERE rolname = ANY({}) AND NOT EXISTS (
        SELECT FROM pg_roles s WHERE (s.rolsuper OR s.rolname LIKE 'pg\\_%') AND pg_has_role(r.oid, s.oid, 'MEMBER'))
"""
_ADVICE = {
    "extension-missing": "install it beside the programs named by backups.drill.binaries",
    "role-missing": "name it in backups.drill.roles",
    "no-space": "name a larger place in backups.drill.folder",
    "server-older": "name programs as new as the dump's in backups.drill.binaries, of a release since August 2025: "
    "they know \\restrict",
    "dump-connects": "a dump may hold no commands of psql; leave --create out when it is made",
    "extension-untrusted": "name it in backups.drill.extensions",
    "role-not-granted": "name it in backups.drill.roles",
    "rights-missing": "no dump is given a superuser's rights; leave out what needs them when it is made",
    "server-gone": "the scratch server went away",
}


@dataclass
class Restored:
    """How it went. `error` is the server's first, without the values that stand behind it."""

    seconds: float = 0.0
    plain: int = 0
    error: str | None = None
    is_over: bool = True
    rows: dict[str, int | None] = field(default_factory=dict)
    """Table to its rows, None where there is no such table."""


def restore(file: BinaryIO, scratch: Scratch, limit_s: float, extensions: Collection[str] = ()) -> Restored:
    """Stream a dump of plain SQL, gzipped or not, into a scratch database; given up after `limit_s`.

    extensions  those that a superuser may make for the dump, beside the ones that PostgreSQL or we hold harmless

    NoReading kinds: other-format, and those that say that the scratch server is to blame (see _ADVICE).
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
            reason = f"the check's deadline came before the restore's own limit of {limit_s:.0f} s"
            raise NoReading(RESOURCE, reason, kind="deadline")
        if psql.returncode and done.is_over:
            done.error = done.error or _told(said)
        return done


def _feed(psql: subprocess.Popen[bytes], statements: Iterator[bytes], done: Restored) -> None:
    assert psql.stdin is not None
    with suppress(BrokenPipeError), psql.stdin as pipe:  # psql ends at the first error, and says which
        try:
            for piece in statements:
                done.plain += len(piece)
                pipe.write(piece)
        except Damaged as damaged:
            done.error = damaged.what
            psql.kill()


def _statements(file: BinaryIO, scratch: Scratch, extensions: Collection[str]) -> Iterator[bytes]:
    """The dump's text behind psql's \\restrict with a key of ours, so that it can give psql no orders (CVE-2025-8714).

    A dump's own \\restrict and \\unrestrict are taken out: whoever wrote them knows their key.
    """
    whole = text_of(blocks_of(file), scratch.place if (scratch.place / "pg_restore").is_file() else None)
    head = b""
    while len(head) < HEAD and (piece := next(whole, b"")):
        head += piece
    if maker_of(head) == MYSQL:
        what = "it is a dump of MySQL or MariaDB, and drills restore PostgreSQL's only"
        raise NoReading(RESOURCE, what, kind="other-format")
    if re.search(rb"^\\connect ", head[:HEAD], re.MULTILINE):
        raise _blamed("dump-connects", "it was made with --create, and would go to a database of its own")
    head = make_extensions(scratch, head, {*HARMLESS, *extensions})
    yield b"\\restrict " + secrets.token_hex(32).encode() + b"\n"
    own = _OWN_RESTRICT.match(head)
    if own is None:
        yield from chained(head, whole)
    else:
        yield own[1]
        yield from _without(own[2], chained(head[own.end() :], whole))


def _without(key: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The text without the lines that end the dump's own restriction."""
    line = re.compile(rb"(?<=\n)\\unrestrict[ \t]+" + re.escape(key) + rb"[ \t\r]*\n")
    longest, kept = len(key) + 64, b"\n"
    for piece in pieces:
        kept = line.sub(b"", kept + piece)
        yield kept[:-longest]
        kept = kept[-longest:]
    yield line.sub(b"", kept + b"\n")


def _told(said: BinaryIO) -> str:
    said.seek(0)
    text = said.read(MAX_SAID).decode(errors="replace")
    found = _ERROR.search(text)
    message = one_line(found.group(1) if found else text or "psql ended without a word", 200)
    for kind, pattern in _OURS.items():
        if pattern.search(text):
            raise _blamed(kind, message)
    return message


def _blamed(kind: str, message: str) -> NoReading:
    return NoReading(RESOURCE, f"the dump can't be tried here: {message}; {_ADVICE[kind]}", kind=kind)


def make_roles(scratch: Scratch, roles: list[str]) -> None:
    """The owners that a dump speaks of: made on a server of its own; elsewhere those that are there are lent.

    The role that restores may act as each of them. None that is a superuser, or has a right on files and programs, is
    lent to it.
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
    """Table to its rows, None where there is no such table; a name without schema is public's."""
    found: dict[str, int | None] = {}
    for table in tables:
        name = sql.Identifier(*(table.split(".", 1) if "." in table else ("public", table)))
        try:
            found[table] = scratch.run(sql.SQL("SELECT count(*) FROM {}").format(name))[0][0]
        except psycopg.errors.UndefinedTable:
            found[table] = None
        except psycopg.Error as error:
            raise NoReading(
                RESOURCE, f"{table} can't be counted: {one_line(str(error), 120)}", kind="server-gone"
            ) from None
    return found
