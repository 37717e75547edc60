"""Create the extensions of a dump that only a superuser may create, before the dump itself runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Collection

    from runbook_checks.probes.backups.scratch_server import Scratch

# Extensions of contrib that are not marked as trusted, but give a plain role no files, programs or connections.
HARMLESS = (
    *("pg_stat_statements", "pg_buffercache", "pg_freespacemap", "pg_visibility", "pgstattuple", "pgrowlocks"),
    *("pg_prewarm", "amcheck", "bloom", "sslinfo"),
)
# As pg_dump writes it, near the beginning: after the schemas, before everything else.
_WANTED = re.compile(
    rb"^CREATE EXTENSION IF NOT EXISTS \"?([A-Za-z0-9_-]{1,63})\"? WITH SCHEMA \"?([A-Za-z0-9_-]{1,63})\"?;\r?$",
    re.MULTILINE,
)


def make_extensions(scratch: Scratch, head: bytes, allowed: Collection[str]) -> bytes:
    """Create those that are allowed, each in its schema; return the dump's beginning without these schemas.

    They belong to the role that restores, because a dump comments on them. If one cannot be created, the dump's own
    attempt fails with the reason.
    """
    wanted = [(name.decode(), schema.decode()) for name, schema in _WANTED.findall(head)]
    for name, schema in wanted:
        if scratch.admin is not None and name in allowed and _is_made(scratch, name, schema):
            head = re.sub(rb"^CREATE SCHEMA \"?" + schema.encode() + rb"\"?;\r?$", b"", head, flags=re.MULTILINE)
    return head


def _is_made(scratch: Scratch, name: str, schema: str) -> bool:
    role = sql.Identifier(scratch.reached["user"])
    statements = [
        sql.SQL("BEGIN"),
        sql.SQL("ALTER ROLE {} SUPERUSER").format(role),
        sql.SQL("SET SESSION AUTHORIZATION {}").format(role),
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)),
        sql.SQL("CREATE EXTENSION {} SCHEMA {} CASCADE").format(sql.Identifier(name), sql.Identifier(schema)),
        sql.SQL("RESET SESSION AUTHORIZATION"),
        sql.SQL("ALTER ROLE {} NOSUPERUSER").format(role),
        sql.SQL("COMMIT"),
    ]
    try:
        scratch.run_as_admin(*statements, database=scratch.reached["dbname"])
    except psycopg.Error:
        return False
    return True
