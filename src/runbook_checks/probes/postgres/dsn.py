"""Which server, database and role does a PostgreSQL DSN name?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from runbook_checks.inputs import address
from runbook_checks.probes.core.reading import NoReading
from runbook_checks.probes.postgres.dsn_text import MODES, read
from runbook_checks.probes.sql.dsn_parameters import refuse_unsupported, without_ours

NOWHERE = "/nonexistent/runbook-checks"
BEYOND_CONNINFO = ("PGSERVICEFILE", "PGSYSCONFDIR", "PGTZ", "PGDATESTYLE", "PGGEQO", "PGLOCALEDIR")
APPLICATION = "runbook-checks"
DEFAULT_PORT = "5432"
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
        """It says whether TLS is spoken. With prefer and allow whoever sits on the way decides."""
        return self.options.get("sslmode", "") not in UNDECIDED

    @property
    def is_verified(self) -> bool:
        """The server must prove who it is: by its name, or by an authority that is not everybody's."""
        mode, authority = self.options.get("sslmode"), self.options["sslrootcert"]
        return mode == "verify-full" or (mode == "verify-ca" and authority != _public_authorities())

    def __repr__(self) -> str:
        return f"Dsn({self.user}@{self.places}/{self.database})"


def parse(dsn: str, resource: str, ca_file: str | None) -> Dsn:
    """The DSN, a postgresql:// URL or key=value.

    NoReading dsn-malformed, without quoting any of it; dsn-unsupported, naming the part without its value.
    """
    from psycopg import pq

    try:
        given = read(dsn.strip(), resource)
        if not any(given.values()):
            raise address.Malformed("it is empty")
        refuse_unsupported(given, resource, {option.keyword.decode() for option in pq.Conninfo.get_defaults()})
        if given.get("sslmode", "") not in ("", *MODES):
            raise address.Malformed(f"its sslmode is none of {', '.join(MODES)}")
        given = without_ours(given)
        places = _places(given)
    except address.Malformed as error:
        raise _malformed(resource, str(error)) from None
    return Dsn(places, _settled(given, resource, ca_file))


def _places(given: dict[str, str]) -> tuple[Place, ...]:
    hosts = given.pop("host", "").split(",")
    addresses = given.pop("hostaddr", "").split(",")
    ports = given.pop("port", DEFAULT_PORT).split(",")
    count = max(len(hosts), len(addresses))
    if not all(len(several) in (1, count) for several in (hosts, addresses, ports)):
        raise address.Malformed("its hosts, addresses and ports are not as many of each")
    hosts, addresses, ports = (v * count if len(v) == 1 else v for v in (hosts, addresses, ports))
    return tuple(_place(*each) for each in zip(hosts, addresses, ports, strict=True))


def _place(host: str, hostaddr: str, port: str) -> Place:
    if host and not (address.is_folder(host) or address.is_name(host) or address.is_ip(host)):
        raise address.Malformed("its host is neither a name, an IP address nor the folder of a socket")
    if hostaddr and not address.is_ip(hostaddr):
        raise address.Malformed("its hostaddr is no IP address")
    return Place(host or hostaddr, address.as_port(port or DEFAULT_PORT), hostaddr or None)


def _public_authorities() -> str:
    import certifi

    return certifi.where()


def _settled(given: dict[str, str], resource: str, ca_file: str | None) -> dict[str, str]:
    """What the DSN says, and where it is silent nothing from the home folder of whoever runs this."""
    options = dict.fromkeys(("passfile", "sslcert", "sslkey", "sslcrl", "sslrootcert"), NOWHERE)
    if ca_file is not None:
        if not os.path.isfile(ca_file) or not os.access(ca_file, os.R_OK):
            reason = f"the CA file {ca_file} can't be read"
            raise NoReading(resource, reason, kind="ca-file-unreadable", evidence={"ca_file": ca_file})
        options |= {"sslrootcert": ca_file, "sslmode": "verify-full"}
    elif given.get("sslmode", "").startswith("verify-"):
        options["sslrootcert"] = _public_authorities()
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
