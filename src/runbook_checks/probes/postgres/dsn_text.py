"""Read the text of a PostgreSQL DSN, a URL or key=value pairs, as libpq does, with the words of other drivers."""

from __future__ import annotations

import re
from urllib.parse import unquote

from runbook_checks.inputs.address import Malformed, split
from runbook_checks.probes.sql.dsn_parameters import HONOURED, once, unsupported

SCHEMES = ("postgresql", "postgres")
# SQLAlchemy's words for the driver below (https://docs.sqlalchemy.org/en/20/dialects/postgresql.html); ours is psycopg.
DRIVERS = ("asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "psycopg_async", "pg8000", "aiopg")
MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(?!')((?:[^\s\\]|\\.)*))(?=\s|\Z)", re.DOTALL)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")


def read(text: str, resource: str) -> dict[str, str]:
    """Keyword to value, those of other drivers too."""
    if _URL.match(text):
        return _of_url(text, resource)
    pairs = _of_pairs(text)
    first = re.match(r"([\w ]+)=[^;]*;\s*[\w ]+=", text)
    if first and first[1] not in HONOURED:
        raise unsupported(resource, "a list of pairs with ';' between them", "write a postgresql:// URL")
    if pairs is None:
        raise Malformed("it is neither a postgresql:// URL nor key=value pairs; values with blanks stand in quotes")
    return pairs


def _of_pairs(text: str) -> dict[str, str] | None:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        pair = _PAIR.match(text, at)
        if pair is None:
            return None
        value = pair[2] if pair[2] is not None else pair[3]
        found.append((pair[1], re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)))
        at = pair.end()
    return once(found)


def _of_url(text: str, resource: str) -> dict[str, str]:
    parts = split(text, is_list=True)
    dialect, plus, driver = parts.scheme.partition("+")
    if parts.scheme.startswith("jdbc:"):
        raise unsupported(resource, "an address of JDBC", "write it as postgresql://USER:PASSWORD@HOST/DATABASE")
    if dialect not in SCHEMES:
        raise Malformed("it is a URL, but not one of postgresql://")
    if plus and driver not in DRIVERS:
        raise unsupported(resource, "the driver in its scheme", "write postgresql://")
    hosts, ports = zip(*((host, str(port or "")) for host, port in parts.hosts), strict=True)
    authority = {
        "host": ",".join(hosts),
        "port": ",".join(ports) if any(ports) else "",
        "user": parts.user,
        "password": parts.password,
        "dbname": unquote(parts.path.removeprefix("/")),
    }
    return once([(name, value) for name, value in (*authority.items(), *_of_query(parts.query).items()) if value])


def _of_query(query: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in query.split("&") if part]
    found = once([(unquote(name), unquote(value)) for name, _, value in pairs])
    # `ssl` is JDBC's and asyncpg's; libpq takes `ssl=true` as require.
    modes = {"true": "require", **{mode: mode for mode in MODES}}
    if found.get("ssl") in modes:
        found.setdefault("sslmode", modes[found.pop("ssl")])
    return found
