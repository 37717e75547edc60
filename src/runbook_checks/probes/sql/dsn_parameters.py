"""Classify the parameters of a PostgreSQL DSN: honoured, without effect here, or not supported.

A parameter that is not supported makes the reading unknown; the reason names it without its value. The list of honoured
parameters is closed, because some of libpq's read a file of the home folder, run a program or write a file.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from runbook_checks.inputs.address import Malformed
from runbook_checks.probes.core.reading import NoReading

APPLICATION = "runbook-checks"  # application_name of our sessions on the server
_HONOURED = (
    "user password host hostaddr port dbname options channel_binding require_auth requirepeer target_session_attrs "
    "sslmode sslnegotiation sslsni sslcert sslkey sslpassword sslcertmode sslrootcert sslcrl sslcrldir "
    "ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version "
    "keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout"
)
HONOURED = frozenset(_HONOURED.split())
# Our own values are used, or they are for a pool, a cache or an order that we do not have.
_WITHOUT_EFFECT = (
    "connect_timeout application_name fallback_application_name client_encoding sslcompression load_balance_hosts "
    "pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size "  # Prisma
    "prepared_statement_cache_size prepared_statement_name_func command_timeout "  # asyncpg
    "pool_size max_overflow pool_max_conns pool_min_conns pool_max_conn_lifetime pool_max_conn_idle_time "
    "default_query_exec_mode statement_cache_capacity description_cache_capacity"  # pgx
)
WITHOUT_EFFECT = frozenset(_WITHOUT_EFFECT.split())
_IN_DSN = "write host, port, dbname and user into the DSN itself"
_NO_KERBEROS = "log in with a password or a client certificate"
HINTS = {
    "service": _IN_DSN,
    "servicefile": _IN_DSN,
    "passfile": "write the password into the DSN, which is given by reference",
    "schema": "postgres.schema in the environment file names the schema",
    "currentSchema": "postgres.schema in the environment file names the schema",
    "search_path": "postgres.schema in the environment file names the schema",
    "sslkeylogfile": "it would write the keys of the connection to a file",
    "replication": "an ordinary connection is needed",
    "sslaccept": "write sslmode=verify-full or sslmode=require",
    "sslidentity": "give sslcert and sslkey",
    "ssl": "write sslmode=verify-full, require or disable",
    **dict.fromkeys(("krbsrvname", "gsslib", "gssdelegation", "gssencmode"), _NO_KERBEROS),
    **dict.fromkeys(("scram_client_key", "scram_server_key"), "log in with a password"),
    **dict.fromkeys(("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"), _NO_KERBEROS),
}
# Values of some that need nothing different from us.
_HARMLESS = {"gssencmode": ("disable", "prefer"), "schema": ("public",), "currentSchema": ("public",)}
_PLAIN_NAME = re.compile(r"[A-Za-z][\w.-]{0,40}")


def refuse_unsupported(given: Mapping[str, str], resource: str, known: Collection[str]) -> None:
    """NoReading dsn-unsupported for the first parameter that is neither honoured nor without effect.

    known  the keywords of the libpq that is loaded
    """
    for name, value in given.items():
        if name in WITHOUT_EFFECT or value in _HARMLESS.get(name, ()) or not value:
            continue
        if name not in HONOURED:
            raise unsupported(resource, shown(name, given, HINTS), HINTS.get(name))
        if name not in known:
            raise unsupported(resource, f"the parameter '{name}'", "the libpq that is loaded is too old for it")
    if given.get("target_session_attrs") == "prefer-standby":
        raise unsupported(resource, "'target_session_attrs' with prefer-standby", "say standby, or any")
    if bool(given.get("sslcert")) != bool(given.get("sslkey")):
        what = "'sslcert' without 'sslkey', or the other way round,"
        raise unsupported(resource, what, "sslrootcert names the authority of the server")
    if ":" in given.get("sslkey", ""):
        raise unsupported(resource, "'sslkey' with a key of an engine", "name a file")


def once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The pairs by name. A duplicate may be the rest of a password, and drivers differ in which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("one of its parameters is given twice; values with blanks stand in quotes")
    return found


def without_ours(given: Mapping[str, str]) -> dict[str, str]:
    """The parameters for libpq."""
    return {name: value for name, value in given.items() if name in HONOURED and value}


def shown(name: str, given: Collection[str], known: Collection[str]) -> str:
    """The name to show. An unknown word may be the rest of a password that contains a blank or an '&'."""
    may_be_secret = "password" in given and name not in known
    return "one of its parameters" if may_be_secret or not _PLAIN_NAME.fullmatch(name) else f"the parameter '{name}'"


def unsupported(resource: str, what: str, hint: str | None = None) -> NoReading:
    reason = f"the DSN can't be used: {what} is not supported" + (f"; {hint}" if hint else "")
    return NoReading(resource, reason, kind="dsn-unsupported")
