"""Read a PostgreSQL DSN, a URL or key=value pairs, as libpq does, with the parameters of other drivers.

Neither the environment nor the home folder is read.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import certifi
from psycopg import pq
from psycopg.conninfo import make_conninfo

from runbook_checks.inputs import address
from runbook_checks.inputs.address import Malformed
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.sql.dsn_parameters import (
    APPLICATION,
    HONOURED,
    once,
    refuse_unsupported,
    unsupported,
    without_ours,
)

NOWHERE = "/nonexistent/runbook-checks"
BEYOND_CONNINFO = ("PGSERVICEFILE", "PGSYSCONFDIR", "PGTZ", "PGDATESTYLE", "PGGEQO", "PGLOCALEDIR")
DEFAULT_PORT = "5432"
SCHEMES = ("postgresql", "postgres")
# SQLAlchemy's words for the driver below (https://docs.sqlalchemy.org/en/20/dialects/postgresql.html); ours is psycopg.
DRIVERS = ("asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "psycopg_async", "pg8000", "aiopg")
MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(?!')((?:[^\s\\]|\\.)*))(?=\s|\Z)", re.DOTALL)
_URL = re.compile(r"[A-Za-z][\w+.:-]*://", re.ASCII)
UNDECIDED = ("allow", "prefer", "")
FILES = {
    "sslrootcert": "ca-file-unreadable",
    "sslcrl": "ca-file-unreadable",
    "sslcert": "client-certificate-unreadable",
    "sslkey": "client-certificate-unreadable",
}


@dataclass(frozen=True)
class Place:
    """One server of a DSN (it may name several)."""

    host: str  # name, address, or the folder of a Unix socket
    port: int
    address: str | None  # hostaddr, where the DSN gives one

    @property
    def is_local(self) -> bool:
        return self.host == "" or self.host.startswith(("/", "@"))


@dataclass(frozen=True)
class Dsn:
    places: tuple[Place, ...]
    options: dict[str, str]  # libpq's keywords without host, hostaddr and port
    says_mode: bool = True  # whether the DSN itself says if TLS is used

    @property
    def user(self) -> str:
        return self.options.get("user", "")

    @property
    def database(self) -> str:
        return self.options.get("dbname", "") or self.user

    @property
    def password(self) -> str:
        return self.options.get("password", "")

    @property
    def is_decided(self) -> bool:
        """It says whether TLS is used. With prefer and allow, an attacker on the network path decides."""
        return self.options.get("sslmode", "") not in UNDECIDED

    @property
    def is_verified(self) -> bool:
        """The server must prove who it is: by its name, or by a private authority."""
        mode, authority = self.options.get("sslmode"), self.options["sslrootcert"]
        return mode == "verify-full" or (mode == "verify-ca" and authority != certifi.where())

    def __repr__(self) -> str:
        return f"Dsn({self.user}@{self.places}/{self.database})"


def parse(dsn: str, resource: str, ca_file: str | None) -> Dsn:
    """The DSN, a postgresql:// URL or key=value.

    NoReading dsn-malformed, without quoting any of it; dsn-unsupported, naming the part without its value.
    """
    try:
        given = _read(dsn.strip(), resource)
        if not any(given.values()):
            raise Malformed("it is empty")
        refuse_unsupported(given, resource, {option.keyword.decode() for option in pq.Conninfo.get_defaults()})
        if given.get("sslmode", "") not in ("", *MODES):
            raise Malformed(f"its sslmode is not one of {', '.join(MODES)}")
        given = without_ours(given)
        places = _places(given)
    except Malformed as error:
        raise _malformed(resource, str(error)) from None
    says_mode = given.get("sslmode", "") not in UNDECIDED
    return Dsn(places, _settled(given, resource, ca_file), says_mode)


def _read(text: str, resource: str) -> dict[str, str]:
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
    parts = address.split(text, is_list=True)
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


def _places(given: dict[str, str]) -> tuple[Place, ...]:
    hosts = given.pop("host", "").split(",")
    addresses = given.pop("hostaddr", "").split(",")
    ports = given.pop("port", DEFAULT_PORT).split(",")
    count = max(len(hosts), len(addresses))
    if not all(len(several) in (1, count) for several in (hosts, addresses, ports)):
        raise Malformed("it has different numbers of hosts, addresses and ports")
    hosts, addresses, ports = (v * count if len(v) == 1 else v for v in (hosts, addresses, ports))
    return tuple(_place(*each) for each in zip(hosts, addresses, ports, strict=True))


def _place(host: str, hostaddr: str, port: str) -> Place:
    if host and not (address.is_folder(host) or address.is_name(host) or address.is_ip(host)):
        raise Malformed("its host is neither a name, an IP address nor the folder of a socket")
    if hostaddr and not address.is_ip(hostaddr):
        raise Malformed("its hostaddr is not an IP address")
    return Place(host or hostaddr, address.as_port(port or DEFAULT_PORT), hostaddr or None)


def _settled(given: dict[str, str], resource: str, ca_file: str | None) -> dict[str, str]:
    """The DSN's options, with defaults that keep libpq from files of the user's home folder."""
    options = dict.fromkeys(("passfile", "sslcert", "sslkey", "sslcrl", "sslrootcert"), NOWHERE)
    if ca_file is not None:
        if not os.path.isfile(ca_file) or not os.access(ca_file, os.R_OK):
            reason = f"the CA file {ca_file} can't be read"
            raise NoReading(resource, reason, kind="ca-file-unreadable", evidence={"ca_file": ca_file})
        options |= {"sslrootcert": ca_file, "sslmode": "verify-full"}
    elif given.get("sslmode", "").startswith("verify-"):
        options["sslrootcert"] = certifi.where()
    _require_files(given, resource)
    options |= given
    options |= {"application_name": APPLICATION, "client_encoding": "utf8", "gssencmode": "disable"}
    return options


def _require_files(given: dict[str, str], resource: str) -> None:
    """NoReading where a file that the DSN names can't be read; a pipe or a device would keep libpq waiting."""
    for name, kind in FILES.items():
        file = given.get(name, "")
        is_there = os.path.isfile(file) and os.access(file, os.R_OK)
        if file and not is_there and (name, file) != ("sslrootcert", "system"):
            raise NoReading(resource, f"the file that {name} in the DSN names can't be read", kind=kind)


def forget_environment() -> None:
    """Hide the PG* variables from libpq; Python's own view of them stays.

    libpq reads them at several moments of a connection, and some (PGTZ, PGSERVICE) can't be overridden.
    """
    names = [o.envvar.decode() for o in pq.Conninfo.get_defaults() if o.envvar]
    for name in (*names, *BEYOND_CONNINFO):
        if name in os.environ:
            os.unsetenv(name)


def conninfo(options: dict[str, str], place: Place, address: str | None, **more: str) -> bytes:
    where: dict[str, Any] = {"port": str(place.port)}
    if place.host:
        where["host"] = place.host
    if address is not None:
        where["hostaddr"] = address
    return make_conninfo("", **{**options, **where, **more}).encode()


def _malformed(resource: str, why: str) -> NoReading:
    return NoReading(resource, f"the DSN can't be understood: {why}", kind="dsn-malformed")
