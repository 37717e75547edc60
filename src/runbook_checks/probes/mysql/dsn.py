"""Read a MySQL DSN: server, database, account and TLS mode."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import unquote, unquote_plus

from runbook_checks.inputs import address
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.dsn_parameters import once, shown, unsupported

# SQLAlchemy's words for the driver below (https://docs.sqlalchemy.org/en/20/dialects/mysql.html); ours is PyMySQL.
DRIVERS = ("pymysql", "mysqldb", "mysqlconnector", "mariadbconnector", "aiomysql", "asyncmy", "cymysql")
DIALECTS = ("mysql", "mariadb")
SCHEMES = (*DIALECTS, "mysql2", *(f"{dialect}+{driver}" for dialect in DIALECTS for driver in DRIVERS))
DEFAULT_PORT = 3306
Mode = Literal["DISABLED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"]
# MySQL's own words (--ssl-mode), and where other drivers' differ, theirs.
MODES: dict[str, Mode] = {mode: mode for mode in get_args(Mode)} | {
    "DISABLE": "DISABLED",
    "FALSE": "DISABLED",
    "REQUIRE": "REQUIRED",
    "SKIP-VERIFY": "REQUIRED",
    "TRUE": "VERIFY_IDENTITY",
    "VERIFY-CA": "VERIFY_CA",
    "VERIFY-FULL": "VERIFY_IDENTITY",
}
OTHER_FORMS = {
    r"(?i:jdbc):\w+://": "an address of JDBC",
    r"[\w ]+=[^;]*;\s*[\w ]+=": "a list of pairs with ';' between them",
    r"[^/?#]*@?(?:tcp|unix)\([^()]*\)/": "a DSN of Go's MySQL driver",
}
MODE_KEYS = ("ssl-mode", "ssl_mode", "sslmode", "sslMode", "tls")
CA_KEYS = ("ssl-ca", "ssl_ca", "sslrootcert")
# Settings of an application's pool, texts or times, which do not affect our statements, or which ours replace.
_WITHOUT_EFFECT = (
    "charset collation encoding use_unicode useUnicode characterEncoding character_set connect_timeout connectTimeout "
    "read_timeout readTimeout write_timeout writeTimeout timeout socketTimeout socket_timeout pool_timeout "
    "connection_limit connectionLimit pool reconnect autoReconnect parseTime loc interpolateParams multiStatements "
    "maxAllowedPacket max_allowed_packet allowPublicKeyRetrieval allowNativePasswords rewriteBatchedStatements "
    "cachePrepStmts statement_cache_size autocommit"
)
WITHOUT_EFFECT = frozenset(_WITHOUT_EFFECT.split())
HINTS = {
    **dict.fromkeys(
        ("time_zone", "timezone", "serverTimezone"), "mysql.time_zone in the environment file names the zone"
    ),
    **dict.fromkeys(("unix_socket", "socket"), "the server is reached by host and port"),
    **dict.fromkeys(("read_default_file", "read_default_group", "init_command"), "leave it out"),
    **dict.fromkeys(("user", "password"), "they stand before the host"),
}


@dataclass(frozen=True)
class Dsn:
    host: str
    port: int
    user: str
    database: str
    mode: Mode
    ca_file: str | None
    says_mode: bool = True
    """Whether the DSN itself says if TLS is used."""
    password: str = field(repr=False, default="")

    @property
    def is_verified(self) -> bool:
        """The server must prove who it is: by its name, or by a private authority."""
        return self.mode == "VERIFY_IDENTITY" or (self.mode == "VERIFY_CA" and self.ca_file is not None)


def parse(dsn: str, resource: str, ca_file: str | None) -> Dsn:
    """A mysql:// URL. NoReading dsn-malformed, without quoting any of it; dsn-unsupported, naming a part of it.

    TLS with a verified certificate and name is the default, and `ssl-mode` changes it. PREFERRED is refused:
    an attacker on the network path can talk both ends out of TLS.
    """
    for pattern, what in OTHER_FORMS.items():
        if re.match(pattern, dsn.strip(), re.ASCII):
            raise unsupported(resource, what, "write it as mysql://USER:PASSWORD@HOST/DATABASE")
    try:
        parts = address.split(dsn)
    except address.Malformed as error:
        raise _malformed(resource, str(error)) from None
    if parts.scheme not in SCHEMES:
        raise _malformed(resource, "it is not a mysql:// URL")
    if not parts.user:
        raise _malformed(resource, "it names no user")
    options = _options(parts.query, resource)
    return Dsn(
        parts.host,
        parts.port or DEFAULT_PORT,
        parts.user,
        unquote(parts.path.lstrip("/")),
        _mode(options, resource),
        next((options[key] for key in CA_KEYS if key in options), ca_file),
        any(key in options for key in MODE_KEYS),
        parts.password,
    )


def _options(query: str, resource: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in query.split("&") if part]
    try:
        found = once([(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs])
    except address.Malformed as error:
        raise _malformed(resource, str(error)) from None
    for name in found:
        if name not in (*MODE_KEYS, *CA_KEYS) and name not in WITHOUT_EFFECT:
            hint = HINTS.get(name) or ("say ssl-mode and ssl-ca" if "ssl" in name.lower() else None)
            raise unsupported(resource, shown(name, found, HINTS), hint)
    return found


def _mode(options: dict[str, str], resource: str) -> Mode:
    said = {options[key].upper() for key in MODE_KEYS if key in options} or {"VERIFY_IDENTITY"}
    if said & {"PREFERRED", "PREFERED", "PREFER"}:
        raise _malformed(
            resource,
            "ssl-mode=PREFERRED lets an attacker on the way remove TLS; write DISABLED or VERIFY_IDENTITY",
        )
    modes = {MODES.get(word) for word in said}
    mode = modes.pop()
    if mode is None or modes:
        raise _malformed(resource, "its ssl-mode is not one of DISABLED, REQUIRED, VERIFY_CA and VERIFY_IDENTITY")
    return mode


def _malformed(resource: str, why: str) -> NoReading:
    return NoReading(resource, f"the DSN can't be understood: {why}", kind="dsn-malformed")
