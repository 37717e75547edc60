"""Which server, database and role does a PostgreSQL DSN name?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from probes.reading import NoReading

NOWHERE = "/nonexistent/runbook-checks"
BEYOND_CONNINFO = ("PGSERVICEFILE", "PGSYSCONFDIR", "PGTZ", "PGDATESTYLE", "PGGEQO", "PGLOCALEDIR")
APPLICATION = "runbook-checks"
DEFAULT_PORT = "5432"


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

    @property
    def user(self) -> str:
        return self.options.get("user", "")

    @property
    def database(self) -> str:
        return self.options.get("dbname", "") or self.user

    @property
    def password(self) -> str:
        return self.options.get("password", "")

    def __repr__(self) -> str:
        return f"Dsn({self.user}@{self.places}/{self.database})"


def parse(dsn: str, resource: str, ca_file: str | None) -> Dsn:
    """The DSN, a postgresql:// URL or key=value. NoReading dsn-malformed, without quoting any of it."""
    from psycopg import Error, pq

    try:
        given = {
            option.keyword.decode(): option.val.decode()
            for option in pq.Conninfo.parse(dsn.strip().encode())
            if option.val
        }
        is_empty = not given
        places = _places(given)
    except (Error, ValueError):
        # libpq's own words quote what it stumbled over, which may be the password.
        raise _malformed(resource, "it is neither a postgresql:// URL nor key=value pairs") from None
    if is_empty:
        raise _malformed(resource, "it is empty")
    return Dsn(places, _settled(given, resource, ca_file))


def _places(given: dict[str, str]) -> tuple[Place, ...]:
    hosts = given.pop("host", "").split(",")
    addresses = given.pop("hostaddr", "").split(",")
    ports = given.pop("port", DEFAULT_PORT).split(",")
    count = max(len(hosts), len(addresses))
    hosts, addresses, ports = (v * count if len(v) == 1 else v for v in (hosts, addresses, ports))
    found = []
    for host, address, port in zip(hosts, addresses, ports, strict=True):
        number = int(port or DEFAULT_PORT)
        if not 0 < number < 65536:
            raise ValueError("port")
        found.append(Place(host or address, number, address or None))
    return tuple(found)


def _settled(given: dict[str, str], resource: str, ca_file: str | None) -> dict[str, str]:
    """What the DSN says, and where it is silent nothing from the home folder of whoever runs this."""
    options = dict.fromkeys(("passfile", "sslcert", "sslkey", "sslcrl", "sslrootcert"), NOWHERE)
    if ca_file is not None:
        if not os.path.isfile(ca_file) or not os.access(ca_file, os.R_OK):
            reason = f"the CA file {ca_file} can't be read"
            raise NoReading(resource, reason, kind="ca-file-unreadable", evidence={"ca_file": ca_file})
        options |= {"sslrootcert": ca_file, "sslmode": "verify-full"}
    elif given.get("sslmode", "").startswith("verify-"):
        import certifi

        options["sslrootcert"] = certifi.where()
    options |= given
    options |= {"application_name": APPLICATION, "client_encoding": "utf8", "gssencmode": "disable"}
    options.pop("connect_timeout", None)
    return options


def forget_environment() -> None:
    """Hide the PG* variables from libpq; Python's own view of them stays.

    libpq reads them at several moments of a connection, and some (PGTZ, PGSERVICE) can't be overridden.
    """
    from psycopg import pq

    names = [o.envvar.decode() for o in pq.Conninfo.get_defaults() if o.envvar]
    for name in (*names, *BEYOND_CONNINFO):
        if name in os.environ:
            os.unsetenv(name)


def conninfo(options: dict[str, str], place: Place, address: str | None, **more: str) -> bytes:
    from psycopg.conninfo import make_conninfo

    where: dict[str, Any] = {"port": str(place.port)}
    if place.host:
        where["host"] = place.host
    if address is not None:
        where["hostaddr"] = address
    return make_conninfo("", **{**options, **where, **more}).encode()


def _malformed(resource: str, why: str) -> NoReading:
    return NoReading(resource, f"the DSN can't be understood: {why}", kind="dsn-malformed")
