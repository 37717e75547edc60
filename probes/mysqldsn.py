"""Which server, database and account does a MySQL DSN name, and how is the way there protected?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from probes.reading import NoReading

SCHEMES = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
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
MODE_KEYS = ("ssl-mode", "ssl_mode", "sslmode", "sslMode", "tls")
CA_KEYS = ("ssl-ca", "ssl_ca", "sslrootcert")


@dataclass(frozen=True)
class Dsn:
    host: str
    port: int
    user: str
    database: str
    mode: Mode
    ca_file: str | None
    password: str = field(repr=False, default="")


def parse(dsn: str, resource: str, ca_file: str | None) -> Dsn:
    """A mysql:// URL. NoReading dsn-malformed, without quoting any of it.

    TLS with a verified certificate and name is the rule, and `ssl-mode` the exception to it. PREFERRED is refused:
    whoever sits on the way can talk both ends out of TLS.
    """
    try:
        parts = urlsplit(dsn.strip())
        port = parts.port or DEFAULT_PORT
    except ValueError:
        # Python's own words may quote what they stumbled over.
        raise _malformed(resource, "its host or port can't be read") from None
    if parts.scheme not in SCHEMES:
        raise _malformed(resource, "it is no mysql:// URL")
    if not parts.hostname or not parts.username:
        raise _malformed(resource, "it names no host or no user")
    options = dict(parse_qsl(parts.query))
    return Dsn(
        parts.hostname,
        port,
        unquote(parts.username),
        unquote(parts.path.lstrip("/")),
        _mode(options, resource),
        next((options[key] for key in CA_KEYS if key in options), ca_file),
        _password(parts),
    )


def _password(parts: SplitResult) -> str:
    return unquote(parts.password or "")


def _mode(options: dict[str, str], resource: str) -> Mode:
    given = next((options[key] for key in MODE_KEYS if key in options), "VERIFY_IDENTITY").upper()
    if given in ("PREFERRED", "PREFERED", "PREFER"):
        raise _malformed(
            resource, "ssl-mode=PREFERRED lets whoever sits on the way take TLS out; say DISABLED or VERIFY_IDENTITY"
        )
    if given not in MODES:
        raise _malformed(resource, "its ssl-mode is none of DISABLED, REQUIRED, VERIFY_CA and VERIFY_IDENTITY")
    return MODES[given]


def _malformed(resource: str, why: str) -> NoReading:
    return NoReading(resource, f"the DSN can't be understood: {why}", kind="dsn-malformed")
